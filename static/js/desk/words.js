// What the desk says: how safe the verdicts are, whose case it is, who else is here.
import { make } from "../reading.js";

export class Words {
  constructor(root, { queue, onDecide }) {
    this.state = root.querySelector("[data-state]");
    this.banners = root.querySelector("[data-banners]");
    this.aloud = root.querySelector("[data-aloud]");
    this.queue = queue;
    this.onDecide = onDecide;
    this.kinds = new Map();
    queue.addEventListener("change", ({ detail }) => this.saving(detail?.message));
  }

  // For those who do not see the tiles move.
  say(text) {
    this.aloud.textContent = text;
  }

  saving(message = "") {
    const { now, size, safe } = this.queue;
    const verdicts = size === 1 ? "1 change" : `${size} changes`;
    const where = safe ? "kept in this browser" : "kept while this page is open";
    const [text, kind] = {
      idle: [this.queue.state.writes ? (size ? `Saving ${size}` : "All saved") : "Looking only", ""],
      sending: [`Saving ${size}`, ""],
      waiting: [`Connection lost: ${verdicts} not saved yet, ${where}, will be tried again`, "wait"],
      conflict: [`${verdicts} not saved: decide first`, "wait"],
      closed: [size ? `${verdicts} not saved` : "Looking only", "error"],
      "signed-out": [`Signed out: ${verdicts} not saved yet, ${where}`, "error"],
    }[now];
    this.state.textContent = text;
    this.state.dataset.kind = kind;
    this.state.dataset.pending = size;
    if (now === "closed") this.#closed(message);
    this.banner("signed-out", now === "signed-out" && {
      text: "You were signed out. Sign in again: what is not saved yet is sent then.",
      kind: "warning",
      acts: [["Sign in again", () => window.location.reload()]],
    });
    this.banner("conflict", now === "conflict" && {
      text: "Somebody called a cell something else meanwhile. Nothing of yours is lost.",
      kind: "warning",
      acts: [["Decide", this.onDecide]],
    });
  }

  #closed(message) {
    const { size } = this.queue;
    if (!message) {
      if (!size) this.banner("closed", null);
      return;
    }
    const acts = size ? [[`Give up ${size} not saved`, () => this.queue.discard()]] : [];
    this.banner("closed", { text: message, kind: "error", acts });
  }

  // One banner a kind; nothing takes it away.
  banner(name, given) {
    const old = this.kinds.get(name);
    if (!given) {
      old?.remove();
      this.kinds.delete(name);
      return;
    }
    const key = JSON.stringify([given.text, given.acts?.map(([text]) => text)]);
    if (old?.dataset.key === key) return;
    const made = make("div", `notice notice-${given.kind || "info"} desk-banner`);
    made.dataset.key = key;
    made.dataset.banner = name;
    made.setAttribute("role", given.kind === "error" ? "alert" : "status");
    made.append(make("span", "", given.text));
    for (const [text, act] of given.acts || []) {
      const button = make("button", "btn btn-sm btn-outline-secondary", text);
      button.type = "button";
      button.addEventListener("click", act);
      made.append(button);
    }
    if (old) old.replaceWith(made);
    else this.banners.append(made);
    this.kinds.set(name, made);
  }
}
