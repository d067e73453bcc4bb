// The bell renews itself while somebody looks at the page, and at once when they come back to it.
import { renew } from "./part.js";

const EVERY = 30_000;
let rung = Date.now();

function ring() {
  if (document.hidden || Date.now() - rung < EVERY) return;
  rung = Date.now();
  if (window.htmx) window.htmx.trigger(document.body, "teleheme:bell");
  else renew(document.getElementById("bell"));
}

setInterval(ring, 5000);
document.addEventListener("visibilitychange", ring);
