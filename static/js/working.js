// A form whose answer takes seconds says so, and is not sent twice. Without this script the browser
// shows that it waits, and the server finds the second one to be too late.

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.dataset.working) return;
  if (button.classList.contains("is-working")) {
    event.preventDefault();
    return;
  }
  button.dataset.said = button.textContent;
  button.textContent = button.dataset.working;
  button.classList.add("is-working");
  // Not `disabled`: a button that is disabled loses the focus, and with it the place on the page.
  button.setAttribute("aria-disabled", "true");
  const status = document.querySelector("[data-working-status]");
  if (status) status.textContent = button.dataset.working;
});

// Back by the browser's own button: the page as it was left, so to say in the middle of it.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll(".is-working")) {
    button.textContent = button.dataset.said;
    button.classList.remove("is-working");
    button.removeAttribute("aria-disabled");
  }
});
