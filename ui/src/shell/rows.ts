// Walking through rows by keyboard: j and k go from row to row, Enter opens what has focus, as everywhere.
import { type RefObject, useRef } from "react";
import { useKeys } from "./keys";

/**
 * Let j and k walk through the rows of what has this ref: `data-row` is a row, `data-opens` in it what has focus then.
 *
 * `/` goes to the first search field of the page, wherever one is.
 */
export function useRows<Found extends HTMLElement = HTMLDivElement>(): RefObject<Found | null> {
  const ref = useRef<Found>(null);
  const walk = (step: 1 | -1): void => {
    const all = [...(ref.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
    const now = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[now < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, now + step))];
    const target = next?.querySelector<HTMLElement>("[data-opens]") ?? next;
    target?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  useKeys({ j: () => walk(1), k: () => walk(-1), "/": focusSearch });
  return ref;
}

/** Go to the search field of the screen. */
function focusSearch(): void {
  document.querySelector<HTMLInputElement>("main input[type=search]")?.focus();
}
