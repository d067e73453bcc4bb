// A picture that the quick look hands to a case: one File in IndexedDB, taken out when it is read.

function database() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("teleheme", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("handover");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = opening.onblocked = () => reject(opening.error);
  });
}

// The File, or null when there is none (or this browser keeps no database).
export async function handedOver() {
  try {
    const open = await database();
    return await new Promise((resolve) => {
      const moving = open.transaction("handover", "readwrite");
      const store = moving.objectStore("handover");
      const reading = store.get("file");
      reading.onsuccess = () => {
        store.delete("file");
      };
      moving.oncomplete = () => {
        open.close();
        resolve(reading.result instanceof File ? reading.result : null);
      };
      moving.onerror = moving.onabort = () => resolve(null);
    });
  } catch {
    return null;
  }
}
