/** Has graphs laid out: small ones at once, large ones by a worker, so that the page never stands still. */

import { type Layout, type LayoutInput, layout } from "./layout";

/** More boxes than these are laid out by a worker. */
const AT_ONCE = 300;

let worker: Worker | undefined;
let last = 0;

/** Return the layout; rejects when the graph has a cycle, or `signal` says that nobody waits any more. */
export function laid(input: LayoutInput, signal: AbortSignal): Promise<Layout> {
  if (input.sizes.length / 2 <= AT_ONCE) return new Promise((resolve) => resolve(layout(input)));
  worker ??= new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const [by, id] = [worker, ++last];
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = (act: () => void) => {
      over.abort();
      act();
    };
    const answered = ({ data }: MessageEvent<{ id: number; layout: Layout }>) => {
      if (data.id === id) end(() => resolve(data.layout));
    };
    by.addEventListener("message", answered, { signal: over.signal });
    by.addEventListener("error", (event) => end(() => reject(new Error(event.message))), { signal: over.signal });
    signal.addEventListener("abort", () => end(() => reject(signal.reason as Error)), { signal: over.signal });
    by.postMessage({ id, input });
  });
}
