// The gallery of a case: keys, the map of where the model looked, the enlarged cell, and what to
// say when the live part gets no answer.
import { paintMap } from "./map.js";
import { factList, reading } from "./reading.js";
import { Stage } from "./stage.js";

const STATES = {
  queued: "Waiting to be read.",
  running: "Being read now.",
  quarantined: "Not analysed: read by eye.",
};

const section = document.querySelector("[data-case-cells]");
if (section) start();

function start() {
  const dialog = section.querySelector("[data-zoom]");
  const side = dialog.querySelector("[data-zoom-side]");
  const title = dialog.querySelector("[data-zoom-title]");
  const note = dialog.querySelector("[data-zoom-note]");
  const stage = new Stage(dialog.querySelector("[data-zoom-stage]"));
  const painted = new WeakMap(); // canvas -> the map it shows
  let chosen = ""; // id of the tile that has the tab stop
  let shown = ""; // id of the tile that is enlarged

  const openers = () => [...section.querySelectorAll(".tile-open")];
  const facts = (opener) => JSON.parse(opener.dataset.cell);

  // Tab stop: one tile at a time --------------------------------------------------------------

  function rove(opener, focus) {
    for (const other of section.querySelectorAll('.tile-open[tabindex="0"]'))
      other.tabIndex = -1;
    opener.tabIndex = 0;
    chosen = opener.parentElement.id;
    if (focus) opener.focus();
  }

  function restore() {
    const all = openers();
    const kept = chosen && document.getElementById(chosen)?.querySelector(".tile-open");
    if (kept || all.length) rove(kept || all[0], false);
  }

  function columns(all) {
    const top = all[0].offsetTop;
    const next = all.findIndex((opener) => opener.offsetTop !== top);
    return next < 0 ? all.length : next;
  }

  function step(opener, key) {
    const all = openers();
    const at = all.indexOf(opener);
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(all), ArrowDown: columns(all) };
    const to = key === "Home" ? 0 : key === "End" ? all.length - 1 : at + by[key];
    if (all[to]) rove(all[to], true);
  }

  section.addEventListener("focusin", (event) => {
    if (event.target.matches(".tile-open")) rove(event.target, false);
  });

  section.addEventListener("keydown", (event) => {
    if (!event.target.matches(".tile-open")) return;
    if (["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) {
      event.preventDefault();
      step(event.target, event.key);
    }
  });

  // Where the model looked ----------------------------------------------------------------------

  // Over the part that the model was shown; the tile shows the picture's largest centred square.
  function lay(canvas) {
    const { size, box } = facts(canvas.closest(".tile-open"));
    const side = Math.min(...size);
    const percent = (pixels) => `${(100 * pixels) / side}%`;
    const [left, top] = [0, 1].map((axis) => percent(box[axis] - (size[axis] - side) / 2));
    Object.assign(canvas.style, { left, top, width: percent(box[2]), height: percent(box[3]) });
  }

  function paint() {
    if (!section.classList.contains("shows-maps")) return;
    for (const canvas of section.querySelectorAll("canvas[data-map]")) {
      lay(canvas); // a swap may have taken the style away
      if (painted.get(canvas) === canvas.dataset.map) continue;
      paintMap(canvas, canvas.dataset.map);
      painted.set(canvas, canvas.dataset.map);
    }
  }

  function toggleMaps() {
    const on = section.classList.toggle("shows-maps");
    for (const button of section.querySelectorAll("[data-maps]"))
      button.setAttribute("aria-pressed", String(on));
    paint();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key.toLowerCase() === "o") toggleMaps();
  });

  // What the model sees of the cell, as lines of the fact list: "nucleus shape", "segmented, bilobed".
  function seen(numbers) {
    const words = Object.entries(JSON.parse(document.getElementById("cells").dataset.words));
    return words
      .map(([name, values], at) => [name.replaceAll("_", " "), values[numbers[at]]])
      .filter(([, value]) => value)
      .map(([name, value]) => [name, value === "nil" ? "none" : value.replaceAll("-", ", ")]);
  }

  // The enlarged cell ---------------------------------------------------------------------------

  function show(opener) {
    rove(opener, false);
    shown = chosen;
    const cell = facts(opener);
    const map = opener.querySelector("canvas")?.dataset.map;
    title.textContent = `Cell ${cell.name}`;
    note.hidden = true;
    stage.image.onerror = () => {
      note.textContent = "The picture could not be loaded. Nothing is lost; try again.";
      note.hidden = false;
    };
    if (!dialog.open) dialog.showModal();
    stage.show({ source: cell.picture, size: cell.size, box: cell.box, map, alt: title.textContent });
    const lines = [
      ["File", cell.file],
      ["Picture", `${cell.size[0]} x ${cell.size[1]} pixels`],
      ["Model", cell.model],
      ["Precision", cell.precision],
      ...seen(cell.seen || ""),
      ["Read in", cell.milliseconds && `${Math.round(cell.milliseconds)} ms`],
    ];
    if (cell.label) {
      side.replaceChildren(reading({ ...cell, facts: lines }));
    } else {
      const words = document.createElement("p");
      words.textContent = [STATES[cell.state] || "Waiting.", ...(cell.reasons || [])].join(" ");
      side.replaceChildren(words, factList(lines));
    }
  }

  function turn(by) {
    const all = openers();
    const at = all.findIndex((opener) => opener.parentElement.id === shown);
    if (all[at + by]) show(all[at + by]);
    else if (by > 0) section.querySelector("[data-more]")?.click();
  }

  const deeds = {
    in: () => stage.zoom(1.4),
    out: () => stage.zoom(1 / 1.4),
    fit: () => stage.fit(),
    previous: () => turn(-1),
    next: () => turn(1),
    close: () => dialog.close(),
  };
  const keys = {
    "+": "in",
    "=": "in",
    "-": "out",
    0: "fit",
    ArrowLeft: "previous",
    ArrowRight: "next",
  };

  section.addEventListener("click", (event) => {
    const opener = event.target.closest(".tile-open");
    const deed = event.target.closest("[data-zoom-do]");
    if (opener) show(opener);
    else if (event.target.closest("[data-maps]")) toggleMaps();
    else if (deed) deeds[deed.dataset.zoomDo]();
    else if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    deeds[keys[event.key]]();
  });
  dialog.addEventListener("close", () => {
    // The browser has put the focus back to where the dialog was opened from.
    document.getElementById(shown)?.querySelector(".tile-open")?.focus();
  });

  // The live part ---------------------------------------------------------------------------------

  function lost(is) {
    const notice = section.querySelector("[data-lost]");
    if (notice) notice.hidden = !is;
  }
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"])
    section.addEventListener(name, (event) => {
      if (event.target.matches("[data-polls]")) lost(true);
    });
  section.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) lost(false);
  });
  // A swap may take away what had the focus (Retry, Show more): the cell with the tab stop has it then.
  let within = false;
  section.addEventListener("htmx:beforeSwap", () => {
    within = section.contains(document.activeElement);
  });
  section.addEventListener("htmx:afterSettle", () => {
    restore();
    paint();
    if (within && document.activeElement === document.body)
      section.querySelector('.tile-open[tabindex="0"]')?.focus();
  });

  restore();
}
