/** Ways through a run that matter: the one that decided how long it took, and the one that led to a failure. */

import { type GraphStep, numbered } from "./steps";

const BAD = new Set(["failed", "aborted"]);

/** Return the names on the critical path, from its first step to the one that ended last.
 *
 *  Back from the step that ended last, it goes to the parent that ended last: nothing else kept the step waiting. */
export function criticalPath(steps: readonly GraphStep[], now: number): string[] {
  const byName = numbered(steps);
  const end = (step: GraphStep) => (step.started === null ? -Infinity : (step.ended ?? now));
  const last = (of: GraphStep[]) =>
    of.reduce<GraphStep | null>((best, one) => (end(one) > (best ? end(best) : -Infinity) ? one : best), null);
  const path: string[] = [];
  for (let step = last([...steps]); step; ) {
    path.unshift(step.name);
    step = last(step.parents.flatMap((name) => (byName.has(name) ? [steps[byName.get(name)!]!] : [])));
    if (step && path.includes(step.name)) break;
  }
  return path;
}

/** Return the names of what failed or was aborted, of all above that led there, and of all below that was skipped. */
export function failurePath(steps: readonly GraphStep[]): Set<string> {
  const byName = numbered(steps);
  const bad = steps.filter((step) => BAD.has(step.status)).map((step) => step.name);
  const path = new Set(bad);
  const queue = [...bad];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const parent of steps[byName.get(name)!]!.parents) {
      if (path.has(parent) || !byName.has(parent)) continue;
      path.add(parent);
      queue.push(parent);
    }
  }
  const struck = new Set(bad);
  for (let grew = bad.length > 0; grew; ) {
    grew = false;
    for (const step of steps) {
      if (step.status !== "skipped" || struck.has(step.name)) continue;
      if (!step.parents.some((parent) => struck.has(parent))) continue;
      struck.add(step.name);
      grew = true;
    }
  }
  return new Set([...path, ...struck]);
}
