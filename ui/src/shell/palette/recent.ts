// What was gone to by the palette, kept in this browser: keys of what is recorded, and nothing else of it.
import type { Item } from "./items";

const KEY = "penstock.recent";
const MOST = 6;

function keys(): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/** Remember that somebody went there. */
export function remember(item: Item): void {
  const key = item.key.replace(/^recent /, "");
  try {
    localStorage.setItem(KEY, JSON.stringify([key, ...keys().filter((one) => one !== key)].slice(0, MOST)));
  } catch {
    // not kept then
  }
}

/** Return those of some items that were gone to last, the last one first. */
export function recent(items: readonly Item[]): Item[] {
  const byKey = new Map(items.map((one) => [one.key, one]));
  return keys().flatMap((key) => {
    const item = byKey.get(key);
    return item && item.group !== "Go to" ? [{ ...item, key: `recent ${key}`, group: "Recent" }] : [];
  });
}
