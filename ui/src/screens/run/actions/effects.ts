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
  resume: { title: (run) => `Retry what failed in ${run}?`, act: "Let it go on" },
  rerun: { title: (run) => `Run ${run} again?`, act: "Start a new run" },
  "rerun from": { title: (_, step) => `Run again from ${step}?`, act: "Start a new run" },
  "rerun only": { title: (_, step) => `Run only ${step} again?`, act: "Start a new run" },
  archive: { title: (run) => `Archive ${run}?`, act: "Archive the run" },
  restore: { title: (run) => `Bring ${run} back?`, act: "Bring it back" },
  delete: { title: (run) => `Delete ${run}?`, act: "Delete the run", danger: true },
};

/** Return the tags in a text: words between commas, each once. */
export function tagsIn(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()))].filter(Boolean);
}
