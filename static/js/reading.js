// What the model said about one cell, as elements: for the enlarged cell and for the quick look.

export const CLASSES = ["basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil"];

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

function named(label) {
  return label.charAt(0).toUpperCase() + label.slice(1);
}

export function percent(share) {
  // Never 0 or 100: no probability of a model is, however it was rounded on the way.
  if (share < 0.001) return "<0.1 %";
  if (share > 0.999) return ">99.9 %";
  return `${(100 * share).toFixed(1)} %`;
}

function hue(label) {
  return `hue-${CLASSES.includes(label) ? label.charAt(0) : "u"}`;
}

function chip(label) {
  const found = make("span", `chip ${hue(label)}`);
  found.append(make("b", "", CLASSES.includes(label) ? label.charAt(0).toUpperCase() : "?"));
  found.append(` ${named(label)}`);
  return found;
}

// probabilities: five numbers in the order of CLASSES. reasons: sentences. facts: [name, value].
// standing: whose word this is, after the class.
export function reading({
  label,
  abstained,
  probabilities,
  reasons = [],
  facts = [],
  standing = "suggested, not reviewed",
}) {
  const box = make("div", "reading");
  const head = make("p", "reading-label");
  head.append(chip(abstained ? "unidentified" : label), " ");
  head.append(
    make(
      "span",
      "text-secondary",
      abstained ? `most probably ${label}, left to your eyes` : standing,
    ),
  );
  box.append(head);
  if (reasons.length) {
    const why = make("ul", "reading-why");
    for (const sentence of reasons) why.append(make("li", "", sentence));
    box.append(why);
  }
  const bars = make("div", "bars");
  CLASSES.forEach((name, i) => {
    const line = make("div", `bar-line ${hue(name)}${name === label ? " is-best" : ""}`);
    line.append(make("b", "", name.charAt(0).toUpperCase()), make("span", "bar-name", named(name)));
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = probabilities[i];
    bar.setAttribute("aria-label", `${named(name)}, ${percent(probabilities[i])}`);
    line.append(bar, make("span", "bar-percent", percent(probabilities[i])));
    bars.append(line);
  });
  box.append(bars, factList(facts));
  box.append(make("p", "reading-say", "Decision support, not a diagnosis."));
  return box;
}

export function factList(facts) {
  const list = make("dl", "facts");
  for (const [name, value] of facts) {
    if (value === undefined || value === null || value === "") continue;
    list.append(make("dt", "", name), make("dd", "", String(value)));
  }
  return list;
}
