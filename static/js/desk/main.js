// The specialist's desk. Every act is shown at once and sent behind; see state.js and queue.js.
import { Refused, request } from "../http.js";
import { renew } from "../part.js";
import { say } from "../toast.js";
import { Classes } from "./classes.js";
import { cells, data, labels } from "./data.js";
import { band, dragging } from "./drag.js";
import { listen } from "./keys.js";
import { Large, loadEvidence } from "./large.js";
import { Live } from "./live.js";
import { Queue } from "./queue.js";
import { watchSeen } from "./seen.js";
import { Selection } from "./selection.js";
import { State } from "./state.js";
import * as store from "./store.js";
import { Tiles } from "./tiles.js";
import { Words } from "./words.js";

const root = document.querySelector("[data-desk]");
const find = (name) => root.querySelector(`[data-${name}]`);
const { keys } = data;
const AT_ONCE = 500; // cells that the server takes in one act
const phone = window.matchMedia("(max-width: 767.98px)");

const state = new State(data);
if (data.writes) state.restore(store.kept());
const tiles = new Tiles(find("groups"), state);
const selection = new Selection(tiles);
const large = new Large(find("large"));
const queue = new Queue(state);
const live = new Live(state, queue);
const words = new Words(root, { queue, onDecide: openConflict });
const classes = new Classes({
  bar: find("classes"),
  menu: find("menu"),
  keys,
  choose: classify,
});
// The person's own desk, kept on the server.
const own = {
  keys,
  auto: data.auto,
  async keep({ keys: wanted = keys, auto = own.auto }) {
    const json = { keys: wanted, auto_advance: auto };
    const answer = await request(data.urls.desk, { method: "PUT", json });
    Object.assign(keys, answer.keys);
    own.auto = answer.auto_advance;
    classes.name();
    showAuto();
  },
};

// Loaded when it is wanted.
let settings = null;
async function openSettings() {
  settings ??= import("./settings.js").then(({ Settings }) => new Settings(find("settings"), own));
  (await settings).open();
}

async function turnAuto() {
  try {
    await own.keep({ auto: !own.auto });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(error.message, "error");
  }
}

// Acts --------------------------------------------------------------------------------------------

function may() {
  if (!state.writes) say("You look at this reading; you do not write in it.", "warning");
  return state.writes;
}

function give(chosen, label) {
  for (let at = 0; at < chosen.length; at += AT_ONCE)
    state.classify(chosen.slice(at, at + AT_ONCE), label);
}

function classify(label) {
  const chosen = selection.list;
  if (!chosen.length || !may()) return;
  const fresh = chosen.filter((cell) => cell.label !== label || !cell.said);
  const next = own.auto ? tiles.after(chosen) : null;
  give(fresh, label);
  if (chosen.length > 1) words.say(`${chosen.length} cells: ${labels[label].title}`);
  if (next) selection.only(next);
  else selection.set(chosen, { cursor: selection.cursor });
}

// Each chosen cell is what it is called now; what is unidentified needs a class.
function confirm() {
  const chosen = selection.list;
  if (!chosen.length || !may()) return;
  const open = chosen.filter((cell) => cell.label === 0);
  if (open.length) {
    say(open.length === 1
      ? `Cell ${open[0].name} is unidentified: press the key of its class.`
      : `${open.length} of these cells are unidentified: give them a class first.`, "warning");
    return;
  }
  const next = own.auto ? tiles.after(chosen) : null;
  for (const label of new Set(chosen.map((cell) => cell.label))) {
    const fresh = chosen.filter((cell) => cell.label === label && !cell.said);
    give(fresh, label);
  }
  if (next) selection.only(next);
}

function takeBack(kind) {
  if (!may()) return;
  const act = state.takeBack(kind);
  if (!act) {
    say(kind === "undo" ? "Nothing to undo." : "Nothing to redo.");
    return;
  }
  selection.set(act.changes.map(({ cell }) => cell));
  words.say(`${kind === "undo" ? "Undone" : "Done again"}: ${act.changes.length} cells`);
}

const act = {
  classify,
  confirm,
  takeBack,
  move(key, shift) {
    const from = selection.cursor || tiles.order[0];
    if (!from) return;
    const to = selection.cursor ? tiles.step(from, key) : from;
    if (shift) selection.extend(to);
    else selection.only(to);
  },
  toggle: () => selection.cursor && selection.toggle(selection.cursor),
  escape: () => (sheet.open ? sheet.close() : selection.clear()),
  group: () => selection.cursor && chooseGroup(selection.cursor.label),
  help: openSettings,
  large: (name) => large.act(name),
  overlay: () => !data.hidden && large.toggleMaps(),
  advance: turnAuto,
  next_case: () => go("next"),
  previous_case: () => go("previous"),
  sign: () => go("sign"),
};
listen({ keys, act });

function go(where) {
  const link = root.querySelector(`a[data-go=${where}]`);
  if (link) link.click();
}

function chooseGroup(label) {
  const group = tiles.groups[label].cells;
  selection.set(group, { cursor: group.includes(selection.cursor) ? selection.cursor : group[0] });
  words.say(`${group.length} cells chosen`);
}

// Pointing ------------------------------------------------------------------------------------------

let several = false; // touch: a tap adds
find("groups").addEventListener("click", (event) => {
  const all = event.target.closest("[data-all]");
  if (all) chooseGroup(Number(all.dataset.all));
  const tile = event.target.closest(".cell");
  if (!tile) return;
  const cell = cells[tile.dataset.cell];
  if (event.shiftKey) selection.extend(cell, { more: event.ctrlKey || event.metaKey });
  else if (event.ctrlKey || event.metaKey || several) selection.toggle(cell);
  else selection.only(cell);
});
find("groups").addEventListener("dblclick", (event) => {
  if (event.target.closest(".cell") && phone.matches) sheet.show();
});
find("groups").addEventListener("contextmenu", (event) => {
  const tile = event.target.closest(".cell");
  if (!tile || !state.writes) return;
  event.preventDefault();
  const cell = cells[tile.dataset.cell];
  if (!selection.chosen.has(cell)) selection.only(cell);
  classes.open(event.clientX, event.clientY, tile);
});
find("groups").addEventListener("focusin", (event) => {
  const tile = event.target.closest(".cell");
  if (tile && !selection.cursor) selection.only(cells[tile.dataset.cell], { focus: false });
});
dragging({
  area: find("groups"),
  targets: [find("groups"), find("classes")],
  selection,
  choose: classify,
  may,
});
band({ area: find("scroll"), root: find("groups"), selection });

// Buttons -------------------------------------------------------------------------------------------

const buttons = {
  undo: () => takeBack("undo"),
  redo: () => takeBack("redo"),
  keys: openSettings,
  auto: turnAuto,
  menu: (button) => {
    const frame = button.getBoundingClientRect();
    if (state.writes) classes.open(frame.left, frame.bottom + 4, button);
  },
  several: (button) => {
    several = !several;
    button.setAttribute("aria-pressed", String(several));
    if (!several) selection.clear();
  },
  enlarge: () => sheet.show(),
  "close-sheet": () => sheet.close(),
  previous: () => selection.cursor && selection.only(tiles.step(selection.cursor, "ArrowLeft"), { focus: false }),
  next: () => selection.cursor && selection.only(tiles.step(selection.cursor, "ArrowRight"), { focus: false }),
  commit,
};
root.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) buttons[button.dataset.do](button);
  const tool = event.target.closest("[data-large-do]");
  if (tool) large.act(tool.dataset.largeDo);
  const close = event.target.closest("[data-close]");
  if (close) close.closest("dialog").close();
});

// On a phone the large cell is a sheet over the cells.
const sheet = {
  get open() {
    return root.classList.contains("shows-sheet");
  },
  show() {
    root.classList.add("shows-sheet");
    large.stage.fit();
    find("large").querySelector("[data-do=close-sheet]").focus();
  },
  close() {
    root.classList.remove("shows-sheet");
    selection.cursor?.tile.focus();
  },
};

async function commit() {
  const { undecided } = state.counts();
  if (undecided) {
    say(`${undecided} ${undecided === 1 ? "cell is" : "cells are"} unidentified. Decide on each first.`, "warning");
    return;
  }
  if (queue.size) {
    say("Some verdicts are not saved yet. Wait a moment, then try again.", "warning");
    return;
  }
  if (!window.confirm(find("commit").dataset.question)) return;
  try {
    await request(data.urls.commit, { method: "POST", json: {} });
    window.location.assign(find("commit").dataset.then || window.location.href);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(error.message, "error");
  }
}

// What follows from what ---------------------------------------------------------------------------

let drawn = false;
function redraw() {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(() => {
    drawn = false;
    const { chosen, cursor } = selection;
    progress();
    large.show(cursor, { several: chosen.size });
    find("chosen").textContent = chosen.size === 1 && cursor ? `Cell ${cursor.name}` : `${chosen.size} chosen`;
  });
}

function progress() {
  classes.count();
  const { undecided, unseen } = state.counts();
  find("undecided").textContent = undecided;
  find("unseen").textContent = unseen;
  find("left").classList.toggle("is-done", !undecided && !unseen);
}

selection.addEventListener("change", redraw);
state.addEventListener("cells", redraw);
for (const name of ["added", "absorbed", "saved", "dropped", "resolved"])
  state.addEventListener(name, standing);

function standing() {
  const { done, undone } = state.standing;
  for (const [name, given] of [["undo", done], ["redo", undone]])
    for (const button of root.querySelectorAll(`[data-do=${name}]`))
      button.disabled = !state.writes || !given;
}

function showAuto() {
  for (const button of root.querySelectorAll("[data-do=auto]"))
    button.setAttribute("aria-pressed", String(own.auto));
}

// Conflicts: the server said no, for somebody was first.
let contested = null;
queue.addEventListener("change", ({ detail }) => {
  if (!detail?.conflicts) return;
  contested = detail;
  live.ask();
  for (const { cell, label } of detail.conflicts) state.learn(cell, label);
  openConflict();
});
queue.addEventListener("refused", ({ detail }) => say(detail.message, "error"));

async function openConflict() {
  if (!contested || find("conflict").open) return;
  const { act: refused, conflicts } = contested;
  const { decide } = await import("./conflict.js");
  const mine = await decide(find("conflict"), conflicts);
  if (!mine) return;
  contested = null;
  state.resolve(refused, conflicts, mine);
  queue.settled();
}

// Others, and other tabs.
live.addEventListener("heard", ({ detail }) => {
  const { here, yours, holder, more, shown } = detail;
  const names = here.join(" and ");
  words.banner("here", here.length > 0 && {
    text: state.writes
      ? `${names} ${here.length === 1 ? "has" : "have"} this case open too and ${here.length === 1 ? "sees" : "see"} what you do.`
      : `${names} ${here.length === 1 ? "has" : "have"} this case open. What they say appears here by itself.`,
  });
  const again = [["Load the page again", () => window.location.reload()]];
  words.banner("more", more && { text: "Cells were added or read meanwhile.", acts: again });
  words.banner("shown", shown && { text: "The model's answers may be shown now.", acts: again });
  words.banner("given", yours && !data.writes && { text: "This case is yours to read now.", acts: again });
  if (!yours && state.writes) {
    state.writes = false;
    const text = holder ? `${holder} holds this case now. You can look on.` : "You no longer hold this case. You can look on.";
    words.banner("closed", { text, kind: "error", acts: again });
    enable();
  }
});

function enable() {
  root.classList.toggle("is-looking", !state.writes);
  classes.enable(state.writes);
  standing();
  redraw();
}

// The differential follows behind, never in the way.
let differs = 0;
let asking = null;
async function count() {
  await asking;
  asking = renew(find("differential"));
}
for (const name of ["saved", "absorbed"])
  state.addEventListener(name, () => {
    clearTimeout(differs);
    if (queue.ready) differs = setTimeout(count, 500);
  });

window.addEventListener("beforeunload", (event) => {
  if (queue.size && queue.now !== "closed") event.preventDefault();
});

selection.only(tiles.order[0] || null, { focus: !phone.matches });
enable();
showAuto();
words.saving();
live.start();
const left = data.writes ? [] : store.kept();
if (left.length)
  words.banner("kept", {
    text: `${left.length} of your changes could not be saved, and you do not write in this reading now.`,
    kind: "warning",
    acts: [["Give them up", () => {
      left.forEach(store.forget);
      words.banner("kept", null);
    }]],
  });
if (data.writes) watchSeen(state, find("unseen"));
loadEvidence().then(
  () => large.refresh(),
  () => {
    setTimeout(() => loadEvidence().then(() => large.refresh(), () => {}), 5000);
  },
);
root.dataset.ready = "true";
