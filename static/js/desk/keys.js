// The keyboard. Keys of classes and a few acts are the person's own; the rest stay where they are.
import { labels } from "./data.js";

const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

// What a key means: the letter that it writes; on keyboards that write digits with Shift (French),
// the digit of its place.
function letters(event) {
  const place = event.code.match(/^(?:Digit|Numpad)(\d)$/)?.[1];
  return [event.key.toLowerCase(), place].filter(Boolean);
}

export function listen({ keys, act }) {
  // name of a label or an action, by key
  const meaning = (event) => {
    for (const letter of letters(event)) {
      const found = Object.keys(keys).find((name) => keys[name] === letter);
      if (found) return found;
    }
    return "";
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const { target, key } = event;
    if (target.closest("dialog, input, textarea, select, [contenteditable], [popover], .dropdown-menu"))
      return;
    if (event.ctrlKey || event.metaKey) {
      withControl(event);
      return;
    }
    // On a button or a link, Enter and the space bar are its own; arrows scroll and move sliders.
    const own = target.closest("button, a, summary, [role=tab]");
    if (MOVES.includes(key)) {
      if (own) return;
      event.preventDefault();
      act.move(key, event.shiftKey);
    } else if (key === "Enter" || key === " ") {
      if (own) return;
      event.preventDefault();
      if (key === "Enter") act.confirm();
      else act.toggle();
    } else if (key === "Escape") act.escape();
    else if (key === "?") act.help();
    else if (key === "+" || key === "=") act.large("in");
    else if (key === "-") act.large("out");
    else if (key === ".") act.large("fit");
    else {
      const name = meaning(event);
      if (!name || (event.repeat && name !== "undo")) return;
      event.preventDefault();
      const label = labels.find((each) => each.name === name);
      if (label) act.classify(label.place);
      else if (name === "undo") act.takeBack(event.shiftKey ? "redo" : "undo");
      else act[name]();
    }
  });

  function withControl(event) {
    const key = event.key.toLowerCase();
    if (key === "z") act.takeBack(event.shiftKey ? "redo" : "undo");
    else if (key === "y") act.takeBack("redo");
    else if (key === "a") act.group();
    else return;
    event.preventDefault();
  }
}
