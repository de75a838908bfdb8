// What an action does with the steps of a run, in words. What it does, the server says.
import type { Schemas } from "../../../api/call";

export type Action = Schemas["Action"];
export type Plan = Schemas["ActionPlan"];
type Effect = Schemas["Effect"];

const WORDS: Record<Effect, string> = {
  stops: "is stopped",
  skipped: "is skipped",
  runs: "runs",
  reused: "is reused",
  stays: "stays",
  goes: "is deleted",
};

/** Steps to which nothing happens come last. */
const QUIET: ReadonlySet<Effect> = new Set<Effect>(["stays", "reused"]);

export function isQuiet(effect: Effect): boolean {
  return QUIET.has(effect);
}

export function effectText(effect: Effect): string {
  return WORDS[effect];
}

/** What each action is called, as a title and on the button that does it. */
export const NAMES: Record<Action, { title: (run: string, step: string) => string; act: string; danger?: true }> = {
  abort: { title: (run) => `Abort ${run}?`, act: "Abort the run", danger: true },
  "abort step": { title: (_, step) => `Abort ${step}?`, act: "Abort the step", danger: true },
  "skip step": { title: (_, step) => `Skip ${step}?`, act: "Skip the step", danger: true },
  resume: { title: (run) => `Retry what failed in ${run}?`, act: "Let it go on" },
  rerun: { title: (run) => `Run ${run} again?`, act: "Start a new run" },
  "rerun from": { title: (_, step) => `Run again from ${step}?`, act: "Start a new run" },
  "rerun only": { title: (_, step) => `Run only ${step} again?`, act: "Start a new run" },
  archive: { title: (run) => `Archive ${run}?`, act: "Archive the run" },
  restore: { title: (run) => `Bring ${run} back?`, act: "Bring it back" },
  delete: { title: (run) => `Delete ${run}?`, act: "Delete the run", danger: true },
};

/** What somebody could do with a step while its run goes on or waits to. Whether it can be done, the server says. */
export function steeringOf(run: string, step: { status: string; since: number | null }): Action[] {
  if (run !== "in_progress" && run !== "queued") return [];
  const { status, since } = step;
  if (status === "running") return ["abort step"];
  if (status === "queued") return since === null ? ["skip step"] : ["skip step", "abort step"];
  const isTriedAnew = run === "queued" && ["failed", "aborted", "skipped"].includes(status);
  return status === "pending" || isTriedAnew ? ["skip step"] : [];
}

/** Return the tags in a text: words between commas, each once. */
export function tagsIn(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()))].filter(Boolean);
}
