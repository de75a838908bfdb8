import "../../components/longtable.css";
import "../run/run.css";
import "../run/records.css";
import "../run/graph.css";
import "../run/logs.css";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useOp } from "../../api/queries";
import type { Task } from "../../api/types";
import { StatusBadge } from "../../components/StatusBadge";
import { isOver, lookOf } from "../../components/status";
import { Tabs } from "../../components/Tabs";
import { ErrorNote, Skeleton, Tag } from "../../components/Text";
import { Ago, Duration } from "../../components/Time";
import { Screen } from "../../shell/Screen";
import { Artifacts } from "../run/Artifacts";
import { LogViewer } from "../run/LogViewer";
import { Metrics } from "../run/Metrics";
import { Models } from "../run/Models";
import { Plots } from "../run/Plots";
import { ScriptView } from "../run/StepCode";
import { TextBlock } from "../run/TextBlock";
import { TASK_TABS, type TaskSearch, type TaskTab } from "./route";
import { Summary } from "./Summary";
import { TaskActions } from "./TaskActions";
import "./tasks.css";

const route = getRouteApi("/tasks/$task");

/** One task: how it stands, what it was asked, and what it recorded. */
export function TaskScreen() {
  const { task: id } = route.useParams();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/tasks/$task" });
  const { data: task, error, refetch } = useOp("GetTask", { id });
  const name = task?.name ?? "Task";
  const tab = search.tab ?? "summary";
  const go = (more: TaskSearch, replace = true): void => void navigate({ search: { ...search, ...more }, replace });
  return (
    <Screen
      title={name}
      crumbs={[{ label: "Tasks", link: { to: "/tasks" } }]}
      tab={task && `${lookOf(task.status).glyph} ${name}`}
      actions={task && <TaskActions task={task} />}
      fills
    >
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!task && !error && <Skeleton rows={8} />}
      {task && (
        <>
          <Head task={task} />
          <Tabs
            label="Of this task"
            tabs={TASK_TABS}
            chosen={tab}
            onChoose={(one) => void navigate({ search: one === "summary" ? {} : { tab: one }, replace: true })}
          >
            <Panel task={task} tab={tab} search={search} go={go} />
          </Tabs>
        </>
      )}
    </Screen>
  );
}

function Head({ task }: { task: Task }) {
  const run = task.run ?? (task.type === "controller" ? task.id : null);
  return (
    <div className="task-head">
      <div className="page-line">
        <StatusBadge status={task.status} />
        <span className="quiet">
          <Link to="/tasks" search={{ project: task.project }}>
            {task.project}
          </Link>
        </span>
        {task.user && <span className="quiet">by {task.user}</span>}
        {task.started !== null && (
          <span className="quiet">
            took <Duration from={task.started} to={task.ended} />
          </span>
        )}
        <span className="quiet">
          {task.started !== null ? "started" : "recorded"} <Ago at={task.started ?? task.created} />
        </span>
        {task.status === "queued" && task.queue && (
          <span className="quiet">
            waits in{" "}
            <Link to="/queues" search={{ queue: task.queue }}>
              {task.queue}
            </Link>
          </span>
        )}
        <span className="tags">
          {task.tags.map((tag) => (
            <Tag key={tag} text={tag} />
          ))}
        </span>
      </div>
      {run !== null && (
        <p className="quiet">
          {task.step ? `It is attempt ${task.attempt} of step ${task.step} of ` : "It carries out "}
          <Link to="/runs/$run" params={{ run }} search={task.step ? { step: task.step } : {}}>
            a run of a pipeline
          </Link>
          , which decides about it.
        </p>
      )}
      {task.message && isOver(task.status) && <TextBlock label="Why it ended">{task.message}</TextBlock>}
    </div>
  );
}

function Panel(props: { task: Task; tab: TaskTab; search: TaskSearch; go: (more: TaskSearch) => void }) {
  const { task, tab, search, go } = props;
  const isLive = !isOver(task.status) && task.status !== "created";
  const recorders = [{ id: task.id, name: "" }];
  switch (tab) {
    case "summary":
      return (
        <div className="task-panel">
          <Summary task={task} />
        </div>
      );
    case "console":
      return (
        <LogViewer
          task={task.id}
          isLive={isLive}
          line={search.line}
          onLine={(line) => go(line === undefined ? { tab } : { line })}
          file={`${task.name}.log`}
        />
      );
    case "metrics":
      return (
        <div className="task-panel">
          <Metrics tasks={recorders} isLive={isLive} />
        </div>
      );
    case "plots":
      return (
        <div className="task-panel">
          <Plots task={task.id} isLive={isLive} />
        </div>
      );
    case "artifacts":
      return (
        <div className="task-panel">
          <Artifacts
            tasks={recorders}
            isLive={isLive}
            chosen={search.artifact}
            onChoose={(artifact) => go(artifact === undefined ? { tab } : { artifact })}
          />
        </div>
      );
    case "models":
      return (
        <div className="task-panel">
          <Models tasks={recorders} isLive={isLive} />
        </div>
      );
    case "code":
      return (
        <div className="task-panel code-tab">
          <ScriptView script={task.script} />
        </div>
      );
  }
}
