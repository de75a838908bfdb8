// What a change concerns: which queries of the cache have to be asked again, and which can be corrected at once.
import type { QueryClient } from "@tanstack/react-query";
import type { Change, RunDetail, StepState } from "../api/types";

/** Operations that list things: they are asked again whenever a change of one of these kinds comes. */
const LISTS: Readonly<Record<string, readonly Change["kind"][]>> = {
  ListRuns: ["status", "deleted", "stop asked", "described"],
  SearchRuns: ["status", "deleted", "stop asked", "described"],
  ListPipelines: ["status", "deleted", "described"],
  ListFailures: ["status", "deleted", "described"],
  SearchTasks: ["status", "deleted", "described"],
  ListTasks: ["status", "deleted", "described"],
  ListProjects: ["described"],
  ListQueues: ["queue", "status", "agent"],
  ListEntries: ["queue", "status"],
  ListAgents: ["agent", "status"],
  ListTagLimits: ["limit", "status"],
  FindModels: ["model", "deleted"],
  ListUsers: ["access"],
  ListKeys: ["access"],
};

/** Let a list of an operation be asked again with every change of these kinds. */
export function relist(op: string, ...kinds: Change["kind"][]): void {
  lists.set(op, kinds);
}
const lists = new Map<string, readonly Change["kind"][]>(Object.entries(LISTS));

/** Return whether a query has to be asked again after changes: it lists such things, or one of them is named in it. */
export function isConcerned(key: readonly unknown[], changes: readonly Change[]): boolean {
  const kinds = typeof key[0] === "string" ? lists.get(key[0]) : undefined;
  if (kinds && changes.some((one) => kinds.includes(one.kind) && isOfList(one))) return true;
  const named = new Set<unknown>(words(key[1]));
  return changes.some((one) => [one.run, one.task, one.place].some((name) => name && named.has(name)));
}

/** Lists of runs say nothing of a single attempt but its status among the counts; they hear of these, too. */
function isOfList(change: Change): boolean {
  return change.kind !== "step" || change.run !== null;
}

function words(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(words);
  if (value && typeof value === "object") return Object.values(value).flatMap(words);
  return [value];
}

const OF_STATUS: Readonly<Record<string, StepState["status"]>> = {
  created: "queued",
  queued: "queued",
  in_progress: "running",
  completed: "completed",
  published: "completed",
  failed: "failed",
  stopped: "aborted",
};

/** Correct what is shown of a run at once; the rest comes when it is asked for again. */
export function patchRun(client: QueryClient, changes: readonly Change[]): void {
  for (const run of new Set(changes.map((one) => one.run))) {
    if (!run) continue;
    const own = changes.filter((one) => one.run === run);
    client.setQueriesData<RunDetail>({ queryKey: ["GetRun", { id: run }] }, (old) => old && own.reduce(patched, old));
  }
}

/** Return a run as it is after a change. */
export function patched(detail: RunDetail, change: Change): RunDetail {
  if (change.kind === "status" && change.task === detail.run.task.id) {
    const task = { ...detail.run.task, status: change.status as RunDetail["run"]["task"]["status"] };
    return { ...detail, run: { ...detail.run, task } };
  }
  const status = change.kind === "step" ? (change.status as StepState["status"]) : OF_STATUS[change.status];
  if (!change.step || !status || (change.kind !== "step" && change.kind !== "status")) return detail;
  const place = detail.steps.findIndex((one) => one.name === change.step);
  const step = detail.steps[place];
  if (!step || change.attempt < step.attempt) return detail;
  const times = {
    started: status === "running" ? change.at : step.started,
    ended: status === "running" || status === "queued" || status === "pending" ? null : change.at,
  };
  const steps = detail.steps.with(place, { ...step, ...times, status, attempt: change.attempt || step.attempt });
  const counts: Record<string, number> = {};
  for (const one of steps) counts[one.status] = (counts[one.status] ?? 0) + 1;
  return { ...detail, steps, run: { ...detail.run, counts } };
}
