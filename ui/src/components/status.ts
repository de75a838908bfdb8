// Every status that there is, of runs, tasks and steps, as people see it: a hue, a glyph and a word, never a hue alone.
import type { Status, StepStatus } from "../api/types";

export type Hue = "queued" | "running" | "completed" | "failed" | "aborted";
export type AnyStatus = Status | StepStatus;

export interface Look {
  hue: Hue;
  glyph: string;
  word: string;
  /** Drawn as an outline only: it is like that hue, but less so. */
  hollow?: boolean;
  /** Drawn with a dashed edge: nothing has been asked of it yet. */
  dashed?: boolean;
  /** Drawn with a diagonal hatch: it was left out. */
  hatched?: boolean;
}

const LOOKS: Record<AnyStatus, Look> = {
  created: { hue: "queued", glyph: "◷", word: "Draft", dashed: true },
  pending: { hue: "queued", glyph: "◷", word: "Pending", hollow: true },
  queued: { hue: "queued", glyph: "◷", word: "Queued" },
  in_progress: { hue: "running", glyph: "▶", word: "Running" },
  running: { hue: "running", glyph: "▶", word: "Running" },
  completed: { hue: "completed", glyph: "✓", word: "Completed" },
  published: { hue: "completed", glyph: "✓", word: "Published" },
  cached: { hue: "completed", glyph: "⚡", word: "Cached", hollow: true },
  failed: { hue: "failed", glyph: "✕", word: "Failed" },
  stopped: { hue: "aborted", glyph: "■", word: "Aborted" },
  aborted: { hue: "aborted", glyph: "■", word: "Aborted" },
  skipped: { hue: "queued", glyph: "–", word: "Skipped", hatched: true },
};

/** Return how a status looks; one that this page does not know yet, as waiting. */
export function lookOf(status: string): Look {
  return LOOKS[status as AnyStatus] ?? { hue: "queued", glyph: "◷", word: status };
}

const OVER = new Set<string>(["completed", "published", "failed", "stopped", "aborted", "skipped", "cached"]);

/** Return whether a run, a task or a step in this status has ended. */
export function isOver(status: string): boolean {
  return OVER.has(status);
}
