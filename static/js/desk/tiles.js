// The cells as tiles, by class. A verdict moves tiles; nothing is ever drawn anew.
import { make } from "../reading.js";
import { cells, labels, percent, UNIDENTIFIED } from "./data.js";

const MOVE_MS = 140;
const FLY_AT_MOST = 12; // more at once would only be a flurry

export class Tiles {
  constructor(root, state) {
    this.root = root;
    this.groups = labels.map((label) => this.#group(label));
    for (const cell of [...cells].sort((one, other) => one.rank - other.rank)) {
      cell.tile = this.#tile(cell);
      this.groups[cell.label].cells.push(cell);
      cell.shown = cell.label;
    }
    for (const group of this.groups) {
      group.list.append(...group.cells.map((cell) => cell.tile));
      this.#count(group);
    }
    root.append(...this.groups.map((group) => group.section));
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    state.addEventListener("cells", ({ detail }) => this.refresh(detail.changed));
    new ResizeObserver(() => {
      this.columnsKnown = 0;
    }).observe(root);
  }

  #group(label) {
    const section = make("section", `desk-group ${label.hue}`);
    const head = make("div", "desk-group-head");
    const title = make("h2", "", "");
    title.id = `group-${label.name}`;
    const count = make("span", "desk-count");
    title.append(make("b", "", label.letter), ` ${label.title} `, count);
    const unseen = make("span", "desk-unseen-count");
    const all = make("button", "btn btn-link btn-sm", "Select all");
    all.type = "button";
    all.dataset.all = label.place;
    all.setAttribute("aria-label", `Select all: ${label.title}`);
    head.append(title, unseen, all);
    const list = make("div", "desk-tiles");
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-multiselectable", "true");
    list.setAttribute("aria-labelledby", title.id);
    section.dataset.label = label.place;
    section.append(head, list);
    return { label, section, list, count, unseen, cells: [] };
  }

  #tile(cell) {
    const tile = make("div", "cell");
    tile.setAttribute("role", "option");
    tile.setAttribute("aria-selected", "false");
    tile.tabIndex = -1;
    tile.draggable = true;
    tile.dataset.cell = cell.place;
    const image = document.createElement("img");
    Object.assign(image, { loading: "lazy", decoding: "async", alt: "", width: 96, height: 96 });
    image.draggable = false;
    image.src = cell.thumbnail;
    cell.mark = make("span", "cell-mark");
    cell.caption = make("span", "cell-cap");
    // The tile's name says it all, in words.
    for (const shown of [cell.mark, cell.caption]) shown.setAttribute("aria-hidden", "true");
    tile.append(image, cell.mark, cell.caption);
    this.#dress(cell, tile);
    return tile;
  }

  // What a tile says besides its picture.
  #dress(cell, tile = cell.tile) {
    const changed = cell.guess >= 0 && !cell.abstained && cell.guess !== cell.label;
    const decided = cell.said && cell.label !== UNIDENTIFIED;
    tile.classList.toggle("is-unseen", !cell.seen);
    tile.classList.toggle("is-pending", Boolean(cell.pending));
    cell.mark.textContent = cell.pending ? "↑" : decided ? "✓" : "";
    let words = percent(cell);
    if (cell.unread) words = "read by eye";
    else if (cell.waiting) words = "waiting";
    else if (changed) words = `was ${labels[cell.guess].letter} ${words}`;
    else if (cell.abstained) words = `${labels[cell.guess].letter} ${words}`;
    cell.caption.replaceChildren(make("span", "cell-no", cell.name), ` ${words}`);
    const state = cell.pending ? "not saved yet" : !cell.seen ? "not seen yet" : decided ? "confirmed" : "";
    const name = [`Cell ${cell.name} ${words}`.trim(), labels[cell.label].title, state];
    tile.setAttribute("aria-label", name.filter(Boolean).join(", "));
  }

  #count(group) {
    const unseen = group.cells.filter((cell) => !cell.seen).length;
    group.count.textContent = group.cells.length;
    group.unseen.textContent = unseen ? `${unseen} not seen` : "";
    group.section.hidden = group.cells.length === 0;
  }

  refresh(changed) {
    const moving = [...changed].filter((cell) => cell.shown !== cell.label);
    const fly = moving.length <= FLY_AT_MOST && !this.calm.matches;
    const from = fly ? moving.map((cell) => cell.tile.getBoundingClientRect()) : [];
    const touched = new Set([...changed].map((cell) => this.groups[cell.label]));
    const focused = document.activeElement; // a tile that is moved would lose it
    for (const cell of moving) {
      touched.add(this.groups[cell.shown]);
      this.#move(cell);
    }
    for (const cell of changed) this.#dress(cell);
    for (const group of touched) this.#count(group);
    if (focused !== document.activeElement && this.root.contains(focused))
      focused.focus({ preventScroll: true });
    // Measured when the frame is laid out anyway.
    if (fly) requestAnimationFrame(() => moving.forEach((cell, i) => fliesFrom(cell.tile, from[i])));
  }

  #move(cell) {
    const old = this.groups[cell.shown].cells;
    old.splice(old.indexOf(cell), 1);
    const { cells: row, list, section } = this.groups[cell.label];
    let low = 0;
    let high = row.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (row[middle].rank < cell.rank) low = middle + 1;
      else high = middle;
    }
    section.hidden = false;
    list.insertBefore(cell.tile, row[low]?.tile || null);
    row.splice(low, 0, cell);
    cell.shown = cell.label;
  }

  // Where one is ---------------------------------------------------------------------------------

  get order() {
    return this.groups.flatMap((group) => group.cells);
  }

  get columns() {
    if (!this.columnsKnown) {
      const list = this.groups.find((group) => group.cells.length)?.list;
      const columns = list ? getComputedStyle(list).gridTemplateColumns.split(" ").length : 1;
      this.columnsKnown = columns;
    }
    return this.columnsKnown;
  }

  // The cell one step away; itself at the ends.
  step(cell, key) {
    const { order } = this;
    const at = order.indexOf(cell);
    if (key === "Home") return order[0];
    if (key === "End") return order.at(-1);
    if (key === "ArrowLeft") return order[at - 1] || cell;
    if (key === "ArrowRight") return order[at + 1] || cell;
    return this.#row(cell, key === "ArrowUp" ? -1 : 1);
  }

  #row(cell, by) {
    const { columns } = this;
    const row = this.groups[cell.label].cells;
    const at = row.indexOf(cell);
    const column = at % columns;
    const last = Math.floor((row.length - 1) / columns);
    const to = Math.floor(at / columns) + by;
    if (to >= 0 && to <= last) return row[Math.min(to * columns + column, row.length - 1)];
    let place = cell.label + by;
    while (this.groups[place] && !this.groups[place].cells.length) place += by;
    const next = this.groups[place]?.cells;
    if (!next) return cell;
    const start = by > 0 ? 0 : Math.floor((next.length - 1) / columns) * columns;
    return next[Math.min(start + column, next.length - 1)];
  }

  // Where to go on once these are called something: behind the last of them, else before them.
  after(chosen) {
    const { order } = this;
    const taken = new Set(chosen);
    let at = order.findLastIndex((cell) => taken.has(cell));
    for (let i = at + 1; i < order.length; i += 1) if (!taken.has(order[i])) return order[i];
    for (at -= 1; at >= 0; at -= 1) if (!taken.has(order[at])) return order[at];
    return null;
  }
}

function fliesFrom(tile, from) {
  const to = tile.getBoundingClientRect();
  if (!from.width || !to.width || (from.x === to.x && from.y === to.y)) return;
  const visible = (box) => box.bottom > 0 && box.top < window.innerHeight;
  if (!visible(from) || !visible(to)) return;
  const start = { transform: `translate(${from.x - to.x}px, ${from.y - to.y}px)`, zIndex: 5 };
  tile.animate([start, { transform: "none", zIndex: 5 }], { duration: MOVE_MS, easing: "ease-out" });
}
