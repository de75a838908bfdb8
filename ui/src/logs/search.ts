/** Looks for text in a whole console: the server goes through the lines, here is kept where it was found. */

export interface Place {
  chunk: number;
  line: number;
}

/** What one look at a part of the console found; the next one goes on from `place`. */
export interface Found {
  places: readonly Place[];
  place: Place | null;
  isOver: boolean;
}

export type Look = (text: string, after: Place | null, signal: AbortSignal) => Promise<Found>;

/** More places than these are not kept: nobody goes through them one by one. */
export const MOST_PLACES = 10_000;

export class ConsoleSearch {
  readonly #look: Look;
  readonly #heard = new Set<() => void>();
  readonly #most: number;
  #stop = new AbortController();
  #from: Place | null = null;
  #version = 0;
  text = "";
  places: Place[] = [];
  /** Whether lines are left that were not looked at. */
  isLooking = false;
  error: unknown = null;

  constructor(look: Look, most = MOST_PLACES) {
    this.#look = look;
    this.#most = most;
  }

  get version(): number {
    return this.#version;
  }

  /** Whether there may be more places than are kept. */
  get isFull(): boolean {
    return this.places.length >= this.#most;
  }

  readonly subscribe = (heard: () => void): (() => void) => {
    this.#heard.add(heard);
    return () => this.#heard.delete(heard);
  };

  /** Look for another text, from the beginning of the console on; an empty one ends the search. */
  async start(text: string): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.text = text;
    this.places = [];
    this.#from = null;
    this.error = null;
    this.isLooking = false;
    this.#tell();
    await this.more();
  }

  /** Look at what was printed since, too. */
  async more(): Promise<void> {
    if (this.text === "" || this.isLooking || this.isFull) return;
    const { signal } = this.#stop;
    this.isLooking = true;
    this.error = null;
    this.#tell();
    try {
      for (let isOver = false; !isOver && !this.isFull; ) {
        const found = await this.#look(this.text, this.#from, signal);
        if (signal.aborted) return;
        isOver = found.isOver;
        this.#from = found.place;
        this.places = this.places.concat(found.places.slice(0, this.#most - this.places.length));
        if (!isOver) this.#tell();
      }
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    this.isLooking = false;
    this.#tell();
  }

  #tell(): void {
    this.#version++;
    for (const heard of this.#heard) heard();
  }
}
