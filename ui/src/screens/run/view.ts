// A run as its screen shows it. The server leaves out what is as it always is; here everything has its place.
import { keepPreviousData, type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../api/call";
import { opQuery } from "../../api/queries";
import type { Run, StepStatus } from "../../api/types";
import { useAgentComes } from "../../components/agents";

export interface Why {
  text: string;
  /** The steps that it waits for, or in which the cause lies. */
  steps: readonly string[];
  /** The run that it was reused from, and its name. */
  run: string;
  name: string;
  /** The command that helps. */
  help: string;
}

/** An attempt before the latest one. */
export interface EarlierTry {
  attempt: number;
  task: string;
  status: string;
  started: number | null;
  ended: number | null;
  message: string;
}

export interface StepView {
  name: string;
  status: StepStatus;
  parents: readonly string[];
  /** Steps that run the same code have the same text here. */
  code: string;
  stage: string | null;
  attempt: number;
  task: string | null;
  started: number | null;
  ended: number | null;
  queue: string | null;
  /** Since when it waits in that queue. */
  since: number | null;
  agent: string | null;
  why: Why;
  tries: readonly EarlierTry[];
}

export interface RunView {
  run: Run;
  why: Why;
  steps: readonly StepView[];
}

type Sparse<T> = { [K in keyof T]?: T[K] };

/** Return what the server sent with everything in its place. */
export function viewOf(graph: Schemas["RunGraph"]): RunView {
  const names = graph.steps.map((step) => step.name);
  return { run: graph.run, why: whyOf(graph.why), steps: graph.steps.map((step) => stepOf(step, names)) };
}

function stepOf(step: Schemas["GraphStep"], names: readonly string[]): StepView {
  const sparse: Sparse<Schemas["GraphStep"]> = step;
  return {
    name: step.name,
    status: step.status,
    parents: (sparse.parents ?? []).flatMap((place) => names[place] ?? []),
    code: String(sparse.code ?? 0),
    stage: sparse.stage ?? null,
    attempt: sparse.attempt ?? 0,
    task: sparse.task ?? null,
    started: sparse.started ?? null,
    ended: sparse.ended ?? null,
    queue: sparse.queue ?? null,
    since: sparse.since ?? null,
    agent: sparse.agent ?? null,
    why: whyOf(sparse.why),
    tries: (sparse.tries ?? []).map(tryOf),
  };
}

function whyOf(why: Sparse<Schemas["Why"]> = {}): Why {
  const { text = "", steps = [], run = "", name = "", help = "" } = why;
  return { text, steps, run, name, help };
}

function tryOf(one: Schemas["Try"]): EarlierTry {
  const sparse: Sparse<Schemas["Try"]> = one;
  const { started = null, ended = null, message = "" } = sparse;
  return { attempt: one.attempt, task: one.task, status: one.status, started, ended, message };
}

/** Return a run as it is where an agent starts by itself for what waits: nobody has to start one. */
export function attendedViewOf(graph: Schemas["RunGraph"]): RunView {
  const view = viewOf(graph);
  return {
    ...view,
    why: attended(view.why),
    steps: view.steps.map((step) => (step.why.help ? { ...step, why: attended(step.why) } : step)),
  };
}

function attended(why: Why): Why {
  if (!why.help.startsWith("penstock agent")) return why;
  return { ...why, text: why.text.replace(/: no agent serves .*$/s, ": an agent starts by itself soon"), help: "" };
}

/** Ask for a run; heard of again whenever something in it changes. */
export function useRunView(id: string): UseQueryResult<RunView> {
  const comes = useAgentComes();
  return useQuery({
    ...opQuery("GetGraph", { id }),
    select: comes ? attendedViewOf : viewOf,
    structuralSharing: false, // comparing thousands of steps takes longer than drawing those in view
    placeholderData: keepPreviousData,
  }) as UseQueryResult<RunView>;
}
