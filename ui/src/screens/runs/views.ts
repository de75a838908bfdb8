// Saved views: names for what stands in the address of the table. They are kept in this browser.
import { useState } from "react";
import type { RunsSearch } from "./route";

export interface View {
  name: string;
  search: RunsSearch;
}

const KEY = "penstock.views.runs";

function read(): View[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((one): one is View => typeof one?.name === "string") : [];
  } catch {
    return [];
  }
}

/** Return the saved views, and what saves and removes one. */
export function useViews() {
  const [views, setViews] = useState(read);
  const set = (next: View[]): void => {
    setViews(next);
    try {
      localStorage.setItem(KEY, JSON.stringify(next));
    } catch {
      // storage is switched off: they last as long as the page
    }
  };
  return {
    views,
    save: (name: string, search: RunsSearch): void =>
      set([...views.filter((one) => one.name !== name), { name, search }]),
    remove: (name: string): void => set(views.filter((one) => one.name !== name)),
  };
}
