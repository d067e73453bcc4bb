// All keys of the desk, and the person's own: chosen by pressing them, kept on the server.
import { Refused } from "../http.js";
import { make } from "../reading.js";
import { data, labels } from "./data.js";

// Those that stay where they are.
const FIXED = [
  ["Arrows", "Move; with Shift: choose a range"],
  ["Home, End", "First and last cell"],
  ["Space", "Choose one more, or one less"],
  ["Enter", "Confirm what the chosen cells are called"],
  ["Escape", "Choose this cell alone"],
  ["+  -  .", "Zoom in, out, fit"],
  ["?", "This list"],
];

const shown = (key) => (key.length === 1 ? key.toUpperCase() : key);

export class Settings {
  // own: {keys, auto, keep({keys, auto})}, see main.js.
  constructor(dialog, own) {
    this.dialog = dialog;
    this.own = own;
    this.list = dialog.querySelector("[data-keys]");
    this.error = dialog.querySelector("[data-keys-error]");
    this.box = dialog.querySelector("[data-auto]");
    const fixed = dialog.querySelector("[data-fixed]");
    fixed.replaceChildren(
      ...FIXED.flatMap(([key, words]) => [make("dt", "", key), make("dd", "", words)]),
    );
    const names = [...labels.map(({ name, title, letter, hue }) => ({ name, title, letter, hue }))];
    for (const [name, title] of Object.entries(data.actions)) names.push({ name, title });
    this.inputs = new Map(names.map((each) => [each.name, this.#row(each)]));
    dialog.querySelector("[data-keys-save]").addEventListener("click", () => this.#save());
    dialog.querySelector("[data-keys-reset]").addEventListener("click", () => {
      this.#fill(data.defaults);
    });
  }

  #row({ name, title, letter, hue }) {
    const row = make("label", `key-row ${hue || ""}`);
    const words = make("span", "key-name");
    if (letter) words.append(make("b", "", letter), " ");
    words.append(title);
    const input = make("input", "form-control key-input");
    Object.assign(input, { type: "text", autocomplete: "off", spellcheck: false, maxLength: 1 });
    input.dataset.key = name;
    input.addEventListener("focus", () => input.select());
    // Pressing a key chooses it, whatever stands there.
    input.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1) return;
      event.preventDefault();
      input.value = shown(event.key);
      this.#complain();
    });
    input.addEventListener("input", () => this.#complain());
    row.append(words, input);
    this.list.append(row);
    return input;
  }

  #fill(keys) {
    for (const [name, input] of this.inputs) input.value = shown(keys[name]);
    this.#complain();
  }

  // Two of one key are marked while one chooses; the server has the last word.
  #complain(message = "") {
    const seen = new Map();
    for (const input of this.inputs.values()) {
      const key = input.value.toLowerCase();
      input.classList.remove("is-invalid");
      if (seen.has(key)) for (const each of [input, seen.get(key)]) each.classList.add("is-invalid");
      seen.set(key, input);
    }
    this.error.textContent = message;
  }

  open() {
    this.#fill(this.own.keys);
    this.box.checked = this.own.auto;
    this.dialog.showModal();
  }

  async #save() {
    const keys = Object.fromEntries(
      [...this.inputs].map(([name, input]) => [name, input.value.toLowerCase()]),
    );
    try {
      await this.own.keep({ keys, auto: this.box.checked });
      this.dialog.close();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#complain(error.message);
      const input = this.inputs.get(error.body.name);
      input?.classList.add("is-invalid");
      input?.focus();
    }
  }
}
