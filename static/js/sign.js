// The sign page: text blocks go into the comment where the cursor is, the preview follows what is
// written, and the signature goes with the version of the text that is on the screen.

const comment = document.getElementById("id_comment");
const details = document.getElementById("details");
const form = document.getElementById("sign-form");

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  if (!comment) return;
  insert(comment, button.dataset.insert);
});

// Where there is nothing left to do but sign, a keyboard begins there; on a phone it would cover the
// preview.
if (!document.querySelector(".is-invalid") && window.matchMedia("(pointer: fine)").matches)
  form?.querySelector(".sign-proof input")?.focus({ preventScroll: true });

function insert(box, text) {
  const { selectionStart: start, selectionEnd: end, value } = box;
  const before = value.slice(0, start);
  const gap = before && !/\s$/.test(before) ? " " : "";
  box.setRangeText(gap + text, start, end, "end");
  box.focus();
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

// Without JavaScript one saves and looks; with it the preview says at once what will be signed.
function preview() {
  const part = document.querySelector(".sheet-comment");
  if (!part) return;
  const words = document.createElement("p");
  words.className = comment.value ? "sheet-text" : "sheet-small";
  const lines = comment.value ? comment.value.split("\n") : ["None was written."];
  for (const [number, line] of lines.entries()) {
    if (number) words.append(document.createElement("br"));
    words.append(line);
  }
  part.querySelector("p").replaceWith(words);
}

comment?.addEventListener("input", preview);

// A text block that was refused comes back with its text and its reason; deleting asks once.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "text-blocks" && [409, 422].includes(event.detail.xhr.status)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// autosave.js has saved what was typed before this form goes; the version that it was given is what
// the server compares with, so that nobody signs over what another window wrote.
document.addEventListener(
  "submit",
  (event) => {
    if (event.target === form) form.elements.draft.value = details.elements.version.value;
  },
  true,
);
