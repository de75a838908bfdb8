/** How grave a line is, as far as its text says. */

export type Level = "debug" | "info" | "warning" | "error";

/** From the least to the most grave. */
export const LEVELS: readonly Level[] = ["debug", "info", "warning", "error"];

const WORDS: Record<string, Level> = {
  DEBUG: "debug",
  TRACE: "debug",
  INFO: "info",
  NOTICE: "info",
  WARN: "warning",
  WARNING: "warning",
  ERROR: "error",
  CRITICAL: "error",
  FATAL: "error",
};
const WORD = /\b(DEBUG|TRACE|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b/;
const RAISED =
  /^(?:Traceback \(most recent call last\)|[\w.]*(?:Error|Exception|Interrupt)(?::|$)|Segmentation fault|Killed$)/;
const WARNED = /\b\w*Warning: /;
/** Loggers name the level near the beginning; further on it is a word like any other. */
const BEGINNING = 120;

/** Return how grave a line is; null where it does not say. */
export function levelOf(line: string): Level | null {
  const start = line.slice(0, BEGINNING);
  if (RAISED.test(start)) return "error";
  const word = WORD.exec(start)?.[1];
  if (word) return WORDS[word] ?? null;
  return WARNED.test(start) ? "warning" : null;
}
