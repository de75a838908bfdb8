import { describe, expect, it } from "vitest";
import { neighbours, ranksOf } from "./layers";
import { layout } from "./layout";

const BOX = [200, 40];

function graph(nodes: number, edges: [number, number][]) {
  return {
    sizes: Float64Array.from(Array.from({ length: nodes }, () => BOX).flat()),
    edges: Int32Array.from(edges.flat()),
  };
}

/** A repeatable stream of numbers below 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

function layeredGraph(nodes: number, width: number) {
  const random = numbers(7);
  const edges: [number, number][] = [];
  for (let node = width; node < nodes; node++) {
    const row = Math.floor(node / width) * width;
    const first = row - width + Math.floor(random() * width);
    const second = row - width + Math.floor(random() * width);
    edges.push([first, node]);
    if (second !== first) edges.push([second, node]);
  }
  return graph(nodes, edges);
}

describe("ranks", () => {
  it("put each node below all that it needs", () => {
    const { edges, sizes } = layeredGraph(400, 20);
    const ranks = ranksOf(sizes.length / 2, edges);
    for (let e = 0; e < edges.length; e += 2) expect(ranks[edges[e + 1]!]).toBeGreaterThan(ranks[edges[e]!]!);
  });

  it("move a node that only begins down to where it is needed", () => {
    const ranks = ranksOf(4, Int32Array.from([0, 1, 1, 2, 3, 2]));
    expect([...ranks]).toEqual([0, 1, 2, 1]);
  });

  it("refuse a cycle", () => {
    expect(() => ranksOf(2, Int32Array.from([0, 1, 1, 0]))).toThrow("cycle");
  });
});

describe("a layout", () => {
  it("of nothing is empty", () => {
    const found = layout(graph(0, []));
    expect([found.width, found.height, found.crossings]).toEqual([0, 0, 0]);
  });

  it("puts a chain into one straight column", () => {
    const found = layout(
      graph(3, [
        [0, 1],
        [1, 2],
      ]),
    );
    expect(new Set(found.x).size).toBe(1);
    expect(found.y[1]).toBeGreaterThan(found.y[0]! + 40);
    expect(found.width).toBe(200);
  });

  it("never lets two boxes touch", () => {
    const input = layeredGraph(300, 15);
    const found = layout(input);
    const touching: string[] = [];
    for (let a = 0; a < 300; a++) {
      for (let b = a + 1; b < 300; b++) {
        const apart = Math.abs(found.x[a]! - found.x[b]!) >= 200 || Math.abs(found.y[a]! - found.y[b]!) >= 40;
        if (!apart) touching.push(`${a} and ${b}`);
      }
    }
    expect(touching).toEqual([]);
  });

  it("draws no crossing where none is needed", () => {
    const crossed: [number, number][] = [
      [0, 5],
      [1, 4],
      [2, 3],
    ];
    expect(layout(graph(6, crossed)).crossings).toBe(0);
  });

  it("finds the only order without crossings of two complete trees that begin mixed up", () => {
    const tree: [number, number][] = [
      [0, 2],
      [1, 3],
      [0, 4],
      [1, 5],
      [2, 6],
      [3, 7],
      [4, 8],
      [5, 9],
      [2, 11],
      [3, 10],
    ];
    expect(layout(graph(12, tree)).crossings).toBe(0);
  });

  it("starts each edge below its parent, ends it above its child, and passes no box between them", () => {
    const found = layout(
      graph(4, [
        [0, 1],
        [1, 2],
        [2, 3],
        [0, 3],
      ]),
    );
    const route = found.routes.slice(found.starts[3], found.starts[4]);
    expect([route[0], route[1]]).toEqual([found.x[0]! + 100, found.y[0]! + 40]);
    expect([route.at(-2), route.at(-1)]).toEqual([found.x[3]! + 100, found.y[3]!]);
    for (const box of [1, 2]) {
      for (let i = 2; i < route.length - 2; i += 2) {
        const beside = route[i]! <= found.x[box]! || route[i]! >= found.x[box]! + 200;
        expect(beside).toBe(true);
      }
    }
  });

  it("of a wide box keeps its neighbours away", () => {
    const input = graph(3, [
      [0, 1],
      [0, 2],
    ]);
    input.sizes[2] = 900;
    const found = layout(input);
    const [left, right] = found.x[1]! < found.x[2]! ? [1, 2] : [2, 1];
    expect(found.x[right]! - found.x[left]!).toBeGreaterThanOrEqual(input.sizes[2 * left]!);
  });

  it("is the same whenever it is made", () => {
    expect(layout(layeredGraph(200, 10))).toEqual(layout(layeredGraph(200, 10)));
  });

  it("of 5,000 chained nodes that all lead to the last one is still found", () => {
    const edges: [number, number][] = [];
    for (let node = 0; node + 1 < 5_000; node++) edges.push([node, node + 1], [node, 4_999]);
    const found = layout(graph(5_000, edges.slice(0, -1)));
    expect(found.height).toBeGreaterThan(5_000 * 40);
  });

  it("refuses an edge to a node that is not there", () => {
    expect(() => layout(graph(1, [[0, 1]]))).toThrow("not there");
  });
});

describe("neighbours", () => {
  it("are known in both directions", () => {
    expect(neighbours(3, Int32Array.from([0, 1, 0, 2]))).toEqual({ up: [[], [0], [0]], down: [[1, 2], [], []] });
  });
});
