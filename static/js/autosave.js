// The case's details save themselves. Whatever happens to the connection, what was typed stays: in
// this browser until the server has it, and beside the other version when somebody else saved first.
import { request, Refused } from "./http.js";

const form = document.getElementById("details");
const state = document.getElementById("details-state");
const conflict = document.getElementById("details-conflict");
const name = `teleheme.details.${form.dataset.case}`;
const AFTER = 800; // ms without typing
const RETRY = [2000, 5000, 10000, 30000];

let timer = 0;
let saving = null;
let changed = false;
let failures = 0;

const fields = () => [...form.elements].filter((field) => field.name && field.closest("[data-field]"));
const values = () => Object.fromEntries(fields().map((field) => [field.name, field.value]));

function show(text, kind = "") {
  state.textContent = text;
  state.dataset.kind = kind;
}

function remember() {
  try {
    localStorage.setItem(name, JSON.stringify({ version: form.elements.version.value, values: values() }));
  } catch {
    // A private window may refuse: the text is still in the form.
  }
}

function forget() {
  try {
    localStorage.removeItem(name);
  } catch {
    // As above.
  }
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(name) || "null");
  } catch {
    return null;
  }
}

function later(delay) {
  clearTimeout(timer);
  timer = setTimeout(save, delay);
}

function markErrors(errors) {
  for (const field of fields()) {
    const box = field.closest("[data-field]");
    box.querySelector(".field-errors")?.remove();
    field.classList.toggle("is-invalid", field.name in errors);
    field.removeAttribute("aria-invalid");
    if (!(field.name in errors)) continue;
    field.setAttribute("aria-invalid", "true");
    const words = document.createElement("div");
    words.className = "field-errors";
    words.textContent = errors[field.name];
    box.append(words);
  }
}

// One save at a time; typing meanwhile asks for the next. Resolves to true when all is saved.
export async function save() {
  clearTimeout(timer);
  if (saving) await saving;
  if (!changed) return true;
  if (!conflict.hidden) return false;
  saving = send();
  const saved = await saving;
  saving = null;
  return saved;
}

async function send() {
  changed = false;
  show("Saving");
  try {
    const answer = await request(form.action, { method: "POST", body: new FormData(form) });
    form.elements.version.value = answer.version;
    failures = 0;
    markErrors({});
    if (!changed) forget();
    else remember();
    show(`Saved ${answer.saved_at}`);
    return true;
  } catch (error) {
    changed = true;
    return refused(error);
  }
}

function refused(error) {
  if (!(error instanceof Refused)) throw error;
  remember();
  if (error.code === "stale") compare(error.body);
  else if (error.status === 422) {
    markErrors(error.body.errors || {});
    show("Not saved: mend what is marked. What you typed is kept in this browser.", "error");
  } else if (error.status === 0 || error.status >= 500 || error.status === 429) {
    show("Not saved: connection lost. Kept in this browser, will be tried again.", "wait");
    later(RETRY[Math.min(failures++, RETRY.length - 1)]);
  } else show(`Not saved: ${error.message} What you typed is kept in this browser.`, "error");
  return false;
}

function label(field) {
  return field.closest("[data-field]").querySelector("label").firstChild.textContent.trim();
}

function words(field, value) {
  if (field.tagName !== "SELECT") return value || "(empty)";
  return [...field.options].find((option) => option.value === value)?.textContent || "(empty)";
}

function button(text, kind, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `btn btn-sm ${kind} me-2`;
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

// Both versions side by side; nothing is chosen for the person.
function compare({ version, values: theirs, message }) {
  const list = document.createElement("dl");
  for (const field of fields()) {
    if (field.value === theirs[field.name]) continue;
    const term = document.createElement("dt");
    term.textContent = label(field);
    const saved = document.createElement("dd");
    saved.textContent = `Saved by somebody else: ${words(field, theirs[field.name])}`;
    const mine = document.createElement("dd");
    mine.textContent = `Yours: ${words(field, field.value)}`;
    list.append(term, saved, mine);
  }
  const lead = document.createElement("div");
  lead.textContent = message;
  const settle = () => {
    form.elements.version.value = version;
    conflict.hidden = true;
    conflict.replaceChildren();
  };
  const keepMine = button("Save mine", "btn-primary", () => {
    settle();
    save();
  });
  const takeTheirs = button("Take theirs", "btn-outline-secondary", () => {
    for (const field of fields()) field.value = theirs[field.name];
    settle();
    changed = false;
    forget();
    markErrors({});
    show("The saved version is shown.");
  });
  conflict.replaceChildren(lead, list, keepMine, takeTheirs);
  conflict.hidden = false;
  show("Not saved: choose a version above.", "wait");
}

form.addEventListener("input", () => {
  changed = true;
  remember();
  show("Not saved yet");
  later(AFTER);
});
form.addEventListener("change", () => later(0));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
window.addEventListener("online", () => changed && later(0));
window.addEventListener("beforeunload", (event) => {
  if (changed || saving) event.preventDefault();
});

// Leaving by one of the page's own buttons first saves what was typed.
document.addEventListener("submit", async (event) => {
  if (event.target === form || event.target.method !== "post" || event.target.hasAttribute("hx-post")) return;
  if (event.defaultPrevented || (!changed && !saving)) return;
  event.preventDefault();
  const { target, submitter } = event;
  if (await save()) target.requestSubmit(submitter);
});

// What an earlier visit could not save.
const earlier = remembered();
if (earlier && fields().some((field) => field.name in earlier.values && field.value !== earlier.values[field.name])) {
  for (const field of fields())
    if (field.name in earlier.values) field.value = earlier.values[field.name];
  form.elements.version.value = earlier.version;
  changed = true;
  show("Found text that was not saved yet; saving it now.", "wait");
  later(0);
} else forget();
