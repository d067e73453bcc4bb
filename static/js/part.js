// A part of the page, asked for again at its own address: for pages that do without htmx.

export async function renew(part) {
  const headers = { "HX-Request": "true" };
  const address = part.dataset.part || part.getAttribute("hx-get");
  try {
    const answer = await fetch(address, { headers, credentials: "same-origin" });
    if (answer.ok && !answer.redirected) part.innerHTML = await answer.text();
  } catch {
    // The line is down: what stands there stays, and the next time tries again.
  }
}
