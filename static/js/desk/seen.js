// Which cells were on the screen long enough to be looked at: noted, and told to the server in
// batches. The unsent ones are told again with the next batch.
import { request } from "../http.js";
import { cells, dashed, data } from "./data.js";

const LOOK = 400; // ms
const BATCH = 2000; // ms between two batches

// ``mark`` shows how many are not told yet.
export function watchSeen(state, mark) {
  const since = new Map(); // cell -> when it came on the screen
  const unsent = new Set();
  let timer = 0;
  let sending = false;

  function look() {
    timer = 0;
    if (document.hidden) return;
    const now = performance.now();
    const fresh = [];
    let soonest = 0;
    for (const [cell, at] of since) {
      if (now - at >= LOOK) fresh.push(cell);
      else soonest = Math.min(soonest || Infinity, LOOK - (now - at));
    }
    for (const cell of fresh) {
      since.delete(cell);
      watcher.unobserve(cell.tile);
      cell.seen = true;
      unsent.add(cell);
    }
    if (fresh.length) {
      state.tell("cells", { changed: fresh, moved: [] });
      count();
      later();
    }
    if (soonest) timer = setTimeout(look, soonest + 1);
  }

  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        const cell = cells[target.dataset.cell];
        if (!isIntersecting) since.delete(cell);
        else if (!since.has(cell)) since.set(cell, performance.now());
      }
      if (since.size && !timer) timer = setTimeout(look, LOOK + 1);
    },
    { threshold: 0.5 },
  );
  for (const cell of cells) if (!cell.seen) watcher.observe(cell.tile);

  // A tab in the background shows nothing: the time begins anew.
  document.addEventListener("visibilitychange", () => {
    for (const cell of since.keys()) since.set(cell, performance.now());
    if (!document.hidden && since.size && !timer) timer = setTimeout(look, LOOK + 1);
    if (document.hidden) send();
  });

  function count() {
    mark.dataset.unsent = unsent.size;
  }

  let waiting = 0;
  function later() {
    if (!waiting) waiting = setTimeout(send, BATCH);
  }

  async function send() {
    clearTimeout(waiting);
    waiting = 0;
    if (!unsent.size || sending || !state.writes) return;
    sending = true;
    const batch = [...unsent].slice(0, 500);
    try {
      const json = { cells: batch.map((cell) => dashed(cell.id)) };
      await request(data.urls.seen, { method: "POST", json, keepalive: true });
      for (const cell of batch) unsent.delete(cell);
      count();
    } catch {
      // The line is down, or the case somebody else's: the queue says so.
    }
    sending = false;
    if (unsent.size) later();
  }
}
