// One large picture that is zoomed and moved by wheel, fingers, mouse or buttons.
import { paintMap } from "./map.js";

const LARGEST = 16; // screen pixels for one pixel of the picture

// onview, where somebody sets it, is told how many screen pixels a pixel of the picture has.
export class Stage {
  constructor(stage) {
    this.stage = stage;
    this.sheet = stage.querySelector(".zoom-sheet");
    this.image = stage.querySelector("img");
    this.canvas = stage.querySelector("canvas");
    this.pointers = new Map();
    this.fitted = true;
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"])
      stage.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    stage.addEventListener("dblclick", () => (this.fitted ? this.zoom(3) : this.fit()));
    new ResizeObserver(() => this.fitted && this.fit()).observe(stage);
  }

  // size: [width, height] of the picture; box: what the map covers, in its pixels.
  // keep: the same cell again, so that where one has zoomed to stays.
  show({ source, size, box, map, alt = "", keep = false }) {
    [this.width, this.height] = size;
    this.image.alt = alt;
    if (this.image.getAttribute("src") !== source) this.image.src = source;
    this.sheet.style.width = `${this.width}px`;
    this.sheet.style.height = `${this.height}px`;
    this.canvas.hidden = !map;
    if (map) {
      paintMap(this.canvas, map);
      const [x, y, width, height] = box;
      Object.assign(this.canvas.style, {
        left: `${x}px`,
        top: `${y}px`,
        width: `${width}px`,
        height: `${height}px`,
      });
    }
    if (!keep || this.fitted) this.fit();
  }

  get #fitScale() {
    const { clientWidth, clientHeight } = this.stage;
    return Math.min(clientWidth / this.width, clientHeight / this.height) || 1;
  }

  fit() {
    if (!this.width) return;
    this.fitted = true;
    this.scale = this.#fitScale;
    this.x = (this.stage.clientWidth - this.width * this.scale) / 2;
    this.y = (this.stage.clientHeight - this.height * this.scale) / 2;
    this.#apply();
  }

  // Keeps the point (px, py) of the stage where it is; the middle when none is given.
  zoom(factor, px = this.stage.clientWidth / 2, py = this.stage.clientHeight / 2) {
    const smallest = this.#fitScale;
    const largest = Math.max(LARGEST, smallest * 4);
    const wanted = this.scale * factor;
    if (wanted <= smallest * 1.001) {
      this.fit();
      return;
    }
    const scale = Math.min(largest, wanted);
    this.x = px - ((px - this.x) * scale) / this.scale;
    this.y = py - ((py - this.y) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.#hold();
    this.#apply();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.#hold();
    this.#apply();
  }

  // The picture never leaves the stage: at least a quarter of the stage stays covered.
  #hold() {
    const { clientWidth, clientHeight } = this.stage;
    const edge = (low, high, value) => Math.min(high, Math.max(low, value));
    this.x = edge(clientWidth / 4 - this.width * this.scale, (clientWidth * 3) / 4, this.x);
    this.y = edge(clientHeight / 4 - this.height * this.scale, (clientHeight * 3) / 4, this.y);
  }

  #apply() {
    this.sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.sheet.classList.toggle("is-near", this.scale >= 3);
    this.onview?.(this.scale);
  }

  #place(event) {
    const frame = this.stage.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }

  #wheel(event) {
    event.preventDefault();
    const [px, py] = this.#place(event);
    this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), px, py);
  }

  #down(event) {
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.#place(event));
  }

  #move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#place(event);
    if (this.pointers.size === 1) {
      if (!this.fitted) this.pan(now[0] - before[0], now[1] - before[1]);
    } else if (this.pointers.size === 2) {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
      const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
      this.zoom(distance(now, other) / distance(before, other), ...middle);
    }
    this.pointers.set(event.pointerId, now);
  }
}
