import { useState } from "react";
import { Button } from "../../../components/Button";
import { isOver } from "../../../components/status";
import { stepOf } from "../steps";
import type { RunView } from "../view";
import { ActionDialog } from "./ActionDialog";
import { type Action, steeringOf } from "./effects";

const WORDS: Partial<Record<Action, string>> = {
  "skip step": "Skip step",
  "abort step": "Abort step",
  "rerun from": "Rerun from here",
  "rerun only": "Rerun only this",
};

/** What can be done with a step: while its run goes on, and once that has ended. */
export function StepActions({ view, step }: { view: RunView; step: string }) {
  const [action, setAction] = useState<Action | null>(null);
  const state = stepOf(view, step);
  const { run } = view;
  const actions: Action[] = isOver(run.task.status)
    ? ["rerun from", "rerun only"]
    : state && run.stop_asked === null
      ? steeringOf(run.task.status, state)
      : [];
  if (actions.length === 0 && action === null) return null;
  return (
    <div className="step-acts">
      {actions.map((one) => (
        <Button
          key={one}
          small
          {...(one.endsWith("step") && { look: "danger" as const })}
          onClick={() => setAction(one)}
        >
          {WORDS[one]}
        </Button>
      ))}
      {action !== null && <ActionDialog run={run} action={action} step={step} onClose={() => setAction(null)} />}
    </div>
  );
}
