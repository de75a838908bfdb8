import { useOp } from "../../api/queries";
import type { RunDetail } from "../../api/types";
import { Button } from "../../components/Button";
import { StatusBadge } from "../../components/StatusBadge";
import { isOver } from "../../components/status";
import { CopyButton, Tag } from "../../components/Text";
import { Ago, Duration } from "../../components/Time";
import { durationText } from "../../components/time";
import { RerunButton, RunActions } from "./actions/RunActions";
import { countsText, culprit, firstLine, reasonOf } from "./steps";
import { useAddress, useNow } from "./use";

/** How a run stands in a line, and what failed in another. */
export function RunHeader({ detail, onOpen }: { detail: RunDetail; onOpen: (step: string) => void }) {
  const { run } = detail;
  const { task } = run;
  const waited = task.started === null ? 0 : task.started - task.created;
  const commit = task.script.commit;
  return (
    <section className="run-header" aria-label="Run">
      <div className="run-facts">
        <StatusBadge status={task.status} />
        {run.stop_asked !== null && !isOver(task.status) && <span className="run-stopping">is stopping</span>}
        {run.version && <span className="quiet">v{run.version}</span>}
        <span>
          <Duration from={task.started} to={task.ended} />
          {waited >= 1 && <span className="faint"> after {durationText(waited)} of waiting</span>}
        </span>
        <span className="quiet">
          started <Ago at={task.started} />
          {task.user && ` by ${task.user}`}
        </span>
        {commit && (
          <span className="quiet mono" title={`${task.script.repository ?? ""} ${task.script.branch ?? ""}`}>
            git {commit.slice(0, 8)}
            {task.script.diff && " + changes"}
          </span>
        )}
        {task.tags.map((tag) => (
          <Tag key={tag} text={tag} />
        ))}
        <span className="faint run-counts">{countsText(run.counts)}</span>
        <div className="run-acts">
          <RunActions detail={detail} />
        </div>
      </div>
      {task.status === "failed" && <Failure detail={detail} onOpen={onOpen} />}
      {(task.status === "stopped" || task.status === "queued") && task.message && (
        <p className="run-note quiet">{firstLine(task.message)}</p>
      )}
      <Waiting detail={detail} onOpen={onOpen} />
    </section>
  );
}

/** What failed, its first line, and what to do next. */
function Failure({ detail, onOpen }: { detail: RunDetail; onOpen: (step: string) => void }) {
  const { go } = useAddress();
  const step = culprit(detail);
  const { data: task } = useOp("GetTask", { id: step?.task ?? "" }, { enabled: Boolean(step?.task) });
  if (!step) return <p className="run-failure">{firstLine(detail.run.task.message) || "the run failed"}</p>;
  const said = firstLine(task?.message ?? "") || firstLine(step.reason);
  return (
    <div className="run-failure" role="status">
      <p>
        <span aria-hidden="true">✕ </span>
        <button type="button" className="link strong" onClick={() => onOpen(step.name)}>
          {step.name}
        </button>{" "}
        failed{step.attempt > 1 && ` after ${step.attempt} attempts`}
        {said && (
          <>
            : <code>{said}</code>
          </>
        )}
      </p>
      <div className="run-failure-acts">
        <Button small onClick={() => go({ step: step.name, view: "logs", attempt: undefined, line: undefined }, true)}>
          Logs
        </Button>
        <RerunButton detail={detail} from={step.name} />
      </div>
    </div>
  );
}

/** A step that waits for something that will not come by itself, said once for all. */
function Waiting({ detail, onOpen }: { detail: RunDetail; onOpen: (step: string) => void }) {
  const isLive = !isOver(detail.run.task.status);
  const now = useNow(isLive);
  if (!isLive) return null;
  const stuck = detail.steps.filter((state) => state.status === "queued" && state.reason.includes("penstock "));
  const [first] = stuck;
  if (!first) return null;
  const command = /penstock [^\n]*/.exec(first.reason)?.[0] ?? "";
  return (
    <div className="run-waiting" role="status">
      <p>
        <button type="button" className="link strong" onClick={() => onOpen(first.name)}>
          {first.name}
        </button>{" "}
        {reasonOf(detail, first.name, now)}
        {stuck.length > 1 && `; so do ${stuck.length - 1} more`}
      </p>
      {command && <CopyButton text={command} words="Copy command" />}
    </div>
  );
}
