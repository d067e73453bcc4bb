// The quick look's half of handover.js: puts one File where the page of a new case takes it out
// (IndexedDB "teleheme", store "handover", key "file"), and sees to it that no other page does.

const FLAG = "teleheme.handover"; // sessionStorage: this tab is on its way to a new case

function change(act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("teleheme", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("handover");
    opening.onerror = opening.onblocked = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const moving = database.transaction("handover", "readwrite");
      act(moving.objectStore("handover"));
      moving.oncomplete = () => {
        database.close();
        resolve();
      };
      moving.onerror = moving.onabort = () => reject(moving.error);
    };
  });
}

export async function give(file) {
  await change((store) => store.put(file, "file"));
  sessionStorage.setItem(FLAG, "1");
}

// A picture meant for a new case must never land in another patient's: whoever leaves the way from
// "new case" to its draft has given up the handover. Runs on every page before upload.js asks.
export function tidy(caseUrl) {
  const from = document.referrer ? new URL(document.referrer).pathname : "";
  const draft = document.querySelector("#upload[data-draft='1']");
  const onTheWay = window.location.pathname === caseUrl || (from === caseUrl && draft);
  if (sessionStorage.getItem(FLAG) && onTheWay) {
    if (draft) sessionStorage.removeItem(FLAG);
    return;
  }
  sessionStorage.removeItem(FLAG);
  change((store) => store.delete("file")).catch(() => {});
}
