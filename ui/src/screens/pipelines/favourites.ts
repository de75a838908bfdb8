// Pipelines that somebody marked; kept in this browser.
import { useState } from "react";

const KEY = "penstock.favourites";

function read(): Set<string> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return new Set(Array.isArray(found) ? found.filter((one) => typeof one === "string") : []);
  } catch {
    return new Set();
  }
}

/** Return the favourites, and what adds or removes one. */
export function useFavourites(): [ReadonlySet<string>, (key: string) => void] {
  const [all, setAll] = useState<ReadonlySet<string>>(read);
  const toggle = (key: string): void => {
    const next = new Set(all);
    if (!next.delete(key)) next.add(key);
    setAll(next);
    try {
      localStorage.setItem(KEY, JSON.stringify([...next]));
    } catch {
      // storage is switched off: they last as long as the page
    }
  };
  return [all, toggle];
}
