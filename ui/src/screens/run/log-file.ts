// A console as a file on somebody's disk.
import { plain } from "../../logs/ansi";
import type { Chunk } from "../../logs/lines";

/** Return the lines of a piece, each with who printed it before it where several did, and when where that is wanted. */
export function saved(chunk: Chunk, who: string | undefined, withTime: boolean): string {
  const before = who === undefined ? "" : `${who} │ `;
  return chunk.lines
    .map(([at, , text]) => `${withTime ? `${new Date(at * 1_000).toISOString()} ` : ""}${before}${plain(text)}\n`)
    .join("");
}
