/** What happened when: a row for each step, with every try as a bar of its own, and what it waited for before. */

import type { GraphStep } from "../graph/steps";

/** One try of a step, as its task was recorded. Times are epoch seconds. */
export interface Try {
  task: string;
  step: string;
  attempt: number;
  status: string;
  created: number;
  started: number | null;
  ended: number | null;
}

export interface Bar {
  /** Ready but not launched, launched but not begun, or at work. */
  kind: "waiting" | "queued" | "running";
  start: number;
  end: number;
  attempt: number;
  status: string;
}

export interface Row {
  step: string;
  status: string;
  bars: Bar[];
  critical: boolean;
}

export interface Timeline {
  start: number;
  end: number;
  rows: Row[];
}

/** Return the rows of a run: what began first comes first, what did not begin stays in its order at the end. */
export function timelineOf(
  steps: readonly GraphStep[],
  tries: readonly Try[],
  run: { started: number; ended: number | null },
  critical: ReadonlySet<string>,
  now: number,
): Timeline {
  const byStep = new Map<string, Try[]>();
  for (const one of tries) byStep.set(one.step, [...(byStep.get(one.step) ?? []), one]);
  const ends = new Map<string, number>();
  for (const [step, all] of byStep) ends.set(step, Math.max(...all.map((one) => one.ended ?? Infinity)));
  const end = Math.max(run.ended ?? now, run.started, ...tries.map((one) => one.ended ?? now));
  const rows = steps.map((step): Row => {
    const own = (byStep.get(step.name) ?? []).sort((a, b) => a.attempt - b.attempt);
    const ready = Math.max(run.started, ...step.parents.map((parent) => ends.get(parent) ?? -Infinity));
    return { step: step.name, status: step.status, bars: barsOf(own, ready, end), critical: critical.has(step.name) };
  });
  const began = (row: Row) => row.bars[0]?.start ?? Infinity;
  const order = rows.map((row, index) => ({ row, index, at: began(row) }));
  order.sort((a, b) => (a.at === b.at ? a.index - b.index : a.at - b.at));
  return { start: run.started, end, rows: order.map(({ row }) => row) };
}

function barsOf(tries: Try[], ready: number, now: number): Bar[] {
  let before = ready;
  return tries.flatMap((one) => {
    const { attempt, status } = one;
    const begun = one.started ?? one.ended ?? now;
    const bars: Bar[] = [
      { kind: "waiting", start: before, end: one.created, attempt, status },
      { kind: "queued", start: one.created, end: begun, attempt, status },
    ];
    if (one.started !== null) bars.push({ kind: "running", start: begun, end: one.ended ?? now, attempt, status });
    before = one.ended ?? now;
    return bars.filter((bar) => bar.end > bar.start || bar.kind === "running");
  });
}

/** Where a mark of the time axis stands, in seconds from its start, and what it says. */
export interface Mark {
  at: number;
  text: string;
}

const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800];
const HOURS = [3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Return marks at round times, at most `most` of them. */
export function marks(seconds: number, most: number): Mark[] {
  const fitting = [...STEPS, ...HOURS].find((step) => seconds / step <= most);
  const step = fitting ?? Math.ceil(seconds / most / 86_400) * 86_400;
  const count = Math.floor(seconds / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => ({ at: index * step, text: markText(index * step, step) }));
}

function markText(at: number, step: number): string {
  if (at === 0) return "0";
  if (step < 1) return `${at.toFixed(step < 0.01 ? 3 : step < 0.1 ? 2 : 1)} s`;
  if (at < 60) return `${at} s`;
  const [hours, minutes, rest] = [Math.floor(at / 3600), Math.floor((at % 3600) / 60), at % 60];
  return [hours && `${hours} h`, minutes && `${minutes} m`, rest && `${rest} s`].filter(Boolean).join(" ");
}
