// Series as charts need them: by title, and with one list of iterations for all lines.
import type { Recorder } from "./Metrics";

interface Summary {
  title: string;
  series: string;
  last: number;
  count: number;
  iteration: number | null;
}

export interface Titled {
  title: string;
  /** The tasks that reported something under it. */
  tasks: Recorder[];
  /** How many points there are in all. */
  count: number;
}

export interface Single {
  task: string;
  name: string;
  title: string;
  series: string;
  value: number;
}

/** Return what there is to draw, and the values that a task has only once. */
export function titlesOf(found: readonly { task: Recorder; summaries: readonly Summary[] }[]): {
  titles: Titled[];
  singles: Single[];
} {
  const titles = new Map<string, Titled>();
  const singles: Single[] = [];
  for (const { task, summaries } of found) {
    for (const { title, series, last, count, iteration } of summaries) {
      if (iteration === null && count === 1) {
        singles.push({ task: task.id, name: task.name, title, series, value: last });
        continue;
      }
      const known = titles.get(title) ?? { title, tasks: [], count: 0 };
      if (!known.tasks.includes(task)) known.tasks.push(task);
      known.count += count;
      titles.set(title, known);
    }
  }
  return { titles: [...titles.values()], singles };
}

export interface Line {
  label: string;
  points: readonly (readonly [iteration: number | null, value: number | null, at: number])[];
}

/** Return lines as one list of iterations and one of values for each line; where a line has none, there is null. */
export function aligned(lines: readonly Line[]): [number[], ...(number | null)[][]] {
  const all = new Set<number>();
  for (const { points } of lines) for (const [index, [iteration]] of points.entries()) all.add(iteration ?? index);
  const iterations = Float64Array.from(all).sort();
  const place = new Map<number, number>();
  for (const [index, iteration] of iterations.entries()) place.set(iteration, index);
  const values = lines.map(({ points }) => {
    const row = new Array<number | null | undefined>(iterations.length).fill(undefined);
    points.forEach(([iteration, value], index) => {
      row[place.get(iteration ?? index) ?? 0] = value;
    });
    return row as (number | null)[];
  });
  return [Array.from(iterations), ...values];
}

/** Return a number as people read it: with four significant digits, or as a power of ten. */
export function numberText(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(3);
  return Number(value.toPrecision(5)).toLocaleString("en", { maximumFractionDigits: 6 });
}
