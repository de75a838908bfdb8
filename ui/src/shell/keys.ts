// Keys that do something wherever one is. They rest while one writes, and while a dialog is open.
import { useEffect, useRef } from "react";

const PAUSE = 1_000; // milliseconds between two keys that belong together

/** Return whether a key is meant for a text that is being written, or for a dialog or a menu in front. */
export function isTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("input, textarea, select, [contenteditable=true], [role=menu]")) return true;
  return document.querySelector("[role=dialog].dialog") !== null;
}

/** Listen for keys, as `n`, `?` or `g r`, while the component is there. */
export function useKeys(actions: Record<string, (event: KeyboardEvent) => void>): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    let before = "";
    let at = 0;
    const hear = (event: KeyboardEvent): void => {
      if (isTaken(event)) return;
      const now = Date.now();
      const both = now - at < PAUSE ? `${before} ${event.key}` : event.key;
      const action = latest.current[both] ?? latest.current[event.key];
      before = event.key;
      at = now;
      if (!action) return;
      before = "";
      event.preventDefault();
      action(event);
    };
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, []);
}
