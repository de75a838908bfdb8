// Series as charts need them: by title, and with one list of iterations for all lines.
import type { Recorder } from "./records";

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
  /** How many points there are of each of them. */
  counts: number[];
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
      const known = titles.get(title) ?? { title, tasks: [], counts: [] };
      if (known.tasks.at(-1) !== task) {
        known.tasks.push(task);
        known.counts.push(0);
      }
      known.counts[known.counts.length - 1] = (known.counts.at(-1) ?? 0) + count;
      titles.set(title, known);
    }
  }
  return { titles: [...titles.values()], singles };
}

/** Return what of it has one text in its title and the other in the name of its task, whatever their case. */
export function named(
  { titles, singles }: { titles: readonly Titled[]; singles: readonly Single[] },
  title: string,
  task: string,
): { titles: Titled[]; singles: Single[] } {
  const [ofTitle, ofTask] = [title.toLowerCase(), task.toLowerCase()];
  const holds = (text: string, wanted: string): boolean => text.toLowerCase().includes(wanted);
  return {
    titles: titles.flatMap((one) => {
      const of = one.tasks.flatMap(({ name }, place) => (holds(name, ofTask) ? [place] : []));
      if (!holds(one.title, ofTitle) || !of.length) return [];
      return [{ ...one, tasks: of.map((n) => one.tasks[n] as Recorder), counts: of.map((n) => one.counts[n] ?? 0) }];
    }),
    singles: singles.filter((one) => holds(`${one.title} / ${one.series}`, ofTitle) && holds(one.name, ofTask)),
  };
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
