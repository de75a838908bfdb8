import { useState } from "react";
import { Button } from "../../../components/Button";
import { isOver } from "../../../components/status";
import type { RunView } from "../view";
import { RerunDialog } from "./RunActions";

/** What can be done with a step once its run has ended. */
export function StepActions({ view, step }: { view: RunView; step: string }) {
  const [open, setOpen] = useState<"from" | "only" | null>(null);
  if (!isOver(view.run.task.status)) return null;
  return (
    <div className="step-acts">
      <Button small onClick={() => setOpen("from")}>
        Rerun from here
      </Button>
      <Button small onClick={() => setOpen("only")}>
        Rerun only this
      </Button>
      {open !== null && <RerunDialog view={view} {...{ [open]: step }} onClose={() => setOpen(null)} />}
    </div>
  );
}
