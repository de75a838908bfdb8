// What stands in front of the page: the palette, the sheet of keys, or nothing. Apart, as both are loaded when asked for.
import { useSyncExternalStore } from "react";

export type InFront = "palette" | "sheet" | null;
let now: InFront = null;
const listeners = new Set<() => void>();

function show(what: InFront): void {
  now = what;
  for (const heard of listeners) heard();
}

export const openPalette = (): void => show("palette");
export const openSheet = (): void => show("sheet");
export const closeFront = (): void => show(null);

/** Return what stands in front of the page. */
export function useInFront(): InFront {
  return useSyncExternalStore(
    (heard) => {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
    () => now,
  );
}
