// Sends the acts one after the other, in their order, whatever becomes of the connection.
import { Refused, request } from "../http.js";
import { byId, dashed, data, labels, placeOf, plain } from "./data.js";
import * as store from "./store.js";

const RETRY = [1000, 2000, 5000, 10000, 30000]; // ms
const PATIENCE = 20000; // ms for an answer

// How it stands: idle, sending, waiting (no connection), conflict, closed (not ours any more),
// signed-out.
export class Queue extends EventTarget {
  constructor(state) {
    super();
    this.state = state;
    this.now = "idle";
    this.ready = false; // the history is here: what an undo takes back has a name
    this.safe = true; // what is pending survives a reload
    this.failures = 0;
    state.addEventListener("added", ({ detail: { act } }) => {
      this.safe = store.keep(act) && this.safe;
      this.run();
    });
    state.addEventListener("saved", ({ detail: { act } }) => store.forget(act));
    state.addEventListener("dropped", ({ detail: { acts } }) => acts.forEach(store.forget));
    state.addEventListener("resolved", () => {
      for (const act of state.pending) store.keep(act);
    });
    window.addEventListener("online", () => this.retry());
  }

  get size() {
    return this.state.pending.length;
  }

  #be(now, detail = {}) {
    this.now = now;
    this.dispatchEvent(new CustomEvent("change", { detail }));
  }

  retry() {
    if (this.now === "waiting") this.#be("idle");
    this.run();
  }

  // Goes on after a conflict was settled.
  settled() {
    this.#be("idle");
    this.run();
  }

  async run() {
    if (!this.ready || this.now !== "idle" || !this.size) {
      this.dispatchEvent(new CustomEvent("change"));
      return;
    }
    clearTimeout(this.timer);
    this.#be("sending");
    while (this.size && this.now === "sending") await this.#send(this.state.pending[0]);
    if (this.now === "sending") this.#be("idle");
  }

  async #send(act) {
    const body = { key: act.key, kind: act.kind };
    if (act.kind === "classify") {
      body.cells = act.changes.map(({ cell, before, label }) => ({
        cell: dashed(cell.id),
        before: labels[before].name,
        label: labels[label].name,
      }));
    } else {
      body.of = act.of.id;
      if (!body.of) return this.#refuse(act, "What it takes back was never saved.");
    }
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      const facts = await request(data.urls.acts, { method: "POST", json: body, signal });
      this.failures = 0;
      this.state.acknowledge(act, facts);
      this.dispatchEvent(new CustomEvent("change"));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#failed(act, error);
    }
    return undefined;
  }

  #failed(act, error) {
    const { status, code, message, body } = error;
    if (status === 0 || status >= 500 || status === 429 || status === 408) {
      const delay = RETRY[Math.min(this.failures++, RETRY.length - 1)];
      this.#be("waiting");
      this.timer = setTimeout(() => this.retry(), delay);
    } else if (code === "conflict") {
      const conflicts = body.conflicts
        .map((conflict) => ({
          cell: byId.get(plain(conflict.cell)),
          label: placeOf.get(conflict.label),
          by: conflict.by,
          at: conflict.at,
        }))
        .filter(({ cell }) => cell);
      this.#be("conflict", { act, conflicts });
    } else if (code === "not_yours" || status === 404) {
      this.state.writes = false;
      this.#be("closed", { message });
    } else if (status === 403 || status === 401) {
      this.#be("signed-out");
    } else {
      this.#refuse(act, message);
    }
  }

  #refuse(act, message) {
    this.state.drop(act);
    this.dispatchEvent(new CustomEvent("refused", { detail: { message } }));
  }

  // The reader gives up what could not be saved.
  discard() {
    while (this.size) this.state.drop(this.state.pending[0]);
    this.dispatchEvent(new CustomEvent("change"));
  }
}
