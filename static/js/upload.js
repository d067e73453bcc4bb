// Pictures into a case: many at once, three at a time, in the order chosen. Each file has its own key,
// and every retry carries it, so the server never keeps a file twice.
import { Refused, upload } from "./http.js";
import { handedOver } from "./handover.js";

const area = document.getElementById("upload");
const list = document.getElementById("uploads");
const summary = document.getElementById("upload-summary");
const AT_ONCE = 3;
const TRIES = 6;
const WORDS = {
  queued: "Waiting for its turn",
  sending: "Sending",
  checking: "Being checked",
  waiting: "Connection lost, trying again",
};

const files = [];
let nextOrder = Number(area.dataset.nextOrder);
let running = 0;

function key() {
  // crypto.randomUUID exists only on https and localhost; random bytes exist everywhere.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function add(file) {
  const row = element("li", "upload");
  const picture = document.createElement("img");
  picture.alt = "";
  const url = URL.createObjectURL(file);
  picture.src = url;
  picture.addEventListener("load", () => URL.revokeObjectURL(url));
  picture.addEventListener("error", () => {
    // A TIFF, which browsers do not draw, or no picture at all: the server decides.
    URL.revokeObjectURL(url);
    picture.classList.add("no-preview");
  });
  const words = document.createElement("div");
  words.className = "min-w-0";
  const name = element("div", "upload-name", file.name || "Pasted picture");
  name.title = file.name;
  const state = element("div", "upload-state");
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Sending ${file.name}`);
  words.append(name, state, bar);
  const acts = element("div", "upload-acts");
  row.append(picture, words, acts);
  list.append(row);
  const entry = { file, row, state, bar, acts, key: key(), order: nextOrder++, tries: 0, now: "" };
  files.push(entry);
  if (file.size > Number(area.dataset.largest))
    end(entry, "refused", "The file is larger than 20 MB; please export it as JPEG or as the field of view alone.");
  else if (file.size === 0)
    end(entry, "refused", "The file is empty; please choose the picture again or copy it once more.");
  else mark(entry, "queued");
}

function mark(entry, now, text = WORDS[now]) {
  entry.now = now;
  entry.row.dataset.state = now;
  entry.state.textContent = text;
}

// A file's last word. Failed ones, and those that a person may have mended, can be sent again.
function end(entry, now, text) {
  mark(entry, now, text);
  entry.acts.replaceChildren();
  if (now !== "failed" && now !== "refused") return;
  const again = element("button", "btn btn-sm btn-outline-secondary", "Retry");
  again.type = "button";
  again.setAttribute("aria-label", `Retry ${entry.file.name}`);
  again.addEventListener("click", () => {
    entry.acts.replaceChildren();
    entry.tries = 0;
    mark(entry, "queued");
    go();
  });
  entry.acts.append(again);
}

const passing = (error) =>
  error.status === 0 || error.status === 429 || error.status >= 500 || error.code === "cut_short";
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function send(entry) {
  const form = new FormData();
  form.append("name", entry.file.name || "pasted.png");
  form.append("order", entry.order);
  form.append("size", entry.file.size);
  // The name travels as a field of its own: in a header of the part it would be rewritten.
  form.append("file", entry.file, "picture");
  for (;;) {
    mark(entry, "sending");
    entry.bar.value = 0;
    try {
      const { status, body } = await upload(area.dataset.url, form, {
        headers: { "Idempotency-Key": entry.key },
        onprogress: (part) => {
          entry.bar.value = part;
          if (part >= 1) mark(entry, "checking");
        },
      });
      end(entry, status === 201 ? "done" : "here", body.message);
      return;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      entry.tries += 1;
      if (!passing(error)) {
        end(entry, "refused", error.message);
        return;
      }
      if (entry.tries >= TRIES) {
        end(entry, "failed", error.message);
        return;
      }
      mark(entry, "waiting", error.status === 0 ? WORDS.waiting : `${error.message} Trying again.`);
      await pause(Math.min(30000, 500 * 2 ** entry.tries) * (0.75 + Math.random() / 2));
    }
  }
}

const busy = () => files.some(({ now }) => ["queued", "sending", "checking", "waiting"].includes(now));
const count = (now) => files.filter((entry) => entry.now === now).length;

function sum() {
  const parts = [];
  const left = files.length - count("done") - count("here") - count("refused") - count("failed");
  if (left) parts.push(`${left} to go`);
  if (count("done")) parts.push(`${count("done")} received`);
  if (count("here")) parts.push(`${count("here")} already here`);
  if (count("refused")) parts.push(`${count("refused")} refused`);
  if (count("failed")) parts.push(`${count("failed")} not sent`);
  summary.textContent = parts.join(", ");
}

let refreshing = 0;
function refresh() {
  clearTimeout(refreshing);
  refreshing = setTimeout(() => window.htmx.trigger("#pictures", "teleheme:pictures"), 400);
}

function holdSubmit() {
  const button = document.querySelector("[data-submit] button");
  if (!button) return;
  if (busy()) {
    button.disabled = true;
    button.dataset.held = "1";
  } else if (button.dataset.held) {
    delete button.dataset.held;
    button.disabled = !document.querySelector(".picture-tile");
  }
}

async function go() {
  sum();
  holdSubmit();
  while (running < AT_ONCE) {
    const entry = files.find(({ now }) => now === "queued");
    if (!entry) break;
    running += 1;
    mark(entry, "sending");
    send(entry).finally(() => {
      running -= 1;
      sum();
      holdSubmit();
      refresh();
      finish();
      go();
    });
  }
}

// When nothing is under way. A submitted case reads new pictures at once: its cells and its status have changed.
function finish() {
  if (busy()) return;
  // What is in the case is shown below; the list keeps what a person may want to look at.
  for (const entry of files) if (entry.now === "done") entry.row.remove();
  if (area.dataset.draft) return;
  window.htmx.trigger(document.body, "cells:changed");
  window.htmx.trigger("#case-header", "teleheme:header");
}

function take(chosen) {
  for (const file of chosen) add(file);
  go();
}

for (const input of area.querySelectorAll("input[type=file]")) {
  const chosen = () => {
    take([...input.files]);
    input.value = ""; // the same file may be chosen again
  };
  input.addEventListener("change", chosen);
  if (input.files.length) chosen(); // quicker than this script
}

const drop = area.querySelector("[data-drop]");
const holdsFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
for (const kind of ["dragenter", "dragover"])
  drop.addEventListener(kind, (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    drop.classList.add("over");
  });
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  event.stopPropagation();
  take([...event.dataTransfer.files]);
});
document.addEventListener("paste", (event) => {
  const pasted = [...(event.clipboardData?.files || [])];
  if (!pasted.length) return;
  event.preventDefault();
  take(pasted);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "pictures") holdSubmit();
});
window.addEventListener("beforeunload", (event) => {
  if (busy()) event.preventDefault();
});
window.addEventListener("online", () => go());

handedOver().then((file) => file && take([file]));
