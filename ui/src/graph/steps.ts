/** What the graph knows of a run's steps. The words of statuses are those of the server. */

export type StepStatus = "pending" | "queued" | "running" | "completed" | "cached" | "failed" | "aborted" | "skipped";

export interface GraphStep {
  name: string;
  parents: readonly string[];
  status: StepStatus;
  stage: string | null;
  /** What code it runs; steps of one mapped function share it. */
  code: string;
  attempt: number;
  /** Epoch seconds of the latest try. */
  started: number | null;
  ended: number | null;
}

/** From the least to the most worth a look: the status of a group is the last one that occurs in it. */
export const BY_URGENCY: readonly StepStatus[] = [
  "skipped",
  "cached",
  "completed",
  "pending",
  "queued",
  "aborted",
  "running",
  "failed",
];

/** Return how many steps stand in which status. */
export function counted(steps: readonly GraphStep[], members?: readonly number[]): Map<StepStatus, number> {
  const counts = new Map<StepStatus, number>();
  const add = (status: StepStatus) => counts.set(status, (counts.get(status) ?? 0) + 1);
  if (members) for (const member of members) add(steps[member]!.status);
  else for (const step of steps) add(step.status);
  return counts;
}

/** Return the status that stands for several steps. */
export function mostUrgent(counts: ReadonlyMap<StepStatus, number>): StepStatus {
  return BY_URGENCY.findLast((status) => counts.has(status)) ?? "pending";
}

/** Return the number of each step by its name. */
export function numbered(steps: readonly GraphStep[]): Map<string, number> {
  return new Map(steps.map((step, index) => [step.name, index]));
}

/** Return how long the latest try of a step has taken, in seconds; null before it began. */
export function seconds(step: GraphStep, now: number): number | null {
  return step.started === null ? null : Math.max(0, (step.ended ?? now) - step.started);
}
