// Short messages in the corner; read out by screen readers, gone after a while unless an error.

const KINDS = { info: "status", success: "status", warning: "status", error: "alert" };

export function say(text, kind = "info") {
  const area = document.getElementById("toasts");
  if (!area) return;
  const toast = document.createElement("div");
  toast.className = `toast notice notice-${kind in KINDS ? kind : "info"}`;
  toast.setAttribute("role", KINDS[kind] || "status");
  const body = document.createElement("div");
  body.className = "d-flex";
  const words = document.createElement("div");
  words.className = "toast-body";
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn-close me-2 m-auto";
  close.setAttribute("aria-label", "Close");
  close.dataset.bsDismiss = "toast";
  body.append(words, close);
  toast.append(body);
  area.append(toast);
  toast.addEventListener("hidden.bs.toast", () => toast.remove());
  new window.bootstrap.Toast(toast, { autohide: kind !== "error", delay: 6000 }).show();
}
