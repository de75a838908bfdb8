// What was asked for before the page was loaded (see ../early.ts), for whoever would ask for it now.
import type { Answer, Args, OpName } from "./call";

/** An operation that was asked for; `answer` is there once `done` is, unless it went wrong. */
export interface Begun {
  at: number;
  answer: unknown;
  done: Promise<void>;
}

declare global {
  interface Window {
    penstockBegun?: Map<string, Begun>;
  }
}

const FRESH = 5_000; // milliseconds after which it is asked for anew

/** Return the answer to an operation if it has come by now, for what is drawn right now: after that it is gone. */
export function arrived<N extends OpName>(op: N, args: Args<N>): Answer<N> | undefined {
  const key = keyOf(op, args);
  const found = window.penstockBegun?.get(key);
  if (!found?.answer) return undefined;
  setTimeout(() => window.penstockBegun?.delete(key), 0);
  return Date.now() - found.at < FRESH ? (found.answer as Answer<N>) : undefined;
}

/** Wait for the answer to an operation that was asked for, and take it; undefined where there is none to be had. */
export async function taken<N extends OpName>(op: N, args: Args<N>): Promise<Answer<N> | undefined> {
  const key = keyOf(op, args);
  const found = window.penstockBegun?.get(key);
  if (!found) return undefined;
  window.penstockBegun?.delete(key);
  await found.done;
  return Date.now() - found.at < FRESH ? (found.answer as Answer<N> | undefined) : undefined;
}

/** Wait until all that was asked for is answered. */
export async function allArrived(): Promise<void> {
  await Promise.all([...(window.penstockBegun?.values() ?? [])].map((one) => one.done));
}

function keyOf(op: string, args: object): string {
  return `${op} ${JSON.stringify(args)}`;
}
