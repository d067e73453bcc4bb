// Where the model looked: an 8x8 map, row by row, painted over the stain. It comes as base64 of 64
// bytes (0-255), or as 64 base64 characters, one a value (0-63).

const SIDE = 8;
const FAINTEST = 0.3; // weaker evidence is left clear
const STRONGEST = 0.62; // opacity: the cell stays visible below it

// From deep green over bright green to yellow: what no Romanowsky stain contains, light enough to
// be told apart by brightness alone.
const STOPS = [
  [0, [0, 92, 86]],
  [0.45, [0, 190, 110]],
  [0.75, [160, 226, 40]],
  [1, [255, 240, 60]],
];

function colour(value) {
  for (let i = 1; i < STOPS.length; i += 1) {
    const [high, to] = STOPS[i];
    const [low, from] = STOPS[i - 1];
    if (value <= high) {
      const share = (value - low) / (high - low);
      return from.map((part, k) => part + (to[k] - part) * share);
    }
  }
  return STOPS.at(-1)[1];
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// 64 values, 0 to 1.
export function values(text) {
  if (text.length === SIDE * SIDE)
    return Float32Array.from(text, (letter) => ALPHABET.indexOf(letter) / 63);
  return Float32Array.from(atob(text), (letter) => letter.charCodeAt(0) / 255);
}

// Catmull-Rom: smooth, and it goes through the 64 values.
function weights(t) {
  const a = t * t * t;
  const b = t * t;
  return [
    -0.5 * a + b - 0.5 * t,
    1.5 * a - 2.5 * b + 1,
    -1.5 * a + 2 * b + 0.5 * t,
    0.5 * a - 0.5 * b,
  ];
}

const known = new Map();

function taps(size) {
  if (known.has(size)) return known.get(size);
  const found = [];
  known.set(size, found);
  for (let i = 0; i < size; i += 1) {
    const place = ((i + 0.5) * SIDE) / size - 0.5;
    const base = Math.floor(place);
    const index = [-1, 0, 1, 2].map((k) => Math.min(SIDE - 1, Math.max(0, base + k)));
    found.push([index, weights(place - base)]);
  }
  return found;
}

// Paints the map over the whole canvas; the canvas keeps its size.
export function paintMap(canvas, text) {
  const grid = values(text);
  if (grid.length !== SIDE * SIDE) return;
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  const across = taps(width);
  const down = taps(height);
  let at = 0;
  for (const [rows, up] of down) {
    for (const [columns, side] of across) {
      let value = 0;
      for (let r = 0; r < 4; r += 1)
        for (let c = 0; c < 4; c += 1)
          value += up[r] * side[c] * grid[rows[r] * SIDE + columns[c]];
      value = Math.min(1, Math.max(0, value));
      const strength = Math.max(0, (value - FAINTEST) / (1 - FAINTEST));
      const [red, green, blue] = colour(strength);
      picture.data[at] = red;
      picture.data[at + 1] = green;
      picture.data[at + 2] = blue;
      picture.data[at + 3] = 255 * STRONGEST * Math.min(1, strength * 1.4);
      at += 4;
    }
  }
  context.putImageData(picture, 0, 0);
}
