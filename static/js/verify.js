// The verify page: a file is hashed here, and only its hash goes to the server. Browsers do that on
// https (and on this machine) alone; elsewhere the form sends the file, as it does without JavaScript.

const form = document.getElementById("verify-form");
const input = form.elements.file;

async function hash(file) {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

form.addEventListener("submit", async (event) => {
  const [file] = input.files;
  if (!file || !window.crypto?.subtle || form.elements.sha256.value) return;
  event.preventDefault();
  form.elements.sha256.value = await hash(file);
  input.disabled = true; // the file stays here
  form.requestSubmit();
});

input.addEventListener("change", () => {
  form.elements.sha256.value = "";
});

for (const kind of ["dragover", "drop"])
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (kind !== "drop" || event.dataTransfer.files.length !== 1) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change"));
    form.requestSubmit();
  });

// Back from the answer: the page may be an old one with its file still switched off.
window.addEventListener("pageshow", () => {
  input.disabled = false;
  form.elements.sha256.value = "";
});
