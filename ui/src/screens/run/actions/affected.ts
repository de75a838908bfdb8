// What an action on a run does with each step, as far as the page knows it by itself.
import type { Schemas } from "../../../api/call";
import { isOver } from "../../../components/status";
import type { RunView } from "../view";
import type { Affected } from "./Affected";

/** Return what becomes of the steps when the run is aborted. */
export function ofAbort(view: RunView): Affected[] {
  return view.steps.map(({ name, status }) => {
    if (isOver(status)) return { step: name, what: "stays", changes: false };
    const launched = status === "running" || status === "queued";
    return { step: name, what: launched ? "is aborted" : "is skipped", changes: true };
  });
}

const WORDS: Record<Schemas["Treatment"], string> = { run: "runs", reuse: "is reused", skip: "is left out" };

/** Return what becomes of the steps in a rerun, as the server plans it. */
export function ofRerun(plan: Schemas["RerunPlan"]): Affected[] {
  return plan.steps.map(({ step, treatment, why }) => ({
    step,
    what: WORDS[treatment],
    why,
    changes: treatment === "run",
  }));
}

/** Return what becomes of the steps when the run is deleted with all that it recorded. */
export function ofDelete(view: RunView): Affected[] {
  return view.steps
    .filter((state) => state.task !== null)
    .map(({ name }) => ({ step: name, what: "is deleted, with its outputs", changes: true }));
}

/** Return the tags in a text: words between commas, each once. */
export function tagsIn(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()))].filter(Boolean);
}
