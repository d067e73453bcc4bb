// The classes: the bar that shows their keys and counts, and the menu that opens at a cell.
import { make } from "../reading.js";
import { cells, labels } from "./data.js";

export class Classes {
  // ``keys``: name -> key; ``choose(label)`` calls the chosen cells so.
  constructor({ bar, menu, keys, choose }) {
    this.bar = bar;
    this.menu = menu;
    this.keys = keys;
    this.buttons = labels.map((label) => this.#button(label));
    bar.replaceChildren(...this.buttons.map(({ button }) => button));
    this.items = labels.map((label) => this.#item(label));
    menu.replaceChildren(...this.items);
    bar.addEventListener("click", (event) => {
      const button = event.target.closest("[data-label]");
      if (button) choose(Number(button.dataset.label));
    });
    menu.addEventListener("click", (event) => {
      const item = event.target.closest("[data-label]");
      if (!item) return;
      menu.hidePopover();
      choose(Number(item.dataset.label));
    });
    menu.addEventListener("keydown", (event) => this.#walk(event));
    menu.addEventListener("toggle", (event) => {
      if (event.newState === "closed" && menu.contains(document.activeElement)) this.back?.focus();
    });
    this.count();
    this.name();
  }

  #button(label) {
    const button = make("button", `desk-class ${label.hue}`);
    button.type = "button";
    button.dataset.label = label.place;
    button.title = label.title;
    const key = make("kbd");
    const count = make("span", "desk-count");
    const letter = make("b", "", label.letter);
    for (const shown of [key, letter]) shown.setAttribute("aria-hidden", "true");
    button.append(key, letter, make("span", "desk-class-name", label.short), count);
    return { button, key, count, label };
  }

  #item(label) {
    const item = make("button", label.hue);
    item.type = "button";
    item.tabIndex = -1;
    item.setAttribute("role", "menuitem");
    item.dataset.label = label.place;
    item.append(make("b", "", label.letter), ` ${label.title} `, make("kbd"));
    return item;
  }

  // The keys, when they are new.
  name() {
    for (const { key, label, button } of this.buttons) {
      key.textContent = this.keys[label.name];
      button.setAttribute("aria-keyshortcuts", this.keys[label.name]);
      this.items[label.place].querySelector("kbd").textContent = this.keys[label.name];
    }
  }

  count() {
    const counts = new Array(labels.length).fill(0);
    for (const cell of cells) counts[cell.label] += 1;
    for (const { count, label, button } of this.buttons) {
      const text = String(counts[label.place] || "");
      if (count.textContent !== text) count.textContent = text;
      button.classList.toggle("is-none", !text);
    }
  }

  enable(may) {
    for (const { button } of this.buttons) button.disabled = !may;
  }

  // At a point of the screen; the focus returns to ``back``.
  open(x, y, back) {
    this.back = back;
    this.menu.showPopover();
    const { offsetWidth, offsetHeight } = this.menu;
    this.menu.style.left = `${Math.max(4, Math.min(x, window.innerWidth - offsetWidth - 4))}px`;
    this.menu.style.top = `${Math.max(4, Math.min(y, window.innerHeight - offsetHeight - 4))}px`;
    this.items[0].focus();
  }

  #walk(event) {
    const at = this.items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.items.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      this.items.at(to % this.items.length).focus();
      return;
    }
    const own = labels.find((label) => this.keys[label.name] === event.key.toLowerCase());
    if (own && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.items[own.place].click();
    }
  }
}
