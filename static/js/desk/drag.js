// With the mouse: cells are dragged onto a class, and a band is drawn around cells.
import { make } from "../reading.js";
import { cells } from "./data.js";

const FIRST = 4; // px before a press becomes a band
const EDGE = 32; // px from the edge where the list begins to scroll

export function dragging({ area, targets, selection, choose, may }) {
  const ghost = make("div", "desk-ghost");
  document.body.append(ghost);

  area.addEventListener("dragstart", (event) => {
    const tile = event.target.closest(".cell");
    if (!tile || !may()) {
      event.preventDefault();
      return;
    }
    const cell = cells[tile.dataset.cell];
    if (!selection.chosen.has(cell)) selection.only(cell);
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", ""); // Firefox drags nothing otherwise
    const many = selection.chosen.size;
    ghost.textContent = many === 1 ? `Cell ${cell.name}` : `${many} cells`;
    event.dataTransfer.setDragImage(ghost, -8, -8);
    document.body.classList.add("is-dragging-cells");
  });
  area.addEventListener("dragend", () => {
    document.body.classList.remove("is-dragging-cells");
    mark(null);
  });

  let marked = null;
  function mark(target) {
    if (marked === target) return;
    marked?.classList.remove("is-target");
    target?.classList.add("is-target");
    marked = target;
  }
  const under = (event) =>
    document.body.classList.contains("is-dragging-cells") && event.target.closest?.("[data-label]");
  for (const target of targets) {
    target.addEventListener("dragover", (event) => {
      const found = under(event);
      mark(found || null);
      if (!found) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "move";
    });
    target.addEventListener("dragleave", (event) => {
      if (!target.contains(event.relatedTarget)) mark(null);
    });
    target.addEventListener("drop", (event) => {
      const found = under(event);
      if (!found) return;
      event.preventDefault();
      choose(Number(found.dataset.label));
    });
  }
}

export function band({ area, root, selection }) {
  const box = make("div", "desk-band");
  box.hidden = true;
  root.append(box);
  let start = null;

  const inside = (event) => {
    const frame = root.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };

  area.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType !== "mouse") return;
    if (event.target.closest(".cell, button, a, input")) return;
    if (event.offsetX > event.target.clientWidth) return; // the scrollbar
    const frame = root.getBoundingClientRect();
    start = {
      from: inside(event),
      kept: event.shiftKey || event.ctrlKey || event.metaKey ? [...selection.chosen] : [],
      tiles: cells.map((cell) => {
        const tile = cell.tile.getBoundingClientRect();
        return [cell, tile.left - frame.left, tile.top - frame.top, tile.width, tile.height];
      }),
    };
    area.setPointerCapture(event.pointerId);
    event.preventDefault();
  });

  function draw(event) {
    const [x, y] = inside(event);
    const [left, right] = [start.from[0], x].sort((a, b) => a - b);
    const [top, bottom] = [start.from[1], y].sort((a, b) => a - b);
    if (box.hidden && right - left < FIRST && bottom - top < FIRST) return;
    box.hidden = false;
    Object.assign(box.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${right - left}px`,
      height: `${bottom - top}px`,
    });
    const within = start.tiles
      .filter(([, tx, ty, w, h]) => tx < right && tx + w > left && ty < bottom && ty + h > top)
      .map(([cell]) => cell);
    selection.preview(new Set([...start.kept, ...within]));
  }

  area.addEventListener("pointermove", (event) => {
    if (!start) return;
    draw(event);
    const frame = area.getBoundingClientRect();
    if (event.clientY < frame.top + EDGE) area.scrollBy(0, -EDGE / 2);
    else if (event.clientY > frame.bottom - EDGE) area.scrollBy(0, EDGE / 2);
  });

  function end() {
    if (!start) return;
    const drawn = !box.hidden;
    start = null;
    box.hidden = true;
    if (drawn) selection.set(selection.list);
    else selection.clear();
  }
  area.addEventListener("pointerup", end);
  area.addEventListener("pointercancel", end);
}
