// What the page brings: the cells of the reading, the classes, whose desk it is.

export const data = JSON.parse(document.getElementById("desk-data").textContent);

const SAID = 1;
const SEEN = 2;
const ABSTAINED = 4;
const UNREAD = 8;
const WAITING = 16;

export const labels = data.labels.map(([name, title, letter, short], place) => ({
  place,
  name,
  title,
  letter,
  short,
  hue: `hue-${letter === "?" ? "u" : letter.toLowerCase()}`,
}));
export const UNIDENTIFIED = 0; // the first of the order that the server gives
export const placeOf = new Map(labels.map((label) => [label.name, label.place]));

export const plain = (id) => id.replaceAll("-", "");
export const dashed = (id) => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
const address = (url, id) => url.replace("00000000-0000-0000-0000-000000000000", dashed(id));

// 32 bytes a cell: its id, and its picture's.
const ids = Array.from(atob(data.cells.ids), (letter) =>
  letter.charCodeAt(0).toString(16).padStart(2, "0"),
);
const columns = Object.entries(data.cells).filter(([name]) => name !== "ids");

export const cells = data.cells.name.map((_, place) => {
  const cell = Object.fromEntries(columns.map(([name, values]) => [name, values[place]]));
  const { flags } = cell;
  const id = ids.slice(32 * place, 32 * place + 16).join("");
  const image = ids.slice(32 * place + 16, 32 * place + 32).join("");
  return Object.assign(cell, {
    id,
    place,
    base: cell.label, // what the server calls it
    number: data.progress.last, // of the newest act that this rests on
    said: Boolean(flags & SAID), // somebody calls it so
    stood: Boolean(flags & SAID), // as far as the server knows
    seen: Boolean(flags & SEEN),
    abstained: Boolean(flags & ABSTAINED),
    unread: Boolean(flags & UNREAD),
    waiting: Boolean(flags & WAITING),
    thumbnail: address(data.urls.thumbnail, image),
    picture: address(data.urls.picture, image),
  });
});
export const byId = new Map(cells.map((cell) => [cell.id, cell]));

// Least certain first; what the model could not read before everything, as uploaded where it says
// nothing. A cell keeps its rank whatever it is called, so that undo puts it back where it was.
const certainty = (cell) => (cell.unread || cell.waiting ? -1 : cell.confidence);
[...cells]
  .sort((one, other) => certainty(one) - certainty(other) || one.place - other.place)
  .forEach((cell, rank) => {
    cell.rank = rank;
  });

// What it is called while nobody says anything.
export const suggested = (cell) => (cell.guess < 0 || cell.abstained ? UNIDENTIFIED : cell.guess);
// An undo that goes back to where the cell began is nobody's word.
export const stands = (cell, kind, label) => kind !== "undo" || label !== suggested(cell);

// In the time zone of the house, as everywhere on its pages.
const clock = (options) =>
  new Intl.DateTimeFormat("en-GB", { timeZone: data.zone, ...options });
const day = clock({ day: "numeric", month: "short", year: "numeric" });
const hour = clock({ hour: "2-digit", minute: "2-digit" });
export function when(at) {
  const time = new Date(at);
  const today = day.format(time) === day.format(new Date());
  return today ? hour.format(time) : `${day.format(time)}, ${hour.format(time)}`;
}

// In whole percent, never rounded up to certainty; empty while the model has not answered.
export function percent(cell) {
  if (cell.guess < 0) return "";
  return `${Math.min(99, Math.round(cell.confidence / 10))} %`;
}

export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
