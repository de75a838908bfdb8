/** Reads a console from the server: the end first, older lines when somebody scrolls there, new ones as they come. */

import { type Chunk, LogLines, MOST } from "./lines";

/** What of a console is asked for, by the numbers of its pieces. */
export interface Range {
  after?: number;
  before?: number | null;
  newest?: boolean;
  limit: number;
}

export type Read = (range: Range) => Promise<readonly Chunk[]>;

const FEWEST = 40;
const MANY = 1_000;
/** So many lines at a time are enough; how many pieces that takes is learnt from what came. */
const LINES = 4_000;

export class ConsoleReader {
  readonly lines: LogLines;
  readonly #read: Read;
  readonly #heard = new Set<() => void>();
  #version = 0;
  #limit = FEWEST;
  #asking: Promise<void> | null = null;
  /** Whether nothing has been read yet. */
  isNew = true;
  error: unknown = null;
  /** How many lines came before the first one, or went there, when it changed last: the view moves by so many. */
  shift = 0;

  constructor(read: Read, most = MOST) {
    this.#read = read;
    this.lines = new LogLines(most);
  }

  /** Counts the changes. */
  get version(): number {
    return this.#version;
  }

  readonly subscribe = (heard: () => void): (() => void) => {
    this.#heard.add(heard);
    return () => this.#heard.delete(heard);
  };

  /** Read the end of the console, or what is around a piece of it. */
  async start(chunk?: number): Promise<void> {
    while (this.#asking) await this.#asking;
    await this.#ask(async () => {
      const range = chunk === undefined ? { newest: true } : { after: Math.max(0, chunk - FEWEST / 2) };
      const found = await this.#read({ ...range, limit: FEWEST });
      this.lines.clear();
      this.lines.append(found);
      const full = found.length === FEWEST;
      this.lines.hasOlder = chunk === undefined ? full : (found[0]?.id ?? 1) > 1;
      this.lines.hasNewer = chunk !== undefined && full;
      this.isNew = false;
      return 0;
    });
  }

  /** Read what came before the first line that is here. */
  async older(): Promise<void> {
    if (!this.lines.hasOlder) return;
    await this.#ask(async () => {
      const found = await this.#read({ before: this.lines.first, newest: true, limit: this.#limit });
      this.lines.hasOlder = found.length === this.#limit;
      this.#learn(found);
      return this.lines.prepend(found);
    });
  }

  /** Read what came after the last line that is here. */
  async newer(): Promise<void> {
    await this.#ask(async () => {
      const limit = this.#limit;
      const found = await this.#read({ after: this.lines.last, limit });
      if (found.length === 0 && !this.lines.hasNewer) return null;
      this.lines.hasNewer = found.length === limit;
      this.#learn(found);
      return -this.lines.append(found);
    });
  }

  #learn(found: readonly Chunk[]): void {
    if (found.length > 0) this.#limit = piecesOf(found);
  }

  /** Do one thing at a time, and nothing while another is done; null says that nothing changed. */
  async #ask(act: () => Promise<number | null>): Promise<void> {
    if (this.#asking) return;
    this.#asking = this.#carryOut(act).finally(() => {
      this.#asking = null;
    });
    await this.#asking;
  }

  async #carryOut(act: () => Promise<number | null>): Promise<void> {
    try {
      const shift = await act();
      if (shift === null && this.error === null) return;
      this.shift = shift ?? 0;
      this.error = null;
    } catch (error) {
      this.error = error;
      this.isNew = false;
    }
    this.#version++;
    for (const heard of this.#heard) heard();
  }
}

/** Return how many pieces such as these are lines enough at a time. */
function piecesOf(found: readonly Chunk[]): number {
  const each = found.reduce((sum, chunk) => sum + chunk.lines.length, 0) / found.length;
  return Math.max(1, Math.min(MANY, Math.round(LINES / Math.max(1, each))));
}

/** Read a whole console from its beginning, some pieces at a time. */
export async function* readAll(read: Read): AsyncGenerator<readonly Chunk[]> {
  for (let [after, limit, isOver] = [0, FEWEST, false]; !isOver; ) {
    const found = await read({ after, limit });
    const last = found.at(-1);
    isOver = found.length < limit;
    if (!last) return;
    yield found;
    after = last.id;
    limit = piecesOf(found);
  }
}
