// Small behaviours of the case pages: asking once, keeping the thread fresh, drawing the box to blank.

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
}, true);

// A comment that was refused comes back with its text and its reason.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "thread" && event.detail.xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// Sending replaces the form that had the focus: go on where one writes.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "thread" && event.detail.requestConfig.verb === "post")
    event.detail.target.querySelector("textarea")?.focus();
});

// The cells poll themselves while they are read. When that ends, the status above has changed.
const reading = () => document.querySelector("#cells [id^='poll-']") !== null;
let wasReading = reading();
document.addEventListener("htmx:afterSettle", () => {
  const now = reading();
  if (wasReading && !now) window.htmx.trigger("#case-header", "teleheme:header");
  wasReading = now;
});

// A submitted case has all its pictures, as a rule: what takes more of them is loaded when wanted.
const adding = document.getElementById("add-images");
adding?.addEventListener("toggle", () => import(adding.dataset.script), { once: true });
if (window.location.hash === "#add-images") adding?.setAttribute("open", "");

// Others write too: look now and then while nobody is writing here.
const thread = document.getElementById("thread");
if (thread)
  setInterval(() => {
    const box = thread.querySelector("textarea");
    if (document.hidden || (box && (box.value || box === document.activeElement))) return;
    window.htmx.trigger(thread, "teleheme:thread");
  }, 30000);

const stage = document.getElementById("blank-stage");
if (stage) drawBox(stage);

function drawBox(area) {
  const box = document.getElementById("blank-box");
  const picture = area.querySelector("img");
  const inputs = Object.fromEntries(
    ["left", "top", "width", "height"].map((side) => [side, document.getElementById(`id_${side}`)]),
  );
  let from = null;

  const scale = () => picture.clientWidth / Number(area.dataset.width);

  function point(event) {
    const frame = picture.getBoundingClientRect();
    const clamp = (value, most) => Math.min(Math.max(value, 0), most);
    return {
      x: Math.round(clamp(event.clientX - frame.left, frame.width) / scale()),
      y: Math.round(clamp(event.clientY - frame.top, frame.height) / scale()),
    };
  }

  function show() {
    const given = Object.fromEntries(
      Object.entries(inputs).map(([side, input]) => [side, Number(input.value)]),
    );
    box.hidden = !(given.width > 0 && given.height > 0);
    for (const [side, value] of Object.entries(given)) box.style[side] = `${value * scale()}px`;
  }

  area.addEventListener("pointerdown", (event) => {
    from = point(event);
    area.setPointerCapture(event.pointerId);
  });
  area.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = point(event);
    inputs.left.value = Math.min(from.x, to.x);
    inputs.top.value = Math.min(from.y, to.y);
    inputs.width.value = Math.abs(to.x - from.x);
    inputs.height.value = Math.abs(to.y - from.y);
    show();
  });
  area.addEventListener("pointerup", () => {
    from = null;
  });
  for (const input of Object.values(inputs)) input.addEventListener("input", show);
  window.addEventListener("resize", show);
  if (picture.complete) show();
  else picture.addEventListener("load", show);
}
