/** Lays graphs out beside the page. */

import { type LayoutInput, layout } from "./layout";

self.addEventListener("message", ({ data }: MessageEvent<{ id: number; input: LayoutInput }>) => {
  self.postMessage({ id: data.id, layout: layout(data.input) });
});
