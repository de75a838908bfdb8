import { useOp } from "../../api/queries";
import { Button } from "../../components/Button";
import { StatusBadge } from "../../components/StatusBadge";
import { isOver } from "../../components/status";
import { CopyButton, Tag } from "../../components/Text";
import { Ago, Duration } from "../../components/Time";
import { durationText } from "../../components/time";
import { RerunButton, RunActions } from "./actions/RunActions";
import { countsText, culprit, firstLine, isLive, reasonOf } from "./steps";
import { useAddress, useNow } from "./use";
import type { RunView } from "./view";

/** How a run stands in a line, and what failed in another. */
export function RunHeader({ view, onOpen }: { view: RunView; onOpen: (step: string) => void }) {
  const { run } = view;
  const { task } = run;
  const waited = task.started === null ? 0 : task.started - task.created;
  const { data: script } = useOp("GetTask", { id: task.id });
  const { commit = null, repository = null, branch = null, diff = "" } = script?.script ?? {};
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
          <span className="quiet mono" title={`${repository ?? ""} ${branch ?? ""}`}>
            git {commit.slice(0, 8)}
            {diff && " + changes"}
          </span>
        )}
        {task.tags.map((tag) => (
          <Tag key={tag} text={tag} />
        ))}
        <span className="faint run-counts">{countsText(run.counts)}</span>
        <div className="run-acts">
          <RunActions view={view} />
        </div>
      </div>
      {task.status === "failed" && <Failure view={view} onOpen={onOpen} />}
      {(task.status === "stopped" || task.status === "queued") && (view.why.text || task.message) && (
        <p className="run-note quiet">{firstLine(view.why.text || task.message)}</p>
      )}
      <Waiting view={view} onOpen={onOpen} />
    </section>
  );
}

/** What failed, its first line, and what to do next. */
function Failure({ view, onOpen }: { view: RunView; onOpen: (step: string) => void }) {
  const { go } = useAddress();
  const step = culprit(view);
  const { data: task } = useOp("GetTask", { id: step?.task ?? "" }, { enabled: Boolean(step?.task) });
  if (!step) return <p className="run-failure">{firstLine(view.run.task.message) || "the run failed"}</p>;
  const said = firstLine(task?.message ?? "") || reasonOf(step, 0);
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
        <RerunButton view={view} from={step.name} />
      </div>
    </div>
  );
}

/** A step that waits for something that will not come by itself, said once for all. */
function Waiting({ view, onOpen }: { view: RunView; onOpen: (step: string) => void }) {
  const now = useNow(isLive(view));
  if (!isLive(view)) return null;
  const stuck = view.steps.filter((step) => step.status === "queued" && step.why.help);
  const [first] = stuck;
  if (!first) return null;
  const command = first.why.help;
  return (
    <div className="run-waiting" role="status">
      <p>
        <button type="button" className="link strong" onClick={() => onOpen(first.name)}>
          {first.name}
        </button>{" "}
        {reasonOf(first, now)}
        {stuck.length > 1 && `; so do ${stuck.length - 1} more`}
      </p>
      <CopyButton text={command} words="Copy command" />
    </div>
  );
}
