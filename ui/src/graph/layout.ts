/** A layered layout, from above to below, as a pure function of boxes and edges. It knows of no page and no run. */

import { type Layered, type LayoutInput, layered } from "./layers";
import { ordered } from "./order";
import { GAP, placed } from "./place";

export type { LayoutInput } from "./layers";

export interface Layout {
  /** The upper left corner of each box. */
  x: Float64Array;
  y: Float64Array;
  width: number;
  height: number;
  /** The points of edge `e` are those from `starts[e]` to `starts[e+1]`, as x and y in turns. From the first to the
   *  second an edge bends, from there to the third it goes straight down past a layer, and so on. */
  routes: Float64Array;
  starts: Int32Array;
  crossings: number;
}

/** Lay a graph out. Throws when its edges form a cycle or name a node that is not there. */
export function layout(input: LayoutInput): Layout {
  const nodes = input.sizes.length / 2;
  if (input.edges.some((node) => node < 0 || node >= nodes)) throw new Error("an edge names a node that is not there");
  const graph = layered(nodes, input.edges);
  const { layers, crossings } = ordered(graph);
  const widths = new Float64Array(graph.ranks.length);
  for (let node = 0; node < nodes; node++) widths[node] = input.sizes[2 * node]!;
  const middles = placed(graph, layers, widths);
  const rows = rowsOf(graph, layers, input.sizes);
  return { ...drawn(graph, input, middles, widths, rows), crossings };
}

interface Rows {
  tops: Float64Array;
  heights: Float64Array;
  height: number;
}

function rowsOf(graph: Layered, layers: number[][], sizes: Float64Array): Rows {
  const [tops, heights] = [new Float64Array(layers.length), new Float64Array(layers.length)];
  let top = 0;
  layers.forEach((layer, rank) => {
    tops[rank] = top;
    for (const vertex of layer) {
      if (vertex < graph.nodes) heights[rank] = Math.max(heights[rank]!, sizes[2 * vertex + 1]!);
    }
    top += heights[rank]! + GAP.y;
  });
  return { tops, heights, height: Math.max(0, top - GAP.y) };
}

function drawn(graph: Layered, input: LayoutInput, middles: Float64Array, widths: Float64Array, rows: Rows) {
  let [left, right] = [Infinity, -Infinity];
  middles.forEach((middle, vertex) => {
    left = Math.min(left, middle - widths[vertex]! / 2);
    right = Math.max(right, middle + widths[vertex]! / 2);
  });
  if (graph.nodes === 0) [left, right] = [0, 0];
  const [x, y] = [new Float64Array(graph.nodes), new Float64Array(graph.nodes)];
  for (let node = 0; node < graph.nodes; node++) {
    const rank = graph.ranks[node]!;
    x[node] = middles[node]! - widths[node]! / 2 - left;
    y[node] = rows.tops[rank]! + (rows.heights[rank]! - input.sizes[2 * node + 1]!) / 2;
  }
  const edges = input.edges.length / 2;
  const starts = new Int32Array(edges + 1);
  const points: number[] = [];
  for (let e = 0; e < edges; e++) {
    const [from, to] = [input.edges[2 * e]!, input.edges[2 * e + 1]!];
    points.push(middles[from]! - left, y[from]! + input.sizes[2 * from + 1]!);
    for (const bend of graph.bends[e]!) {
      const [at, rank] = [middles[bend]! - left, graph.ranks[bend]!];
      points.push(at, rows.tops[rank]!, at, rows.tops[rank]! + rows.heights[rank]!);
    }
    points.push(middles[to]! - left, y[to]!);
    starts[e + 1] = points.length;
  }
  return { x, y, width: right - left, height: rows.height, routes: Float64Array.from(points), starts };
}
