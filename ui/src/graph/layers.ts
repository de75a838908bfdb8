/** Ranks of a graph, and its layers: real nodes, and between distant ones placeholders that an edge runs through. */

/** A graph by numbers: node `i` has the box `sizes[2i] × sizes[2i+1]`; edge `e` goes `edges[2e]` → `edges[2e+1]`. */
export interface LayoutInput {
  sizes: Float64Array;
  edges: Int32Array;
}

export interface Layered {
  /** How many of the vertices are nodes; those behind them are placeholders. */
  nodes: number;
  ranks: Int32Array;
  layers: number[][];
  up: number[][];
  down: number[][];
  /** For each edge the placeholders that it runs through, from above; edges of one node share them. */
  bends: number[][];
}

/** So many placeholders are made at the most; edges beyond them are drawn in one stroke. */
const PLACEHOLDERS = 40_000;

/** Return the rank of each node: the longest way to it from above, with nodes that only begin moved down to where
 *  they are needed. Throws when the edges form a cycle. */
export function ranksOf(nodes: number, edges: Int32Array): Int32Array {
  const { up, down } = neighbours(nodes, edges);
  const ranks = new Int32Array(nodes);
  const order = topological(up, down);
  for (const node of order) {
    for (const child of down[node]!) ranks[child] = Math.max(ranks[child]!, ranks[node]! + 1);
  }
  for (const node of order) {
    if (up[node]!.length > 0 || down[node]!.length === 0) continue;
    ranks[node] = Math.min(...down[node]!.map((child) => ranks[child]!)) - 1;
  }
  return ranks;
}

/** Return the nodes so that each comes after all above it. Throws when the edges form a cycle. */
export function topological(up: number[][], down: number[][]): number[] {
  const open = up.map((above) => above.length);
  const order: number[] = [];
  for (const [node, count] of open.entries()) if (count === 0) order.push(node);
  for (let at = 0; at < order.length; at++) {
    for (const child of down[order[at]!]!) if (--open[child]! === 0) order.push(child);
  }
  if (order.length < up.length) throw new Error("the steps form a cycle");
  return order;
}

/** Return who is above and below each node. */
export function neighbours(nodes: number, edges: Int32Array): { up: number[][]; down: number[][] } {
  const up: number[][] = Array.from({ length: nodes }, () => []);
  const down: number[][] = Array.from({ length: nodes }, () => []);
  for (let e = 0; e < edges.length; e += 2) {
    down[edges[e]!]!.push(edges[e + 1]!);
    up[edges[e + 1]!]!.push(edges[e]!);
  }
  return { up, down };
}

/** Put nodes into layers by rank, and placeholders where an edge passes a layer. */
export function layered(nodes: number, edges: Int32Array): Layered {
  const ranks = Array.from(ranksOf(nodes, edges));
  const up: number[][] = Array.from({ length: nodes }, () => []);
  const down: number[][] = Array.from({ length: nodes }, () => []);
  const chains = new Map<number, number[]>();
  const join = (above: number, below: number): void => {
    down[above]!.push(below);
    up[below]!.push(above);
  };
  const bends: number[][] = [];
  for (let e = 0; e < edges.length; e += 2) {
    const [from, to] = [edges[e]!, edges[e + 1]!];
    const span = ranks[to]! - ranks[from]! - 1;
    const chain = chains.get(from) ?? [];
    chains.set(from, chain);
    if (ranks.length - nodes + span - chain.length > PLACEHOLDERS) {
      bends.push([]);
      continue;
    }
    while (chain.length < span) {
      const vertex = ranks.length;
      ranks.push(ranks[from]! + chain.length + 1);
      up.push([]);
      down.push([]);
      join(chain.at(-1) ?? from, vertex);
      chain.push(vertex);
    }
    join(span > 0 ? chain[span - 1]! : from, to);
    bends.push(chain.slice(0, span));
  }
  return { nodes, ranks: Int32Array.from(ranks), layers: initialLayers(ranks, up, down), up, down, bends };
}

/** Fill layers in the order of a depth-first walk from above, so that what belongs together begins side by side. */
function initialLayers(ranks: number[], up: number[][], down: number[][]): number[][] {
  const depth = ranks.reduce((most, rank) => Math.max(most, rank), -1) + 1;
  const layers: number[][] = Array.from({ length: depth }, () => []);
  const seen = new Uint8Array(ranks.length);
  const stack: number[] = [];
  const visit = (start: number): void => {
    stack.push(start);
    while (stack.length > 0) {
      const vertex = stack.pop()!;
      if (seen[vertex]) continue;
      seen[vertex] = 1;
      layers[ranks[vertex]!]!.push(vertex);
      for (let i = down[vertex]!.length - 1; i >= 0; i--) stack.push(down[vertex]![i]!);
    }
  };
  for (let vertex = 0; vertex < ranks.length; vertex++) if (up[vertex]!.length === 0) visit(vertex);
  return layers;
}
