// What a run's screen says of its steps, in sentences.
import { isOver, lookOf } from "../../components/status";
import { durationText } from "../../components/time";
import type { GraphStep } from "../../graph/steps";
import type { RunView, StepView } from "./view";

export function stepOf(view: RunView, name: string): StepView | undefined {
  return view.steps.find((step) => step.name === name);
}

/** Return why a step stands as it does, in a sentence; empty where the status says it all. */
export function reasonOf(step: StepView, now: number): string {
  const { text } = step.why;
  switch (step.status) {
    case "queued":
      return queued(step, now);
    case "cached":
      return step.why.name ? `reused from ${step.why.name}` : text;
    case "completed":
      return "";
    case "failed":
    case "aborted":
      return text.replace(/^(?:failed|was aborted|was stopped): /, "");
    case "running":
      return step.agent ? `on ${step.agent}` : step.attempt > 1 ? text : "";
    default:
      return text.replace(/^was skipped: /, "skipped: ");
  }
}

function queued({ queue, since, why }: StepView, now: number): string {
  if (!queue) return why.text;
  const [, rest] = /^waits in queue [^:]*: (.*)$/s.exec(why.text) ?? [];
  const wait = since === null ? "" : ` ${durationText(now - since)}`;
  return `queued${wait} in ${queue}${rest ? `: ${rest}` : ""}`;
}

/** Return the step that a person should look at first, when the run did not go well. */
export function culprit(view: RunView): StepView | undefined {
  const bad = view.steps.filter((step) => step.status === "failed");
  const named = bad.find((step) => view.run.task.message.includes(`'${step.name}'`));
  return named ?? bad.sort((a, b) => (a.ended ?? 0) - (b.ended ?? 0))[0];
}

/** Return the first line of a text that says something. */
export function firstLine(text: string): string {
  return (
    text
      .split("\n")
      .find((line) => line.trim() !== "")
      ?.trim() ?? ""
  );
}

/** Return how many steps stand in which status, in words: `6 completed, 1 failed`. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count.toLocaleString("en")} ${lookOf(status).word.toLowerCase()}`)
    .join(", ");
}

/** Return whether the run goes on, so that times move and more may come. */
export function isLive({ run }: RunView): boolean {
  return !isOver(run.task.status);
}

/** Return the steps in an order in which each comes after its parents, with how deep it lies below the first ones. */
export function indented<Step extends GraphStep>(steps: readonly Step[]): { step: Step; depth: number }[] {
  const depths = new Map<string, number>();
  const here = new Set(steps.map((step) => step.name));
  const waiting = new Set(steps);
  const found: { step: Step; depth: number }[] = [];
  for (let size = -1; waiting.size !== size && waiting.size > 0; ) {
    size = waiting.size;
    for (const step of waiting) {
      const parents = step.parents.filter((parent) => here.has(parent));
      if (!parents.every((parent) => depths.has(parent))) continue;
      const depth = Math.max(0, ...parents.map((parent) => (depths.get(parent) ?? 0) + 1));
      depths.set(step.name, depth);
      waiting.delete(step);
      found.push({ step, depth });
    }
  }
  return [...found, ...[...waiting].map((step) => ({ step, depth: 0 }))];
}
