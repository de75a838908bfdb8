import { useState } from "react";
import { Button } from "../../../components/Button";
import { isOver } from "../../../components/status";
import type { RunView } from "../view";
import { ActionDialog } from "./ActionDialog";
import type { Action } from "./effects";

/** What can be done with a step once its run has ended. */
export function StepActions({ view, step }: { view: RunView; step: string }) {
  const [action, setAction] = useState<Action | null>(null);
  if (!isOver(view.run.task.status)) return null;
  return (
    <div className="step-acts">
      <Button small onClick={() => setAction("rerun from")}>
        Rerun from here
      </Button>
      <Button small onClick={() => setAction("rerun only")}>
        Rerun only this
      </Button>
      {action !== null && <ActionDialog run={view.run} action={action} step={step} onClose={() => setAction(null)} />}
    </div>
  );
}
