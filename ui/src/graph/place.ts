/** Where each vertex of ordered layers stands: as near to its neighbours as order and distances allow. */

import type { Layered } from "./layers";

export const GAP = { x: 24, y: 44, bend: 12 };
const ROUNDS = 10;

/** Return the middle of each vertex. Layers keep their order; boxes keep their distance. */
export function placed(graph: Layered, layers: number[][], widths: Float64Array): Float64Array {
  const x = new Float64Array(graph.ranks.length);
  for (const layer of layers) {
    let edge = 0;
    for (let i = 0; i < layer.length; i++) {
      if (i > 0) edge += distance(layer[i - 1]!, layer[i]!, graph.nodes, widths);
      x[layer[i]!] = edge;
    }
    const middle = edge / 2;
    for (const vertex of layer) x[vertex]! -= middle;
  }
  for (let round = 0; round < ROUNDS; round++) {
    const last = round >= ROUNDS - 2;
    for (let step = 0; step < layers.length; step++) {
      const downwards = round % 2 === 0;
      const layer = layers[downwards ? step : layers.length - 1 - step]!;
      settle(layer, x, graph, last ? [graph.up, graph.down] : [downwards ? graph.up : graph.down], widths);
    }
  }
  return x;
}

function distance(left: number, right: number, nodes: number, widths: Float64Array): number {
  const gap = left < nodes && right < nodes ? GAP.x : GAP.bend;
  return (widths[left]! + widths[right]!) / 2 + gap;
}

/** Move one layer to where its neighbours are: least squares under "no closer than", by pooling neighbours. */
function settle(layer: number[], x: Float64Array, graph: Layered, sides: number[][][], widths: Float64Array): void {
  const offsets = new Float64Array(layer.length);
  const sums: number[] = [];
  const weights: number[] = [];
  const starts: number[] = [];
  for (let i = 0; i < layer.length; i++) {
    const vertex = layer[i]!;
    if (i > 0) offsets[i] = offsets[i - 1]! + distance(layer[i - 1]!, vertex, graph.nodes, widths);
    const weight = vertex < graph.nodes ? 1 : 3;
    sums.push((target(vertex, x, sides) - offsets[i]!) * weight);
    weights.push(weight);
    starts.push(i);
    while (sums.length > 1 && sums.at(-2)! / weights.at(-2)! > sums.at(-1)! / weights.at(-1)!) {
      const [sum, pooled] = [sums.pop()!, weights.pop()!];
      starts.pop();
      sums[sums.length - 1]! += sum;
      weights[weights.length - 1]! += pooled;
    }
  }
  for (let pool = 0; pool < starts.length; pool++) {
    const mean = sums[pool]! / weights[pool]!;
    const end = starts[pool + 1] ?? layer.length;
    for (let i = starts[pool]!; i < end; i++) x[layer[i]!] = mean + offsets[i]!;
  }
}

function target(vertex: number, x: Float64Array, sides: number[][][]): number {
  let [sum, count] = [0, 0];
  for (const side of sides) {
    for (const other of side[vertex]!) sum += x[other]!;
    count += side[vertex]!.length;
  }
  return count === 0 ? x[vertex]! : sum / count;
}
