/** The order within each layer, chosen so that few edges cross. */

import type { Layered } from "./layers";

const SWEEPS = 12;
/** Up to so many vertices neighbours are also swapped one by one, which finds what sweeps overlook. */
const SWAPPED = 500;

/** Return the layers of a graph in an order with few crossings, and how many there are. */
export function ordered(graph: Layered): { layers: number[][]; crossings: number } {
  const layers = graph.layers.map((layer) => layer.slice());
  const place = new Int32Array(graph.ranks.length);
  for (const layer of layers) number(layer, place);
  let best = layers.map((layer) => layer.slice());
  let fewest = crossings(layers, graph.down, place);
  const swaps = graph.nodes <= SWAPPED;
  for (let sweep = 0, idle = 0; sweep < SWEEPS && fewest > 0 && idle < 4; sweep++, idle++) {
    sweepOnce(layers, sweep % 2 === 0 ? graph.up : graph.down, place, sweep % 2 === 0);
    if (swaps) transpose(layers, graph, place);
    const count = crossings(layers, graph.down, place);
    if (count < fewest) {
      fewest = count;
      best = layers.map((layer) => layer.slice());
      idle = -1;
    }
  }
  return { layers: best, crossings: fewest };
}

function number(layer: number[], place: Int32Array): void {
  for (let i = 0; i < layer.length; i++) place[layer[i]!] = i;
}

/** Sort each layer by the median of its neighbours in the one before, going down or up. */
function sweepOnce(layers: number[][], towards: number[][], place: Int32Array, downwards: boolean): void {
  const medians = new Float64Array(place.length);
  for (let step = 1; step < layers.length; step++) {
    const layer = layers[downwards ? step : layers.length - 1 - step]!;
    for (const vertex of layer) medians[vertex] = median(towards[vertex]!, place, place[vertex]!);
    layer.sort((a, b) => medians[a]! - medians[b]! || place[a]! - place[b]!);
    number(layer, place);
  }
}

function median(of: number[], place: Int32Array, own: number): number {
  if (of.length === 0) return own;
  const places = of.map((vertex) => place[vertex]!).sort((a, b) => a - b);
  const middle = places.length >> 1;
  if (places.length % 2 === 1) return places[middle]!;
  if (places.length === 2) return (places[0]! + places[1]!) / 2;
  const left = places[middle - 1]! - places[0]!;
  const right = places.at(-1)! - places[middle]!;
  const spread = left + right || 1;
  return (places[middle - 1]! * right + places[middle]! * left) / spread;
}

/** Swap neighbours as long as that removes crossings. */
function transpose(layers: number[][], graph: Layered, place: Int32Array): void {
  for (let round = 0, improved = true; improved && round < 10; round++) {
    improved = false;
    for (const layer of layers) {
      for (let i = 0; i + 1 < layer.length; i++) {
        const [left, right] = [layer[i]!, layer[i + 1]!];
        const gain =
          excess(graph.up[left]!, graph.up[right]!, place) + excess(graph.down[left]!, graph.down[right]!, place);
        if (gain <= 0) continue;
        layer[i] = right;
        layer[i + 1] = left;
        place[left] = i + 1;
        place[right] = i;
        improved = true;
      }
    }
  }
}

/** Return how many crossings between the edges of two neighbours their swap would remove. */
function excess(left: number[], right: number[], place: Int32Array): number {
  let found = 0;
  for (const a of left) for (const b of right) found += Math.sign(place[a]! - place[b]!);
  return found;
}

/** Count the crossings between all neighbouring layers, with a tree of sums for each. */
export function crossings(layers: number[][], down: number[][], place: Int32Array): number {
  let total = 0;
  for (let rank = 0; rank + 1 < layers.length; rank++) {
    const width = layers[rank + 1]!.length;
    const tree = new Int32Array(width + 1);
    let before = 0;
    for (const vertex of layers[rank]!) {
      const ends = down[vertex]!.map((child) => place[child]!);
      for (const end of ends) {
        let passed = 0;
        for (let i = end + 1; i > 0; i -= i & -i) passed += tree[i]!;
        total += before - passed;
      }
      for (const end of ends) for (let i = end + 1; i <= width; i += i & -i) tree[i]!++;
      before += ends.length;
    }
  }
  return total;
}
