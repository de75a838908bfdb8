import { Link } from "@tanstack/react-router";
import { useOp } from "../../api/queries";
import type { Task } from "../../api/types";
import { StatusBadge } from "../../components/StatusBadge";
import { isOver } from "../../components/status";
import { CopyButton, Tag } from "../../components/Text";
import { Ago, Duration } from "../../components/Time";
import { durationText } from "../../components/time";
import { Facts } from "./Facts";
import { firstLine, reasonOf, stepOf } from "./steps";
import { TextBlock } from "./TextBlock";
import { useAddress, useNow } from "./use";
import type { StepDefinition } from "./values";
import type { RunView } from "./view";

/** Why a step stands as it does, what it waits for and what waits for it, and how each attempt went. */
export function StepSummary(props: {
  view: RunView;
  step: string;
  definition: StepDefinition | undefined;
  task: Task | undefined;
  attempts: Task[];
}) {
  const { view, step, definition, task, attempts } = props;
  const state = stepOf(view, step);
  const now = useNow(!isOver(state?.status ?? ""));
  const { data: decisions } = useOp("ListDecisions", { run: view.run.task.id, step });
  const reason = state ? reasonOf(state, now) : "";
  const command = state?.why.help;
  const children = view.steps.filter((one) => one.parents.includes(step)).map((one) => one.name);
  const reused = task?.runtime.reused;
  return (
    <div className="step-summary">
      {reason && (
        <div className="step-why" data-status={state?.status}>
          <p>{reason}</p>
          {command && <CopyButton text={command} words="Copy command" />}
        </div>
      )}
      <Facts
        facts={[
          ["Status", <StatusBadge key="s" status={state?.status ?? "pending"} />],
          ["Took", task && !reused && <Duration from={task.started} to={task.ended} />],
          ["Waited", task?.started && task.started - task.created >= 0.05 && durationText(task.started - task.created)],
          ["Started", task?.started && <Ago at={task.started} />],
          ["Queue", state?.queue ?? task?.queue ?? definition?.queue],
          ["Agent", state?.agent],
          ["Machine", task?.worker && `${task.worker.host}, process ${task.worker.pid}`],
          ["Stage", definition?.stage],
          ["Retries", definition && definition.retries > 0 && `up to ${definition.retries}`],
          ["Time limit", definition?.time_limit && durationText(definition.time_limit)],
          ["Cache", definition?.cache && "an equal execution may stand for it"],
          ["Reused from", state?.why.run && <RunLink key="r" run={state.why.run} name={state.why.name} step={step} />],
          ["Why", state?.status === "cached" && state.why.text.replace(/^was reused: /, "")],
          ["Tags", task?.tags.length ? task.tags.map((tag) => <Tag key={tag} text={tag} />) : null],
          [
            "Task",
            task && (
              <span key="t" className="with-copy">
                <code>{task.id}</code>
                <CopyButton text={task.id} what="Copy the task's id" />
              </span>
            ),
          ],
        ]}
      />
      <Ways title="Waits for" view={view} names={state?.parents ?? []} />
      <Ways title="Leads to" view={view} names={children} />
      {attempts.length > 1 && <Attempts attempts={attempts} />}
      {task?.message && (
        <section>
          <h3>{task.status === "failed" ? "What it raised" : "Message"}</h3>
          <TextBlock label="Message">{task.message}</TextBlock>
        </section>
      )}
      {decisions && decisions.length > 0 && (
        <section>
          <h3>What was decided</h3>
          <ol className="decisions">
            {decisions.map((one) => (
              <li key={`${one.at} ${one.kind} ${one.attempt}`}>
                <span className="strong">{one.kind}</span> {one.reason}{" "}
                <span className="faint">{one.details.join("; ")}</span>
              </li>
            ))}
          </ol>
        </section>
      )}
    </div>
  );
}

function RunLink({ run, name, step }: { run: string; name: string; step: string }) {
  return (
    <Link to="/runs/$run" params={{ run }} search={{ step }}>
      {name || run}
    </Link>
  );
}

function Ways({ title, view, names }: { title: string; view: RunView; names: readonly string[] }) {
  const { go } = useAddress();
  if (!names.length) return null;
  const shown = names.slice(0, 30);
  return (
    <section>
      <h3>{title}</h3>
      <ul className="ways">
        {shown.map((name) => (
          <li key={name}>
            <button
              type="button"
              className="way"
              title={name}
              onClick={() => go({ step: name, attempt: undefined, line: undefined }, true)}
            >
              <StatusBadge status={stepOf(view, name)?.status ?? "pending"} small />
              <span className="cut">{name}</span>
            </button>
          </li>
        ))}
        {names.length > shown.length && <li className="faint">and {names.length - shown.length} more</li>}
      </ul>
    </section>
  );
}

function Attempts({ attempts }: { attempts: Task[] }) {
  const { go } = useAddress();
  return (
    <section>
      <h3>Attempts</h3>
      <ol className="attempts">
        {attempts.map((one) => (
          <li key={one.id}>
            <button type="button" className="link" onClick={() => go({ attempt: one.attempt, line: undefined })}>
              Attempt {one.attempt}
            </button>
            <StatusBadge status={one.status} />
            <Duration from={one.started} to={one.ended} />
            <span className="cut quiet" title={firstLine(one.message)}>
              {firstLine(one.message)}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
