import "./actions.css";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { call, randomWord } from "../../../api/call";
import { queryClient, useOp } from "../../../api/queries";
import type { Run } from "../../../api/types";
import { Button } from "../../../components/Button";
import { Dialog } from "../../../components/Overlay";
import { StatusBadge } from "../../../components/StatusBadge";
import { ErrorNote, Skeleton } from "../../../components/Text";
import { toast } from "../../../components/Toast";
import { type Action, effectText, isQuiet, NAMES, type Plan } from "./effects";

const MOST = 300;

/** Says what an action does with each step of a run, and does it when somebody then still wants it. */
export function ActionDialog(props: { run: Run; action: Action; step?: string; onClose: () => void }) {
  const { run, action, step = "", onClose } = props;
  const { id, name } = run.task;
  const plan = useOp("PlanAction", { id, action, step: step || null });
  const navigate = useNavigate();
  const act = useMutation({
    mutationFn: () => carryOut(action, id, step),
    onSuccess: (made: string | null) => {
      void queryClient.invalidateQueries(); // not all of it is told by the stream of changes
      onClose();
      toast(SAID[action].replace("%", step || name));
      if (action === "delete") void navigate({ to: "/runs" });
      else if (made) void navigate({ to: "/runs/$run", params: { run: made }, search: {} });
    },
  });
  const { title, act: words, danger } = NAMES[action];
  return (
    <Dialog
      open
      onClose={onClose}
      title={title(name, step)}
      description={plan.data?.text || " "}
      wide
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look={danger ? "danger" : "primary"}
            busy={act.isPending}
            disabled={!plan.data?.allowed}
            onClick={() => act.mutate()}
          >
            {words}
          </Button>
        </>
      }
    >
      {(plan.error ?? act.error) && <ErrorNote error={plan.error ?? act.error} />}
      {plan.isPending && <Skeleton rows={4} />}
      {plan.data && <Planned plan={plan.data} />}
    </Dialog>
  );
}

const SAID: Record<Action, string> = {
  abort: "% is asked to stop.",
  "abort step": "% is aborted.",
  "skip step": "% is skipped.",
  resume: "% waits for an agent to go on.",
  rerun: "A new run waits for an agent.",
  "rerun from": "A new run waits for an agent.",
  "rerun only": "A new run waits for an agent.",
  archive: "% is archived.",
  restore: "% is back.",
  delete: "% is deleted.",
};

/** Do it; return the id of the new run, where it makes one. */
async function carryOut(action: Action, id: string, step: string): Promise<string | null> {
  const launch = async (more: { reuse?: true; from_step?: string; only?: string }): Promise<string> =>
    (await call("LaunchRun", { source: id, id: randomWord(), ...more })).task.id;
  switch (action) {
    case "abort":
      await call("StopRun", { id });
      return null;
    case "abort step":
      await call("AbortStep", { run: id, step });
      return null;
    case "skip step":
      await call("SkipStep", { run: id, step });
      return null;
    case "resume":
      await call("RequeueRun", { id });
      return null;
    case "rerun":
      return launch({ reuse: true });
    case "rerun from":
      return launch({ from_step: step });
    case "rerun only":
      return launch({ only: step });
    case "archive":
    case "restore":
      await call("ArchiveRun", { id, archived: action === "archive" });
      return null;
    case "delete":
      await call("DeleteRun", { id });
      return null;
  }
}

function Planned({ plan }: { plan: Plan }) {
  if (!plan.allowed) {
    return (
      <p className="affected-counts" role="status">
        It cannot be done: {plan.why_not}. <span className="quiet">{plan.hint}</span>
      </p>
    );
  }
  const sorted = plan.steps.toSorted((a, b) => Number(isQuiet(a.effect)) - Number(isQuiet(b.effect)));
  return (
    <>
      {plan.changes.map((change) => (
        <p key={change} className="quiet">
          {change}
        </p>
      ))}
      <ul className="affected" aria-label="Affected steps">
        {sorted.slice(0, MOST).map((one) => (
          <li key={one.name} data-quiet={isQuiet(one.effect) || undefined}>
            <StatusBadge status={one.status} small />
            <span className="cut affected-name" title={one.name}>
              {one.name}
            </span>
            <span>{effectText(one.effect)}</span>
            <span className="quiet">{one.why}</span>
          </li>
        ))}
        {sorted.length > MOST && <li className="faint">and {sorted.length - MOST} more</li>}
      </ul>
    </>
  );
}
