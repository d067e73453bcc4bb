// The cell that has the keyboard, large: picture, where the model looked, and what is known of it.
import { request } from "../http.js";
import { factList, make, reading } from "../reading.js";
import { Stage } from "../stage.js";
import { data, labels, when } from "./data.js";
import { Like } from "./like.js";

const REST = 160; // ms on a cell before its whole picture is fetched; until then its thumbnail
const NICE = [1, 2, 5, 10, 20, 50, 100, 200]; // micrometres that a scale bar may stand for
const BAR = 120; // screen pixels, at most

const evidence = { words: {}, cells: {} };

// Beside the page, for it is heavier than all the tiles: the page works before it is here.
export async function loadEvidence() {
  if (data.hidden) return;
  Object.assign(evidence, await request(data.urls.evidence));
}

export class Large {
  constructor(root) {
    this.root = root;
    this.title = root.querySelector("[data-large-title]");
    this.facts = root.querySelector("[data-large-facts]");
    this.note = root.querySelector("[data-large-note]");
    this.bar = root.querySelector("[data-scale]");
    this.stage = new Stage(root.querySelector("[data-stage]"));
    this.stage.onview = (scale) => this.#scale(scale);
    this.stage.image.addEventListener("error", () => {
      this.note.textContent = "The picture could not be loaded. Nothing is lost; try again.";
      this.note.hidden = false;
    });
    this.maps = false;
    // Without the model there are none: what is near says what the model thinks.
    const like = root.querySelector("[data-like]");
    this.like = like && new Like(like);
    for (const slider of root.querySelectorAll("[data-light]"))
      slider.addEventListener("input", () => this.#light());
  }

  show(cell, { several = 0 } = {}) {
    clearTimeout(this.timer);
    const fresh = cell !== this.cell;
    this.cell = cell;
    this.several = several;
    this.root.classList.toggle("is-empty", !cell);
    if (!cell) return;
    if (fresh) {
      this.note.hidden = true;
      this.#picture(cell.thumbnail, false);
      this.timer = setTimeout(() => this.#picture(cell.picture), REST);
    }
    this.#words();
  }

  #picture(source, keep = true) {
    const found = evidence.cells[this.cell.id];
    this.stage.show({
      source,
      size: [this.cell.width, this.cell.height],
      box: found?.box,
      map: this.maps && found?.map,
      alt: `Cell ${this.cell.name}`,
      keep,
    });
  }

  refresh() {
    if (this.cell) this.#words();
  }

  toggleMaps() {
    this.maps = !this.maps;
    this.root.classList.toggle("shows-maps", this.maps);
    for (const button of this.root.querySelectorAll("[data-large-do=map]"))
      button.setAttribute("aria-pressed", String(this.maps));
    if (this.cell) this.#picture(this.stage.image.getAttribute("src"));
  }

  act(name) {
    if (name === "in") this.stage.zoom(1.4);
    else if (name === "out") this.stage.zoom(1 / 1.4);
    else if (name === "fit") this.stage.fit();
    else if (name === "map") this.toggleMaps();
    else if (name === "reset") {
      for (const slider of this.root.querySelectorAll("[data-light]")) slider.value = 100;
      this.#light();
    }
  }

  #light() {
    const [brightness, contrast] = ["brightness", "contrast"].map(
      (name) => this.root.querySelector(`[data-light=${name}]`).value,
    );
    const plain = brightness === "100" && contrast === "100";
    this.stage.image.style.filter = plain
      ? ""
      : `brightness(${brightness}%) contrast(${contrast}%)`;
    this.root.querySelector("[data-large-do=reset]").disabled = plain;
  }

  #scale(scale) {
    if (!data.pixel) return;
    const perMicrometre = (1000 / data.pixel) * scale;
    const length = NICE.findLast((size) => size * perMicrometre <= BAR) || NICE[0];
    this.bar.hidden = false;
    this.bar.firstElementChild.style.width = `${length * perMicrometre}px`;
    this.bar.lastElementChild.textContent = `${length} µm`;
  }

  #words() {
    const { cell } = this;
    const label = labels[cell.label];
    const chip = make("span", `chip ${label.hue}`);
    chip.append(make("b", "", label.letter), ` ${label.title}`);
    const more = this.several > 1 ? `${this.several} chosen` : "";
    this.title.replaceChildren(`Cell ${cell.name} `, chip, make("span", "text-secondary", more));
    const parts = [make("p", "large-said", said(cell))];
    if (cell.held >= 0 && cell.held !== cell.label)
      parts.push(make("p", "large-said", `The reader of the case says: ${labels[cell.held].title}.`));
    const found = evidence.cells[cell.id];
    if (found?.label) {
      parts.push(
        reading({ ...found, facts: facts(cell, found), standing: "suggested by the model" }),
      );
    } else if (found) {
      parts.push(make("p", "", (found.reasons || []).join(" ")), factList(facts(cell, found)));
    } else if (!data.hidden) {
      parts.push(make("p", "text-secondary", cell.waiting ? "The model has not read it yet." : ""));
    }
    this.facts.replaceChildren(...parts);
    this.like?.show(cell);
  }
}

function said(cell) {
  if (cell.pending) return "Not saved yet.";
  if (cell.by) {
    const what = cell.by.kind === "undo" ? "Put back" : "Called so";
    return `${what} by ${cell.by.mine ? "you" : cell.by.by}, ${when(cell.by.at)}.`;
  }
  if (data.hidden) return "Not read yet.";
  return "";
}

function facts(cell, found) {
  const words = Object.entries(evidence.words)
    .map(([name, values], at) => [name.replaceAll("_", " "), values[(found.seen || "")[at]]])
    .filter(([, value]) => value)
    .map(([name, value]) => [name, value === "nil" ? "none" : value.replaceAll("-", ", ")]);
  return [
    ...words,
    ["File", found.file],
    ["Picture", `${cell.width} x ${cell.height} pixels`],
    ["Model", found.model],
  ];
}

