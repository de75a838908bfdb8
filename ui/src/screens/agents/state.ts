import type { Agent } from "../../api/types";
import type { Hue } from "../../components/status";

/** Return how an agent stands, as hue, glyph and word. */
export function stateOf(agent: Agent): { hue: Hue; glyph: string; word: string } {
  const busy = agent.tasks.length;
  if (agent.draining) return { hue: "aborted", glyph: "■", word: busy ? "Leaves when done" : "Leaving" };
  if (busy) return { hue: "running", glyph: "▶", word: `Busy, ${busy} of ${Math.max(agent.workers, busy)}` };
  return { hue: "queued", glyph: "◷", word: agent.workers > 1 ? `Idle, ${agent.workers} slots` : "Idle" };
}
