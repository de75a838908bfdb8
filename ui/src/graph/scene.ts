/** What there is to see: boxes for steps and groups at their places, and the lines between them. */

import { type Grouping, grouped, type Item } from "./group";
import type { LayoutInput } from "./layers";
import type { Layout } from "./layout";
import { counted, type GraphStep, mostUrgent, type StepStatus } from "./steps";

export const BOX = { width: 196, height: 44 };
const GROUP = { width: 212, height: 58 };
const CELL = { width: 148, height: 32, gap: 6, head: 38, padding: 10 };

export interface Box {
  key: string;
  label: string;
  kind: "step" | "stage" | "mapped" | "cell" | "frame";
  /** Numbers of its steps. */
  members: number[];
  x: number;
  y: number;
  width: number;
  height: number;
  /** Keys of the boxes that lines lead to it from, and from it to. */
  up: string[];
  down: string[];
}

export interface Line {
  from: string;
  to: string;
  points: Float64Array;
}

export interface Scene {
  boxes: Box[];
  byKey: Map<string, Box>;
  /** The key of the box that shows each step. */
  boxOf: string[];
  lines: Line[];
  width: number;
  height: number;
}

export interface Plan {
  items: Item[];
  edges: [number, number][];
  input: LayoutInput;
}

/** Return what is to be laid out of a run's steps. */
export function planned(steps: readonly GraphStep[], how: Grouping): Plan {
  const { items, edges } = grouped(steps, how);
  const sizes = items.flatMap((item) => {
    const { width, height } = sizeOf(item);
    return [width, height];
  });
  return { items, edges, input: { sizes: Float64Array.from(sizes), edges: Int32Array.from(edges.flat()) } };
}

function sizeOf(item: Item): { width: number; height: number } {
  if (item.kind === "step") return BOX;
  if (!item.open) return GROUP;
  const columns = columnsOf(item.members.length);
  const rows = Math.ceil(item.members.length / columns);
  return {
    width: columns * (CELL.width + CELL.gap) - CELL.gap + 2 * CELL.padding,
    height: rows * (CELL.height + CELL.gap) - CELL.gap + CELL.head + CELL.padding,
  };
}

function columnsOf(members: number): number {
  return Math.max(1, Math.ceil(Math.sqrt(members / 3)));
}

/** Return what a plan looks like once it was laid out. */
export function sceneOf(steps: readonly GraphStep[], plan: Plan, layout: Layout): Scene {
  const boxes = plan.items.map(
    (item, index): Box => ({
      key: item.key,
      label: item.label,
      kind: item.open ? "frame" : item.kind,
      members: item.members,
      x: layout.x[index]!,
      y: layout.y[index]!,
      width: plan.input.sizes[2 * index]!,
      height: plan.input.sizes[2 * index + 1]!,
      up: [],
      down: [],
    }),
  );
  const lines = plan.edges.map(([from, to], index): Line => {
    const [above, below] = [boxes[from]!, boxes[to]!];
    above.down.push(below.key);
    below.up.push(above.key);
    return {
      from: above.key,
      to: below.key,
      points: layout.routes.slice(layout.starts[index], layout.starts[index + 1]),
    };
  });
  for (const frame of boxes.filter((box) => box.kind === "frame")) boxes.push(...cells(steps, frame));
  const byKey = new Map(boxes.map((box) => [box.key, box]));
  const boxOf: string[] = Array.from({ length: steps.length }, () => "");
  for (const box of boxes) for (const member of box.members) boxOf[member] = box.key;
  return { boxes, byKey, boxOf, lines, width: layout.width, height: layout.height };
}

function cells(steps: readonly GraphStep[], frame: Box): Box[] {
  const columns = columnsOf(frame.members.length);
  return frame.members.map((member, index) => ({
    key: steps[member]!.name,
    label: steps[member]!.name,
    kind: "cell" as const,
    members: [member],
    x: frame.x + CELL.padding + (index % columns) * (CELL.width + CELL.gap),
    y: frame.y + CELL.head + Math.floor(index / columns) * (CELL.height + CELL.gap),
    width: CELL.width,
    height: CELL.height,
    up: frame.up,
    down: frame.down,
  }));
}

/** Return the status that a box shows. */
export function statusOf(steps: readonly GraphStep[], box: Box): StepStatus {
  return box.members.length === 1 ? steps[box.members[0]!]!.status : mostUrgent(counted(steps, box.members));
}

export type Direction = "up" | "down" | "left" | "right";

/** Return the key of the box that an arrow key leads to: along a line, or to the neighbour beside; null for none. */
export function walk(scene: Scene, from: string, direction: Direction): string | null {
  const box = scene.byKey.get(from);
  if (!box) return null;
  const middle = (one: Box) => one.x + one.width / 2;
  const nearest = (ones: Box[]) =>
    ones.reduce<Box | null>((best, one) => {
      const nearer = !best || Math.abs(middle(one) - middle(box)) < Math.abs(middle(best) - middle(box));
      return nearer ? one : best;
    }, null);
  if (direction === "up" || direction === "down") {
    const keys = direction === "up" ? box.up : box.down;
    return nearest(keys.map((key) => scene.byKey.get(key)!))?.key ?? null;
  }
  const sign = direction === "left" ? -1 : 1;
  const row = scene.boxes.filter(
    (one) =>
      one.kind !== "frame" &&
      one.y < box.y + box.height &&
      one.y + one.height > box.y &&
      Math.sign(middle(one) - middle(box)) === sign,
  );
  return nearest(row)?.key ?? null;
}
