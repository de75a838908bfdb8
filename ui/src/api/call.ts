// The operations of the server, one function for all: `await call("GetRun", { id })`.
import { at } from "../place";
import { taken } from "./early";
import { Busy, errorOf, Unreachable } from "./errors";
import type { components, operations } from "./schema";

export type Schemas = components["schemas"];
export type OpName = keyof operations;

/** What is sent with an operation. */
export type Args<N extends OpName> = operations[N]["requestBody"]["content"]["application/json"];

/** What an operation returns. */
export type Answer<N extends OpName> = operations[N]["responses"][200]["content"]["application/json"];

const TRIES = 4;

/** Carry an operation out. What changes something is done once, however often the request has to be repeated. */
export async function call<N extends OpName>(op: N, args: Args<N>, signal?: AbortSignal): Promise<Answer<N>> {
  const begun = await taken(op, args);
  if (begun !== undefined) return begun;
  const key = randomWord();
  for (let tried = 1; ; tried++) {
    try {
      return await once(op, args, key, signal);
    } catch (error) {
      const again = error instanceof Busy || error instanceof Unreachable;
      if (!again || tried === TRIES || signal?.aborted) throw error;
      await pause(200 * 2 ** tried * (0.5 + Math.random()));
    }
  }
}

async function once<N extends OpName>(op: N, args: Args<N>, key: string, signal?: AbortSignal): Promise<Answer<N>> {
  let response: Response;
  try {
    response = await fetch(at(`api/v1/${op}`), {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "Idempotency-Key": key },
      body: JSON.stringify(args),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable("the server does not answer", "see whether `penstock server` still runs");
  }
  if (!response.ok) throw await errorOf(response);
  return (await response.json()) as Answer<N>;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Return a word that nobody else makes up: of 32 hexadecimal digits, as ids are. */
export function randomWord(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
}
