// Which cells are chosen, and the one that has the keyboard.

export class Selection extends EventTarget {
  constructor(tiles) {
    super();
    this.tiles = tiles;
    this.chosen = new Set();
    this.cursor = null;
    this.anchor = null;
  }

  // In the order of the screen.
  get list() {
    if (this.chosen.size < 2) return [...this.chosen];
    return this.tiles.order.filter((cell) => this.chosen.has(cell));
  }

  #choose(wanted) {
    for (const cell of this.chosen) if (!wanted.has(cell)) mark(cell, false);
    for (const cell of wanted) if (!this.chosen.has(cell)) mark(cell, true);
    this.chosen = wanted;
  }

  #point(cell, { focus = true, anchor = true } = {}) {
    if (this.cursor !== cell) {
      if (this.cursor) {
        this.cursor.tile.tabIndex = -1;
        this.cursor.tile.classList.remove("is-cursor");
      }
      if (cell) {
        cell.tile.tabIndex = 0;
        cell.tile.classList.add("is-cursor");
      }
    }
    this.cursor = cell;
    if (anchor) this.anchor = cell;
    if (cell && focus) {
      cell.tile.focus({ preventScroll: true });
      cell.tile.scrollIntoView({ block: "nearest" });
    }
    this.dispatchEvent(new Event("change"));
  }

  only(cell, options) {
    this.#choose(new Set(cell ? [cell] : []));
    this.#point(cell, options);
  }

  toggle(cell, options) {
    const wanted = new Set(this.chosen);
    if (!wanted.delete(cell)) wanted.add(cell);
    this.#choose(wanted);
    this.#point(cell, options);
  }

  // From the anchor to here; ``more`` keeps what was chosen besides.
  extend(cell, { more = false } = {}) {
    const { order } = this.tiles;
    const [from, to] = [order.indexOf(this.anchor || cell), order.indexOf(cell)].sort((a, b) => a - b);
    const range = order.slice(from, to + 1);
    this.#choose(new Set(more ? [...this.chosen, ...range] : range));
    this.#point(cell, { anchor: !this.anchor });
  }

  set(list, { cursor = list[0] || this.cursor, focus = true } = {}) {
    this.#choose(new Set(list));
    this.#point(cursor, { focus });
  }

  // While a band is drawn: the cursor stays.
  preview(wanted) {
    this.#choose(wanted);
    this.dispatchEvent(new Event("change"));
  }

  clear() {
    this.#choose(new Set(this.cursor ? [this.cursor] : []));
    this.dispatchEvent(new Event("change"));
  }
}

function mark(cell, chosen) {
  cell.tile.setAttribute("aria-selected", String(chosen));
}
