/** Leaves steps out of a graph, and joins what they stood between. */

import { neighbours, topological } from "./layers";
import { type GraphStep, numbered } from "./steps";

/** Return the steps that are not hidden; a hidden parent is replaced by its own parents. */
export function without<Step extends GraphStep>(
  steps: readonly Step[],
  isHidden: (step: Step) => boolean,
): (Step & { parents: readonly string[] })[] {
  const byName = numbered(steps);
  const edges = steps.flatMap((step, index) =>
    step.parents.flatMap((parent) => (byName.has(parent) ? [byName.get(parent)!, index] : [])),
  );
  const { up, down } = neighbours(steps.length, Int32Array.from(edges));
  const hidden = steps.map(isHidden);
  const seen: ReadonlySet<string>[] = [];
  for (const index of topological(up, down)) {
    seen[index] = new Set(
      up[index]!.flatMap((parent) => (hidden[parent] ? [...seen[parent]!] : [steps[parent]!.name])),
    );
  }
  return steps.flatMap((step, index) => (hidden[index] ? [] : [{ ...step, parents: [...seen[index]!] }]));
}
