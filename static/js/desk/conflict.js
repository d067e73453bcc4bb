// A cell is not what the reader took it for: what it is now, who said so, and the reader's choice.
import { make } from "../reading.js";
import { labels, when } from "./data.js";

function chip(place) {
  const label = labels[place];
  const made = make("span", `chip ${label.hue}`);
  made.append(make("b", "", label.letter), ` ${label.title}`);
  return made;
}

function line(name, place, rest = "") {
  const made = make("p", "conflict-line");
  made.append(make("span", "text-secondary", name), " ", chip(place), rest ? ` ${rest}` : "");
  return made;
}

function who({ by, at }) {
  if (!by) return "suggested by the model";
  return `${by}, ${when(at)}`;
}

// Resolves to the cells on which the reader stays with their own; null when they put it off.
export function decide(dialog, conflicts) {
  const list = dialog.querySelector("[data-conflicts]");
  const mine = new Set();
  return new Promise((resolve) => {
    let open = conflicts.length;
    const settle = (row, cell, own) => {
      if (own) mine.add(cell);
      row.remove();
      open -= 1;
      if (open) list.querySelector("button").focus();
      else dialog.close("done");
    };
    list.replaceChildren(
      ...conflicts.map((conflict) => {
        const { cell } = conflict;
        const row = make("li", "conflict-row");
        const image = document.createElement("img");
        Object.assign(image, { src: cell.thumbnail, alt: "", width: 72, height: 72 });
        const words = make("div", "conflict-words");
        words.append(
          make("b", "", `Cell ${cell.name}`),
          line("Now:", conflict.label, who(conflict)),
          line("Yours:", cell.label),
        );
        const acts = make("div", "conflict-acts");
        for (const [text, own, kind] of [
          ["Keep mine", true, "btn-primary"],
          ["Take theirs", false, "btn-outline-secondary"],
        ]) {
          const button = make("button", `btn btn-sm ${kind}`, text);
          button.type = "button";
          button.setAttribute("aria-label", `${text}: cell ${cell.name}`);
          button.addEventListener("click", () => settle(row, cell, own));
          acts.append(button);
        }
        row.append(image, words, acts);
        row.decide = (own) => settle(row, cell, own);
        return row;
      }),
    );
    const every = dialog.querySelector("[data-every]");
    every.hidden = conflicts.length < 2;
    const onEvery = (event) => {
      const choice = event.target.closest("[data-conflict-all]");
      if (choice)
        for (const row of [...list.children]) row.decide(choice.dataset.conflictAll === "mine");
    };
    every.addEventListener("click", onEvery);
    dialog.addEventListener(
      "close",
      () => {
        every.removeEventListener("click", onEvery);
        resolve(dialog.returnValue === "done" ? mine : null);
      },
      { once: true },
    );
    dialog.returnValue = "";
    dialog.showModal();
  });
}
