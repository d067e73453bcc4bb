// The value under the pointer, or under the arrow keys, is said below its chart. Without this
// script each point still has its title, and the numbers stand in a table.

const HINT = "Point at a line, or use the arrow keys, to read its values.";

function watch(chart) {
  const stage = chart.querySelector("[data-chart-stage]");
  const say = chart.querySelector("[data-chart-say]");
  const here = chart.querySelector("[data-chart-here]");
  const svg = stage.querySelector("svg");
  const lines = [...svg.querySelectorAll("g")]
    .map((line) => [...line.querySelectorAll(".chart-mark")].map(point))
    .filter((line) => line.length);
  if (!lines.length) return;
  let line = 0;
  let place = -1;

  function show() {
    const { x, y, words } = lines[line][place];
    here.setAttribute("cx", x);
    here.setAttribute("cy", y);
    say.textContent = words;
    say.classList.remove("is-hint");
  }

  function rest() {
    here.setAttribute("cx", -20);
    say.textContent = HINT;
    say.classList.add("is-hint");
  }

  function nearest(event) {
    const where = new DOMPoint(event.clientX, event.clientY).matrixTransform(
      svg.getScreenCTM().inverse(),
    );
    let least = Infinity;
    lines.forEach((points, n) =>
      points.forEach(({ x, y }, m) => {
        const far = Math.hypot(x - where.x, y - where.y);
        if (far < least) [least, line, place] = [far, n, m];
      }),
    );
    show();
  }

  stage.addEventListener("pointermove", nearest);
  stage.addEventListener("pointerdown", nearest);
  stage.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && document.activeElement !== stage) rest();
  });
  stage.addEventListener("blur", rest);
  stage.addEventListener("keydown", (event) => {
    const points = lines[line];
    if (event.key === "ArrowRight") place = Math.min(points.length - 1, place + 1);
    else if (event.key === "ArrowLeft") place = Math.max(0, place - 1);
    else if (event.key === "Home") place = 0;
    else if (event.key === "End") place = points.length - 1;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      line = (line + step + lines.length) % lines.length;
      place = Math.min(Math.max(0, place), lines[line].length - 1);
    } else return;
    event.preventDefault();
    show();
  });

  stage.tabIndex = 0;
  stage.setAttribute("role", "group");
  stage.setAttribute("aria-label", `${chart.querySelector("h3").textContent}: values`);
  rest();
}

function point(mark) {
  const title = mark.querySelector("title");
  const words = title.textContent;
  title.remove(); // it is said below, at once
  return { x: Number(mark.getAttribute("cx")), y: Number(mark.getAttribute("cy")), words };
}

for (const chart of document.querySelectorAll("[data-chart]")) watch(chart);
