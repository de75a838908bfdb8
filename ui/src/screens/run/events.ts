// What happened in a run and what was decided, in one list.
import type { Schemas } from "../../api/call";
import type { Change } from "../../api/types";
import { firstLine } from "./steps";

type Decision = Schemas["Decision"];

export interface RunEvent {
  at: number;
  step: string;
  attempt: number;
  /** A status, or what was decided or done. */
  what: string;
  isStatus: boolean;
  why: string;
}

/** Return both in the order of time; what was decided comes before what followed from it. */
export function eventsOf(changes: readonly Change[], decisions: readonly Decision[]): RunEvent[] {
  const events = [
    ...decisions.map(
      (one): RunEvent => ({
        at: one.at,
        step: one.step,
        attempt: one.attempt,
        what: one.kind,
        isStatus: false,
        why: [one.reason, ...one.details].map(firstLine).join("; "),
      }),
    ),
    ...changes.map((one): RunEvent => {
      const isStatus = one.kind === "status" || one.kind === "step";
      const { at, attempt, step } = one;
      return {
        at,
        attempt,
        step: step ?? "",
        what: isStatus ? one.status : one.kind,
        isStatus,
        why: firstLine(one.message),
      };
    }),
  ];
  return events.sort((a, b) => a.at - b.at);
}
