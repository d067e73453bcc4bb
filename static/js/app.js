// On every page: CSRF for htmx, the theme switch, and what to say when htmx gets no answer.
import { csrf, request } from "./http.js";
import { say } from "./toast.js";

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrf();
});

// Signed out meanwhile: the answer is the sign-in page. It belongs in a page of its own.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.responseURL && new URL(xhr.responseURL).pathname.startsWith("/account/login")) {
    event.detail.shouldSwap = false;
    // The bell rings by itself: what somebody is writing must not be lost for it.
    if (!event.detail.target.closest("[data-bell]")) window.location.reload();
  }
});

document.addEventListener("htmx:responseError", (event) => {
  // A partial that polls says so itself, in its place.
  if (event.target.closest?.("[data-polls]")) return;
  const { status } = event.detail.xhr;
  if (status === 403) say("Your role does not include this. Nothing was changed.", "error");
  else if (status === 404) say("This is not there any more. Load the page again.", "error");
  else say("The server could not do this. Nothing was changed; try again.", "error");
});

document.addEventListener("htmx:sendError", (event) => {
  if (event.target.closest?.("[data-polls]")) return;
  say("The connection was lost. Nothing was changed; try again.", "error");
});

function markTheme() {
  const choice = window.telehemeTheme.choice();
  for (const button of document.querySelectorAll("[data-theme-choice]"))
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-choice]");
  if (!button) return;
  window.telehemeTheme.choose(button.dataset.themeChoice);
  markTheme();
  const { url } = button.parentElement.dataset;
  if (!url) return;
  const body = new URLSearchParams({ theme: button.dataset.themeChoice });
  // Kept in this browser already; the account learns it for the person's other machines.
  request(url, { method: "POST", body }).catch(() => {});
});

markTheme();

// A form came back: the first field that needs a change, with its reason, is where to go on.
document.querySelector(".is-invalid")?.focus();
