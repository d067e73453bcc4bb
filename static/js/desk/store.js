// The acts that the server has not taken yet, kept in this browser: one entry an act, so that two
// tabs do not overwrite each other. A tab that finds the other's sends them too; by their keys the
// server takes each once. Ids and classes only, nothing of the patient; apart for each person.
import { byId, data, labels, placeOf } from "./data.js";

const PREFIX = `teleheme.desk.${data.user}.${data.reading}.`;
let count = Date.now() * 1000;

// False where this browser keeps nothing (a private window, a full disk).
export function keep(act) {
  act.order ??= count++;
  const kept = {
    order: act.order,
    kind: act.kind,
    of: act.of ? act.of.id || act.of.key : null,
    changes: act.changes.map(({ cell, before, label }) => [
      cell.id,
      labels[before].name,
      labels[label].name,
    ]),
  };
  try {
    localStorage.setItem(PREFIX + act.key, JSON.stringify(kept));
    return true;
  } catch {
    return false;
  }
}

export function forget(act) {
  try {
    localStorage.removeItem(PREFIX + act.key);
  } catch {
    // Nothing was kept either.
  }
}

export function kept() {
  const found = [];
  try {
    for (let i = 0; i < localStorage.length; i += 1) {
      const name = localStorage.key(i);
      if (!name.startsWith(PREFIX)) continue;
      const { changes, ...act } = JSON.parse(localStorage.getItem(name));
      found.push({
        ...act,
        key: name.slice(PREFIX.length),
        changes: changes
          .map(([id, before, label]) => ({
            cell: byId.get(id),
            before: placeOf.get(before),
            label: placeOf.get(label),
          }))
          .filter(({ cell, before, label }) => cell && before >= 0 && label >= 0),
      });
    }
  } catch {
    // What cannot be read was not written by us.
  }
  return found.sort((one, other) => one.order - other.order);
}
