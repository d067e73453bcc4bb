// Quick look: drop, paste or pick one picture on any page; nothing is stored unless asked.
import { give, tidy } from "./give.js";
import { csrf, upload } from "./http.js";
import { CLASSES, make, percent, reading } from "./reading.js";
import { Stage } from "./stage.js";
import { say } from "./toast.js";

const LARGEST = 20 * 1024 * 1024; // bytes, what the server accepts

const dialog = document.querySelector("[data-quick]");
if (dialog?.dataset.caseUrl) tidy(dialog.dataset.caseUrl);
if (dialog && csrf()) start();

function start() {
  const side = dialog.querySelector("[data-quick-side]");
  const veil = document.querySelector("[data-drop-veil]");
  const stage = new Stage(dialog.querySelector("[data-quick-stage]"));
  const eye = dialog.querySelector('[data-quick-do="maps"]');
  let asked = null; // AbortController of the picture being looked at
  let shown = ""; // object address of the picture on the stage

  // A page with its own place for pictures keeps all drops and pastes for itself.
  const hasUpload = () =>
    Boolean(document.querySelector("[data-drop]"));
  const carriesFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");

  function maps(on) {
    dialog.classList.toggle("shows-maps", on);
    eye.setAttribute("aria-pressed", String(on));
  }

  function note(kind, ...parts) {
    const box = make("div", `notice notice-${kind} quick-note`);
    box.setAttribute("role", kind === "error" ? "alert" : "status");
    box.append(...parts);
    return box;
  }

  function clear() {
    asked?.abort();
    asked = null;
    if (shown) URL.revokeObjectURL(shown);
    shown = "";
    stage.image.removeAttribute("src");
  }

  async function look(file) {
    clear();
    maps(false);
    dialog.classList.remove("is-bare");
    dialog.classList.add("is-busy");
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", "Looking at the picture");
    const waiting = make("p", "", `Looking at ${file.name || "the picture"}`);
    side.replaceChildren(waiting, bar);
    if (!dialog.open) dialog.showModal();
    shown = URL.createObjectURL(file);
    preview(shown);
    if (file.size > LARGEST) {
      fail("The file is larger than 20 MB; please export it as JPEG or as the field of view alone.");
      return;
    }
    const mine = new AbortController();
    asked = mine;
    const form = new FormData();
    form.append("file", file);
    const begin = performance.now();
    try {
      const { body } = await upload(dialog.dataset.url, form, {
        signal: mine.signal,
        onprogress: (share) => {
          if (share < 1) bar.value = share;
          else bar.removeAttribute("value");
        },
      });
      answer(file, body, performance.now() - begin);
    } catch (error) {
      if (error.name !== "AbortError") fail(error.message);
    } finally {
      if (asked === mine) {
        asked = null;
        dialog.classList.remove("is-busy");
      }
    }
  }

  // The picture at once, where the browser can show it (it cannot show TIFF).
  function preview(address) {
    const probe = new Image();
    probe.onload = () => {
      if (shown === address && asked)
        stage.show({ source: address, size: [probe.naturalWidth, probe.naturalHeight] });
    };
    probe.src = address;
  }

  function fail(words) {
    dialog.classList.remove("is-busy");
    dialog.classList.toggle("is-bare", !stage.image.hasAttribute("src"));
    side.replaceChildren(note("error", words), stored());
  }

  function stored() {
    return make("p", "reading-say", "Nothing was stored.");
  }

  function answer(file, body, milliseconds) {
    stage.show({
      source: body.preview,
      size: body.size,
      box: body.box,
      map: body.map,
      alt: `${file.name || "Picture"}, ${body.label}`,
    });
    maps(true);
    const parts = [
      reading({
        label: body.label,
        abstained: body.abstained,
        probabilities: CLASSES.map((name) => body.probabilities[name]),
        reasons: body.reasons.map((reason) => reason.message),
        facts: [
          ["Confidence", percent(body.confidence)],
          ["Picture", `${body.size[0]} x ${body.size[1]} pixels`],
          ["Model", body.model.id],
          ["Precision", body.model.precision],
          ["Read in", `${Math.round(body.milliseconds)} ms, ${(milliseconds / 1000).toFixed(1)} s in all`],
        ],
      }),
    ];
    for (const warning of body.warnings) parts.push(note("warning", warning.message));
    parts.push(stored());
    if (dialog.dataset.caseUrl) {
      const button = make("button", "btn btn-outline-primary", "Open a case with this image");
      button.type = "button";
      button.addEventListener("click", () => openCase(file));
      parts.push(button);
    }
    side.replaceChildren(...parts);
  }

  async function openCase(file) {
    try {
      await give(file);
    } catch {
      say("This browser cannot keep the picture. Open a case and choose it there.", "warning");
      return;
    }
    window.location.assign(dialog.dataset.caseUrl);
  }

  function take(files) {
    const pictures = [...files];
    if (pictures.length > 1) say("Quick look takes one picture: the first one is used.", "warning");
    look(pictures[0]);
  }

  // Drop: only while no page element took it.
  let depth = 0;
  function lift(on) {
    if (!on) depth = 0;
    veil.hidden = !on;
  }
  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event) || hasUpload() || event.defaultPrevented) return;
    event.preventDefault();
    depth += 1;
    lift(true);
  });
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event) || event.defaultPrevented) return;
    event.preventDefault(); // else the browser would leave the page for the file
    event.dataTransfer.dropEffect = hasUpload() ? "none" : "copy";
  });
  document.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) lift(false);
  });
  document.addEventListener("drop", (event) => {
    lift(false);
    if (!carriesFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    if (!hasUpload() && event.dataTransfer.files.length) take(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])].filter((file) =>
      file.type.startsWith("image/"),
    );
    if (!files.length || hasUpload() || event.defaultPrevented) return;
    event.preventDefault();
    take(files);
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-quick-file]") || !event.target.files.length) return;
    take(event.target.files);
    event.target.value = "";
  });

  const deeds = {
    in: () => stage.zoom(1.4),
    out: () => stage.zoom(1 / 1.4),
    maps: () => maps(!dialog.classList.contains("shows-maps")),
    close: () => dialog.close(),
  };
  dialog.addEventListener("click", (event) => {
    const deed = event.target.closest("[data-quick-do]");
    if (deed) deeds[deed.dataset.quickDo]();
    else if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    const key = { "+": "in", "=": "in", "-": "out", o: "maps", O: "maps" }[event.key];
    if (!key || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    deeds[key]();
  });
  dialog.addEventListener("close", clear);
}
