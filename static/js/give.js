// The quick look's half of handover.js: puts one File where the page of a new case takes it out
// (IndexedDB "teleheme", store "handover", key "file").

export function give(file) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("teleheme", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("handover");
    opening.onerror = opening.onblocked = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const moving = database.transaction("handover", "readwrite");
      moving.objectStore("handover").put(file, "file");
      moving.oncomplete = () => {
        database.close();
        resolve();
      };
      moving.onerror = moving.onabort = () => reject(moving.error);
    };
  });
}
