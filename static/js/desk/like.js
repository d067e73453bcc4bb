// Beside the large cell: the nearest signed cells, reference cells of the classes in question, and
// whether this cell is such a reference. Asked for when the reader stays with a cell; kept per cell.
import { Refused, request } from "../http.js";
import { make } from "../reading.js";
import { say } from "../toast.js";
import { dashed, data, labels, placeOf } from "./data.js";

const PAUSE = 350; // ms on a cell before the server is asked

const address = (url, cell) => url.replace("00000000-0000-0000-0000-000000000000", dashed(cell.id));

export class Like {
  constructor(root) {
    this.root = root;
    this.kept = new Map(); // cell -> Map of its label -> answer
    this.cell = null;
    this.label = 0;
    this.timer = 0;
    root.addEventListener("click", (event) => {
      if (event.target.closest("[data-reference]")) this.#turn();
    });
  }

  show(cell) {
    if (cell === this.cell && cell?.label === this.label) return;
    this.cell = cell;
    this.label = cell?.label ?? 0;
    clearTimeout(this.timer);
    const known = cell && this.kept.get(cell)?.get(cell.label);
    if (!cell || known) this.#draw(known);
    else {
      this.root.hidden = true;
      this.timer = setTimeout(() => this.#ask(cell, cell.label), PAUSE);
    }
  }

  async #ask(cell, label) {
    try {
      const url = address(data.urls.like, cell);
      const answer = await request(`${url}?label=${labels[label].name}`);
      this.#keep(cell, label, answer);
    } catch (error) {
      if (!(error instanceof Refused)) throw error; // no look-alikes is no obstacle to reading
    }
  }

  #keep(cell, label, answer) {
    if (!this.kept.has(cell)) this.kept.set(cell, new Map());
    this.kept.get(cell).set(label, answer);
    if (cell === this.cell && label === cell.label) this.#draw(answer);
  }

  #draw(answer) {
    this.root.hidden = !answer;
    if (!answer) return;
    const kept = Boolean(answer.reference);
    this.root.replaceChildren(
      ...this.#row("Signed cells like it", answer.alike, "None among the signed cells that you may see."),
      ...this.#row("References", answer.references, ""),
    );
    if (!kept && this.cell.label === 0) return; // what is not decided is no example
    const title = labels[this.cell.label].title;
    const button = make("button", "btn btn-sm btn-outline-secondary", kept ? "No longer a reference" : "Keep as a reference");
    button.type = "button";
    button.title = kept ? "It is kept as an example of its class" : `As an example of: ${title}`;
    button.dataset.reference = "";
    this.root.append(button);
  }

  #row(title, given, none) {
    if (!given.length && !none) return [];
    const head = make("h3", "", title);
    if (!given.length) return [head, make("p", "large-said", none)];
    const list = make("ul", "like");
    for (const each of given) {
      const item = make("li", labels[placeOf.get(each.label)]?.hue);
      item.title = each.note ? `${each.name}: ${each.note}` : each.name;
      const picture = Object.assign(make("img"), { alt: "", width: 56, height: 56, loading: "lazy" });
      picture.src = each.thumbnail;
      item.append(picture, make("b", "", each.letter), make("span", "visually-hidden", each.name));
      list.append(item);
    }
    return [head, list];
  }

  async #turn() {
    const { cell } = this;
    const answer = this.kept.get(cell)?.get(cell.label);
    if (!answer) return;
    const keep = !answer.reference;
    try {
      const options = keep ? { method: "PUT", json: { label: labels[cell.label].name } } : { method: "DELETE" };
      const { reference } = await request(address(data.urls.reference, cell), options);
      for (const known of this.kept.get(cell).values()) known.reference = reference;
      this.#draw(answer);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      say(error.message, "error");
    }
  }
}
