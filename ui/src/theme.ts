// Light, dark, or as the system has it. What is chosen is kept in this browser.
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
const KEY = "penstock.theme";
const wanted = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function chosen(): Theme {
  try {
    const found = localStorage.getItem(KEY);
    return found === "light" || found === "dark" ? found : "system";
  } catch {
    return "system"; // storage is switched off
  }
}

function apply(): void {
  const theme = chosen();
  document.documentElement.dataset.theme = theme === "system" ? (wanted.matches ? "dark" : "light") : theme;
  for (const one of listeners) one();
}

/** Show the page in the chosen theme, and follow the system where it was left to it. */
export function startTheme(): void {
  apply();
  wanted.addEventListener("change", apply);
  addEventListener("storage", (event) => {
    if (event.key === KEY) apply();
  });
}

export function setTheme(theme: Theme): void {
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // not kept then
  }
  apply();
}

/** Return what is chosen, and what is shown. */
export function useTheme(): { chosen: Theme; shown: "light" | "dark" } {
  const both = useSyncExternalStore(
    (heard) => {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
    () => `${chosen()} ${document.documentElement.dataset.theme ?? "light"}`,
  );
  const [theme, shown] = both.split(" ");
  return { chosen: theme as Theme, shown: shown as "light" | "dark" };
}
