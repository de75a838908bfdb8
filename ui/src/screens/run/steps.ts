// What a run's screen says of its steps: from the run as the server tells it, and nothing else.
import type { RunDetail, StepState } from "../../api/types";
import { isOver, lookOf } from "../../components/status";
import { durationText } from "../../components/time";
import type { GraphStep } from "../../graph/steps";

export type StepDefinition = RunDetail["definition"]["steps"][number];

/** Return the steps as the graph knows them. */
export function graphSteps(detail: RunDetail): GraphStep[] {
  const states = new Map(detail.steps.map((state) => [state.name, state]));
  return detail.definition.steps.map((step) => {
    const state = states.get(step.name);
    return {
      name: step.name,
      parents: step.parents,
      status: state?.status ?? "pending",
      stage: step.stage,
      code: step.code,
      attempt: state?.attempt ?? 0,
      started: state?.started ?? null,
      ended: state?.ended ?? null,
    };
  });
}

/** Return what decides how a graph is laid out: two runs with the same look the same. */
export function structureOf(steps: readonly GraphStep[]): string {
  return JSON.stringify(steps.map(({ name, parents, stage, code }) => [name, parents, stage, code]));
}

export function definitionOf(detail: RunDetail, name: string): StepDefinition | undefined {
  return detail.definition.steps.find((step) => step.name === name);
}

export function stateOf(detail: RunDetail, name: string): StepState | undefined {
  return detail.steps.find((state) => state.name === name);
}

/** Return why a step stands as it does, in a sentence; empty where the status says it all. */
export function reasonOf(detail: RunDetail, name: string, now: number): string {
  const state = stateOf(detail, name);
  if (!state) return "";
  const first = firstLine(state.reason);
  switch (state.status) {
    case "pending":
      return waitsFor(detail, name);
    case "queued":
      return queued(detail, state, first, now);
    case "cached":
      return first ? `reused: ${first}` : "reused: an equal execution stands for it";
    case "skipped":
      return first ? `skipped: ${first}` : "skipped";
    case "failed":
    case "aborted":
      return first;
    case "running":
      return state.attempt > 1 ? `attempt ${state.attempt}` : "";
    default:
      return "";
  }
}

function waitsFor(detail: RunDetail, name: string): string {
  const run = detail.run.task.status;
  if (run === "created") return "the run is a draft: it was not started yet";
  if (run === "queued") return `the run waits in ${detail.run.task.queue ?? "a queue"}`;
  if (isOver(run)) return "the run ended before its turn";
  const states = new Map(detail.steps.map((state) => [state.name, state]));
  const open = (definitionOf(detail, name)?.parents ?? []).filter(
    (parent) => !isOver(states.get(parent)?.status ?? ""),
  );
  const [one, two, ...more] = open;
  if (one === undefined) return "is about to start";
  if (two === undefined) return `waiting for ${one}`;
  return more.length ? `waiting for ${one}, ${two} and ${more.length} more` : `waiting for ${one} and ${two}`;
}

function queued(detail: RunDetail, state: StepState, reason: string, now: number): string {
  const queue = definitionOf(detail, state.name)?.queue ?? detail.definition.default_queue;
  const place = queue ? ` in ${queue}` : "";
  const since = state.started === null ? "" : ` ${durationText(now - state.started)}`;
  return `queued${since}${place}${reason ? `: ${reason}` : ""}`;
}

/** Return the step that a person should look at first, when the run did not go well. */
export function culprit(detail: RunDetail): StepState | undefined {
  const bad = detail.steps.filter((state) => state.status === "failed");
  const named = bad.find((state) => detail.run.task.message.includes(`'${state.name}'`));
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

/** Return the steps in an order in which each comes after its parents, with how deep it lies below the first ones. */
export function indented(steps: readonly GraphStep[]): { step: GraphStep; depth: number }[] {
  const depths = new Map<string, number>();
  const waiting = new Set(steps);
  const found: { step: GraphStep; depth: number }[] = [];
  for (let size = -1; waiting.size !== size && waiting.size > 0; ) {
    size = waiting.size;
    for (const step of waiting) {
      if (!step.parents.every((parent) => depths.has(parent))) continue;
      const depth = Math.max(0, ...step.parents.map((parent) => (depths.get(parent) ?? 0) + 1));
      depths.set(step.name, depth);
      waiting.delete(step);
      found.push({ step, depth });
    }
  }
  return [...found, ...[...waiting].map((step) => ({ step, depth: 0 }))];
}
