// What every cell is called: what the server knows, and on top of it the acts that it has not taken
// yet. Knows nothing of the page; says what changed as events.
import { byId, cells, newKey, placeOf, plain, stands } from "./data.js";

// An act: {key, id, number, kind, of, by, at, mine, changes: [{cell, before, label}]}. ``id`` and
// ``number`` are the server's; ``of`` is the act that an undo or redo takes back.
export class State extends EventTarget {
  constructor({ writes }) {
    super();
    this.writes = writes;
    this.acts = []; // taken by the server, by number
    this.pending = []; // not yet, in order
    this.known = new Map(); // id and key -> act
  }

  // The number up to which every act is known.
  get last() {
    let last = 0;
    for (const act of this.acts) {
      if (act.number !== last + 1) break;
      last = act.number;
    }
    return last;
  }

  get all() {
    return [...this.acts, ...this.pending];
  }

  tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  // Acts of this desk -------------------------------------------------------------------------

  classify(targets, label) {
    const changes = targets.map((cell) => ({ cell, before: cell.label, label }));
    return this.#add({ key: newKey(), kind: "classify", of: null, changes });
  }

  // The newest act that stands, and the newest undo that may be taken back.
  get standing() {
    const done = [];
    const undone = [];
    for (const act of this.all) {
      if (act.kind === "undo") {
        remove(done, act.of);
        undone.push(act);
      } else {
        if (act.kind === "redo") remove(undone, act.of);
        else undone.length = 0;
        done.push(act);
      }
    }
    return { done: done.at(-1), undone: undone.at(-1) };
  }

  takeBack(kind) {
    const { done, undone } = this.standing;
    const of = kind === "undo" ? done : undone;
    if (!of) return null;
    return this.#add({ key: newKey(), kind, of, changes: inverse(of) });
  }

  #add(act) {
    Object.assign(act, { id: null, number: null, mine: true, by: "", at: "" });
    this.pending.push(act);
    this.known.set(act.key, act);
    this.#settle(touched(act));
    this.tell("added", { act });
    return act;
  }

  // Those of an earlier visit: shown at once, sent as soon as the history is here.
  restore(kept) {
    for (const { of, ...act } of kept) {
      const whole = { id: null, number: null, mine: true, by: "", at: "", ...act };
      whole.of = of ? this.known.get(of) || { key: of, id: null } : null;
      this.pending.push(whole);
      this.known.set(whole.key, whole);
      this.#settle(touched(whole), { quiet: true });
    }
  }

  // Acts of the server --------------------------------------------------------------------------

  // Those that others, another tab or an earlier visit gave, in their order.
  absorb(given) {
    const changed = new Set();
    let fresh = false;
    for (const facts of given) {
      if (this.known.get(facts.act)?.number) continue;
      fresh = true;
      this.#take(facts, changed);
    }
    if (!fresh) return;
    // An undo of an earlier visit may have named its act by a key that only now means something.
    for (const act of this.pending)
      if (act.of && !act.of.kind) act.of = this.known.get(act.of.key) || act.of;
    this.#settle(changed);
    this.tell("absorbed");
  }

  // The answer to our own act.
  acknowledge(act, facts) {
    const changed = new Set(touched(act));
    this.#take({ ...facts, key: act.key }, changed);
    this.#settle(changed);
  }

  #take(facts, changed) {
    const own = facts.key ? this.known.get(facts.key) : null;
    if ((own || this.known.get(facts.act))?.number) return; // twice: by the poll and by the answer
    const act = own || { key: facts.key || facts.act };
    if (own) remove(this.pending, own);
    Object.assign(act, {
      id: facts.act,
      number: facts.number,
      kind: facts.kind,
      by: facts.by,
      at: facts.at,
      mine: facts.mine,
      of: facts.of ? this.known.get(facts.of) || null : null,
      changes: facts.cells
        .map(({ cell, before, label }) => ({
          cell: byId.get(plain(cell)),
          before: placeOf.get(before),
          label: placeOf.get(label),
        }))
        .filter(({ cell }) => cell),
    });
    this.known.set(act.id, act);
    this.known.set(act.key, act);
    const place = this.acts.findLastIndex((other) => other.number < act.number) + 1;
    this.acts.splice(place, 0, act);
    for (const { cell, label } of act.changes) {
      if (act.number >= cell.number) {
        cell.base = label;
        cell.number = act.number;
        cell.stood = stands(cell, act.kind, label);
      }
      if (!cell.by || cell.by.number < act.number) cell.by = act;
      changed.add(cell);
    }
    if (own) this.tell("saved", { act });
  }

  // What the server would not take is as if it had never been.
  drop(act) {
    const gone = [act];
    for (const other of this.pending)
      if (other.of && gone.includes(other.of)) gone.push(other);
    const changed = new Set(gone.flatMap(touched));
    for (const each of gone) {
      remove(this.pending, each);
      this.known.delete(each.key);
    }
    this.#settle(changed);
    this.tell("dropped", { acts: gone });
  }

  // Conflicts ---------------------------------------------------------------------------------------

  // What the server says a cell is by now, when it differs from what we took it for.
  learn(cell, label) {
    cell.base = label;
    this.#settle([cell]);
  }

  // ``mine``: the cells on which the reader stays with theirs. On the others everything that is
  // still pending gives way.
  resolve(act, conflicts, mine) {
    const contested = new Map(conflicts.map(({ cell, label }) => [cell, label]));
    const changed = new Set(this.pending.flatMap(touched));
    if (act.of) this.#plain(act);
    const stays = ({ cell }) => !contested.has(cell) || mine.has(cell);
    for (const change of act.changes)
      if (contested.has(change.cell)) change.before = contested.get(change.cell);
    for (const each of this.pending)
      each.changes = (each.of?.changes ? inverse(each.of) : each.changes).filter(stays);
    for (const each of this.pending.filter(({ changes }) => !changes.length)) {
      remove(this.pending, each);
      this.tell("dropped", { acts: [each] });
    }
    this.#settle(changed);
    this.tell("resolved");
  }

  // An undo cannot be half of one: what is left of it is said as a verdict of its own.
  #plain(act) {
    for (const other of this.pending.filter(({ of }) => of === act)) this.drop(other);
    this.known.delete(act.key);
    this.tell("dropped", { acts: [{ ...act }] });
    Object.assign(act, { key: newKey(), kind: "classify", of: null });
    this.known.set(act.key, act);
  }

  // The labels -----------------------------------------------------------------------------------------

  #settle(changed, { quiet = false } = {}) {
    const moved = [];
    const pending = new Map();
    for (const { kind, changes } of this.pending)
      for (const { cell, label } of changes) pending.set(cell, [label, stands(cell, kind, label)]);
    for (const cell of changed) {
      const [label, said] = pending.get(cell) || [cell.base, cell.stood];
      cell.pending = pending.has(cell);
      cell.said = said;
      cell.seen ||= said || cell.pending;
      if (label !== cell.label) moved.push(cell);
      cell.label = label;
    }
    if (!quiet) this.tell("cells", { changed: [...changed], moved });
  }

  counts() {
    let undecided = 0;
    let unseen = 0;
    for (const cell of cells) {
      if (cell.label === 0) undecided += 1;
      if (!cell.seen) unseen += 1;
    }
    return { undecided, unseen };
  }
}

function touched(act) {
  return act.changes.map(({ cell }) => cell);
}

function inverse(act) {
  return act.changes.map(({ cell, before, label }) => ({ cell, before: label, label: before }));
}

function remove(list, item) {
  const place = list.indexOf(item);
  if (place >= 0) list.splice(place, 1);
}
