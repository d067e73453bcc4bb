// What others, or this person's other tabs, did meanwhile; who else is here; whose case it is.
import { request } from "../http.js";
import { cells, data } from "./data.js";

const EVERY = 5000; // ms

export class Live extends EventTarget {
  constructor(state, queue) {
    super();
    this.state = state;
    this.queue = queue;
    this.asking = null;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.ask();
    });
    window.addEventListener("online", () => this.ask());
  }

  // The history first: undo reaches back to before this visit.
  async start() {
    await this.ask();
    setInterval(() => {
      if (!document.hidden) this.ask();
    }, EVERY);
  }

  ask() {
    this.asking ??= this.#ask().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  async #ask() {
    try {
      let answer;
      do {
        answer = await request(`${data.urls.acts}?after=${this.state.last}`);
        this.state.absorb(answer.acts);
      } while (answer.more && answer.acts.length);
      if (!this.queue.ready) {
        this.queue.ready = true;
        this.queue.run();
      }
      this.#hear(answer);
    } catch (error) {
      // The queue says what is wrong with the line when there is something to save.
      if (!error.status && error.status !== 0) throw error;
    }
  }

  #hear(answer) {
    const { progress } = answer;
    const news = {
      ...answer,
      more: progress.cells !== cells.length || progress.waiting !== data.progress.waiting,
      shown: answer.committed === data.hidden,
    };
    this.dispatchEvent(new CustomEvent("heard", { detail: news }));
  }
}
