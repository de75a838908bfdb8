/** The console lines that the page holds: a window onto what may be far more, filtered by numbers. */

import { plain } from "./ansi";
import { LEVELS, type Level, levelOf } from "./levels";

/** A piece of a console as the server hands it out. Its lines are `[at, stream, text]`. */
export interface Chunk {
  id: number;
  task: string;
  lines: readonly (readonly [at: number, stream: string, text: string])[];
}

export interface LogLine {
  at: number;
  stream: string;
  text: string;
  task: string;
  /** Where it stands in the whole console: links to lines name these two. */
  chunk: number;
  line: number;
}

/** More lines than these are not kept: those at the other end go. */
export const MOST = 200_000;

export class LogLines {
  #lines: LogLine[] = [];
  readonly #most: number;
  /** Whether older lines than the first were let go, or not asked for yet. */
  hasOlder = false;
  hasNewer = false;

  constructor(most = MOST) {
    this.#most = most;
  }

  get length(): number {
    return this.#lines.length;
  }

  /** The chunk of the first line, and of the last; 0 when there is none. */
  get first(): number {
    return this.#lines[0]?.chunk ?? 0;
  }

  get last(): number {
    return this.#lines.at(-1)?.chunk ?? 0;
  }

  at(index: number): LogLine | undefined {
    return this.#lines[index];
  }

  clear(): void {
    this.#lines = [];
    this.hasOlder = this.hasNewer = false;
  }

  /** Add lines that came later than all others. Returns how many went at the beginning. */
  append(chunks: readonly Chunk[]): number {
    const last = this.last;
    for (const chunk of chunks) if (chunk.id > last) for (const line of apart(chunk)) this.#lines.push(line);
    const over = this.#lines.length - this.#most;
    if (over <= 0) return 0;
    // Whole chunks go, so that what is asked for later begins where they ended.
    const edge = this.#lines[over - 1]?.chunk;
    let cut = over;
    while (cut < this.#lines.length && this.#lines[cut]?.chunk === edge) cut++;
    if (cut === this.#lines.length) cut = over;
    this.#lines.splice(0, cut);
    this.hasOlder = true;
    return cut;
  }

  /** Add lines that came before all others. Returns how many were added. */
  prepend(chunks: readonly Chunk[]): number {
    const first = this.first;
    const older = chunks.filter((chunk) => first === 0 || chunk.id < first).flatMap(apart);
    this.#lines = older.concat(this.#lines);
    const over = this.#lines.length - this.#most;
    if (over > 0) {
      const edge = this.#lines[this.#most]?.chunk;
      let keep = this.#most;
      while (keep > older.length && this.#lines[keep - 1]?.chunk === edge) keep--;
      this.#lines.length = Math.max(keep, 1);
      this.hasNewer = true;
    }
    return older.length;
  }

  /** Return the numbers of the lines that are at least so grave, with what follows an error up to the next line that
   *  says how grave it is: a traceback is read as one. */
  atLeast(level: Level): number[] {
    const least = LEVELS.indexOf(level);
    const found: number[] = [];
    let [open, task] = [false, ""];
    for (let index = 0; index < this.#lines.length; index++) {
      const line = this.#lines[index];
      if (!line) continue;
      const own = levelOf(readable(line.text));
      if (own !== null) open = LEVELS.indexOf(own) >= least;
      else if (line.task !== task || !/^\s/.test(line.text)) open = false;
      task = line.task;
      if (open) found.push(index);
    }
    return found;
  }

  /** Return the number of the line at a place; null when it is not in the window. */
  indexOf(chunk: number, line: number): number | null {
    const index = this.#lines.findIndex((one) => one.chunk === chunk && one.line === line);
    return index < 0 ? null : index;
  }
}

function apart(chunk: Chunk): LogLine[] {
  return chunk.lines.map(([at, stream, text], line) => ({ at, stream, text, task: chunk.task, chunk: chunk.id, line }));
}

function readable(text: string): string {
  return text.includes("\x1b") ? plain(text) : text;
}

/** Return the place that a link to a line names, such as `12.3`; null when it is none. */
export function placeIn(text: string | undefined): { chunk: number; line: number } | null {
  const found = /^(\d{1,15})\.(\d{1,9})$/.exec(text ?? "");
  return found ? { chunk: Number(found[1]), line: Number(found[2]) } : null;
}

/** Return which lines of a list are in view, and some beside them. */
export function window(scroll: number, height: number, line: number, count: number, beside = 20): [number, number] {
  const first = Math.max(0, Math.floor(scroll / line) - beside);
  return [Math.min(first, count), Math.min(count, Math.ceil((scroll + height) / line) + beside)];
}
