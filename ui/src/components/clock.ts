// One clock for all times that are shown: they move together, and none moves while nobody looks.

const listeners = new Set<() => void>();
let now = Date.now() / 1_000;
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  if (document.hidden) return;
  now = Date.now() / 1_000;
  for (const heard of listeners) heard();
}

/** Return the second in which all times are shown. */
export function clockNow(): number {
  return now;
}

/** Be told each second; returns what ends it. For `useSyncExternalStore`, whose text decides what is drawn again. */
export function onTick(heard: () => void): () => void {
  listeners.add(heard);
  if (timer === undefined) {
    now = Date.now() / 1_000;
    timer = setInterval(tick, 1_000);
    document.addEventListener("visibilitychange", tick);
  }
  return () => {
    listeners.delete(heard);
    if (!listeners.size) {
      clearInterval(timer);
      timer = undefined;
      document.removeEventListener("visibilitychange", tick);
    }
  };
}
