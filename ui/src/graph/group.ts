/** Steps that are drawn as one: those of a stage, and siblings that were made by mapping one function. */

import { neighbours, ranksOf, topological } from "./layers";
import { type GraphStep, numbered } from "./steps";

/** More siblings, or steps of one stage, than these are drawn as one unless somebody opens them. */
export const SIBLINGS = 60;

export interface Item {
  /** Unique in the graph: a step's name, or `stage:…` or `mapped:…`. */
  key: string;
  label: string;
  kind: "step" | "stage" | "mapped";
  /** Numbers of its steps. */
  members: number[];
  /** Whether the steps of a group are shown, in a grid. */
  open: boolean;
}

export interface Grouped {
  items: Item[];
  /** From item to item, each once. */
  edges: [number, number][];
  itemOf: Int32Array;
}

export interface Grouping {
  /** Whether every stage is drawn as one, or only those with many steps. */
  stages: boolean;
  /** Keys of groups that somebody opened. */
  open: ReadonlySet<string>;
}

/** Return what is drawn of a run's steps. Stages that would make a cycle are left as they are. */
export function grouped(steps: readonly GraphStep[], how: Grouping): Grouped {
  const byName = numbered(steps);
  const edges = steps.flatMap((step, index) =>
    step.parents.flatMap((parent) => (byName.has(parent) ? [[byName.get(parent)!, index] as [number, number]] : [])),
  );
  const items = steps.map(
    (step, index): Item => ({
      key: step.name,
      label: step.name,
      kind: "step",
      members: [index],
      open: false,
    }),
  );
  let found: Grouped = { items, edges, itemOf: Int32Array.from(steps.keys()) };
  for (const [stage, members] of stagesOf(steps)) {
    const key = `stage:${stage}`;
    if (members.length < 2 || how.open.has(key) || !(how.stages || members.length > SIBLINGS)) continue;
    const joined = join(found, [{ key, label: stage, kind: "stage", members, open: false }]);
    if (!hasCycle(joined)) found = joined;
  }
  return withMapped(found, steps, how.open);
}

function stagesOf(steps: readonly GraphStep[]): Map<string, number[]> {
  const stages = new Map<string, number[]>();
  steps.forEach(({ stage }, index) => {
    if (stage === null || stage === "") return;
    listed(stages, stage).push(index);
  });
  return stages;
}

/** Join siblings from above to below, so that children of what was joined become siblings too. */
function withMapped(start: Grouped, steps: readonly GraphStep[], open: ReadonlySet<string>): Grouped {
  let found = start;
  let rows = rowsOf(found);
  for (let rank = 0; rank < rows.length; rank++) {
    const groups = alike(found, steps, rows[rank]!, SIBLINGS);
    if (groups.length === 0) continue;
    found = join(
      found,
      groups.map((members) => mappedItem(steps, members, open)),
    );
    rows = rowsOf(found);
  }
  return found;
}

function mappedItem(steps: readonly GraphStep[], members: number[], open: ReadonlySet<string>): Item {
  const first = steps[members[0]!]!.name;
  const key = `mapped:${first}`;
  const label = stem(first).replace(/[\s_\-.:[(#]+[\])]?$/, "") || first;
  return { key, label, kind: "mapped", members, open: open.has(key) };
}

/** Return the items of each rank, with the keys of what is above them. */
function rowsOf(graph: Grouped): { index: number; above: number[] }[][] {
  const flat = Int32Array.from(graph.edges.flat());
  const { up } = neighbours(graph.items.length, flat);
  const rows: { index: number; above: number[] }[][] = [];
  ranksOf(graph.items.length, flat).forEach((rank, index) => {
    rows[rank] ??= [];
    rows[rank].push({ index, above: up[index]!.sort((a, b) => a - b) });
  });
  return rows;
}

/** Return the steps of one rank that are alike, where there are more than `least` of them. */
function alike(
  graph: Grouped,
  steps: readonly GraphStep[],
  row: { index: number; above: number[] }[],
  least: number,
): number[][] {
  if (row.length <= least) return [];
  const kinds = new Map<string, number[]>();
  for (const { index, above } of row) {
    const item = graph.items[index]!;
    if (item.kind !== "step") continue;
    const step = steps[item.members[0]!]!;
    listed(kinds, JSON.stringify([stem(step.name), step.code, above])).push(item.members[0]!);
  }
  return [...kinds.values()].filter((members) => members.length > least);
}

function listed<K>(lists: Map<K, number[]>, key: K): number[] {
  const found = lists.get(key) ?? [];
  lists.set(key, found);
  return found;
}

/** Return the name without the number by which it differs from its siblings. */
export function stem(name: string): string {
  return name.replace(/\d+(?!.*\d)/, "");
}

function join(graph: Grouped, groups: Item[]): Grouped {
  const target = new Map<number, Item>();
  for (const group of groups) for (const member of group.members) target.set(member, group);
  const items: Item[] = [];
  const placeOf = new Map<string, number>();
  const itemOf = new Int32Array(graph.itemOf.length);
  graph.itemOf.forEach((old, step) => {
    const item = target.get(step) ?? graph.items[old]!;
    if (!placeOf.has(item.key)) placeOf.set(item.key, items.push(item) - 1);
    itemOf[step] = placeOf.get(item.key)!;
  });
  const seen = new Set<number>();
  const edges: [number, number][] = [];
  for (const [from, to] of graph.edges) {
    const [above, below] = [itemOf[graph.items[from]!.members[0]!]!, itemOf[graph.items[to]!.members[0]!]!];
    const id = above * items.length + below;
    if (above === below || seen.has(id)) continue;
    seen.add(id);
    edges.push([above, below]);
  }
  return { items, edges, itemOf };
}

function hasCycle(graph: Grouped): boolean {
  const { up, down } = neighbours(graph.items.length, Int32Array.from(graph.edges.flat()));
  try {
    topological(up, down);
    return false;
  } catch {
    return true;
  }
}
