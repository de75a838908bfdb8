import { useState } from "react";
import type { RunDetail } from "../../../api/types";
import { Button } from "../../../components/Button";
import { isOver } from "../../../components/status";
import { RerunDialog } from "./RunActions";

/** What can be done with a step once its run has ended. */
export function StepActions({ detail, step }: { detail: RunDetail; step: string }) {
  const [open, setOpen] = useState<"from" | "only" | null>(null);
  if (!isOver(detail.run.task.status)) return null;
  return (
    <div className="step-acts">
      <Button small onClick={() => setOpen("from")}>
        Rerun from here
      </Button>
      <Button small onClick={() => setOpen("only")}>
        Rerun only this
      </Button>
      {open !== null && <RerunDialog detail={detail} {...{ [open]: step }} onClose={() => setOpen(null)} />}
    </div>
  );
}
