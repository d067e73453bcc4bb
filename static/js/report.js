// The report page: the button that prints, where there is a printer to ask.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Just signed: Enter leads to the next case.
if (document.referrer.endsWith("/sign")) document.querySelector("[data-next-case]")?.focus();

// Pictures further down load when one scrolls to them; paper has no scrolling.
window.addEventListener("beforeprint", () => {
  for (const picture of document.querySelectorAll("img[loading='lazy']")) picture.loading = "eager";
});
