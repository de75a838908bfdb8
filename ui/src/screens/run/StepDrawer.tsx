import { ChevronLeft, ChevronRight } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo } from "react";
import { useOp } from "../../api/queries";
import type { Task } from "../../api/types";
import { IconButton } from "../../components/Button";
import { Select } from "../../components/Field";
import { Drawer } from "../../components/Overlay";
import { StatusBadge } from "../../components/StatusBadge";
import { isOver, lookOf } from "../../components/status";
import { Tabs } from "../../components/Tabs";
import { EmptyState, ErrorNote, Middle, Skeleton } from "../../components/Text";
import { StepActions } from "./actions/StepActions";
import { VIEWS, type ViewName } from "./address";
import { StepSummary } from "./StepSummary";
import { StepValues } from "./StepValues";
import { stepOf } from "./steps";
import { useAddress } from "./use";
import type { RunView } from "./view";

const LogViewer = lazy(() => import("./LogViewer").then((one) => ({ default: one.LogViewer })));
const Metrics = lazy(() => import("./Metrics").then((one) => ({ default: one.Metrics })));
const Plots = lazy(() => import("./Plots").then((one) => ({ default: one.Plots })));
const Artifacts = lazy(() => import("./Artifacts").then((one) => ({ default: one.Artifacts })));
const Models = lazy(() => import("./Models").then((one) => ({ default: one.Models })));
const StepCode = lazy(() => import("./StepCode").then((one) => ({ default: one.StepCode })));
const StepEnvironment = lazy(() => import("./StepCode").then((one) => ({ default: one.StepEnvironment })));

/** One step of the run beside its graph: why it stands so, its attempts, and all that each of them recorded. */
export function StepDrawer({ view, step, onClose }: { view: RunView; step: string; onClose: () => void }) {
  const { address, go } = useAddress();
  const state = stepOf(view, step);
  const { data, error } = useOp("ListTasks", { run: view.run.task.id, step }, { keepPrevious: true });
  const attempts = useMemo(() => (data ?? []).filter((task) => task.step === step), [data, step]);
  const task = attempts.find((one) => one.attempt === address.attempt) ?? attempts.at(-1);
  const names = view.steps.map((one) => one.name);
  const beside = (by: number): void => {
    const next = names[(names.indexOf(step) + by + names.length) % names.length];
    if (next !== undefined) go({ step: next, attempt: undefined, line: undefined }, true);
  };
  if (!state) {
    return (
      <Drawer title={step} onClose={onClose}>
        <EmptyState title="This run has no such step">The address names the step {step}.</EmptyState>
      </Drawer>
    );
  }
  const title = (
    <span className="step-title">
      <StatusBadge status={state.status} small />
      <Middle text={step} />
    </span>
  );
  return (
    <Drawer title={title} label={`Step ${step}`} onClose={onClose}>
      <div className="step-drawer">
        <div className="step-bar-top">
          <IconButton label="Previous step" icon={<ChevronLeft />} onClick={() => beside(-1)} />
          <IconButton label="Next step" icon={<ChevronRight />} onClick={() => beside(1)} />
          {attempts.length > 1 && (
            <Select
              aria-label="Attempt"
              value={task?.attempt ?? ""}
              onChange={(event) => go({ attempt: Number(event.target.value), line: undefined })}
            >
              {attempts.map((one) => (
                <option key={one.id} value={one.attempt}>
                  Attempt {one.attempt} of {attempts.length}: {lookOf(one.status).word.toLowerCase()}
                </option>
              ))}
            </Select>
          )}
          <StepActions view={view} step={step} />
        </div>
        {error && <ErrorNote error={error} />}
        <Tabs<ViewName>
          tabs={VIEWS}
          chosen={address.view ?? "summary"}
          label="What of the step"
          onChoose={(view) => go({ view: view === "summary" ? undefined : view, line: undefined })}
        >
          <Suspense fallback={<Skeleton rows={6} />}>
            <Shown name={address.view ?? "summary"} view={view} step={step} task={task} attempts={attempts} />
          </Suspense>
        </Tabs>
      </div>
    </Drawer>
  );
}

function Shown(props: { name: ViewName; view: RunView; step: string; task: Task | undefined; attempts: Task[] }) {
  const { name, view, step, task, attempts } = props;
  const { address, go } = useAddress();
  const { data: detail, error } = useOp("GetRun", { id: view.run.task.id });
  const onLine = useCallback((line: string | undefined) => go({ line }), [go]);
  const onArtifact = useCallback((artifact: string | undefined) => go({ artifact }), [go]);
  const definition = detail?.definition.steps.find((one) => one.name === step);
  if (name === "summary") {
    return <StepSummary view={view} step={step} definition={definition} task={task} attempts={attempts} />;
  }
  if (name === "values" || name === "code") {
    if (error) return <ErrorNote error={error} />;
    if (!detail || !definition) return <Skeleton rows={6} />;
    if (name === "values") return <StepValues definition={definition} task={task} />;
    return <StepCode detail={detail} step={step} task={task} />;
  }
  if (!task) return <EmptyState title="Nothing recorded yet">The step was not launched so far.</EmptyState>;
  const isLive = !isOver(task.status);
  switch (name) {
    case "logs":
      return (
        <LogViewer
          key={task.id}
          task={task.id}
          isLive={isLive}
          line={address.line}
          onLine={onLine}
          file={`${view.run.task.name} ${step}`}
        />
      );
    case "metrics":
      return <Metrics key={task.id} tasks={[{ id: task.id, name: "" }]} isLive={isLive} />;
    case "plots":
      return <Plots key={task.id} task={task.id} isLive={isLive} />;
    case "artifacts":
      return (
        <Artifacts
          key={task.id}
          tasks={[{ id: task.id, name: "" }]}
          isLive={isLive}
          chosen={address.artifact}
          onChoose={onArtifact}
        />
      );
    case "models":
      return <Models key={task.id} tasks={[{ id: task.id, name: "" }]} isLive={isLive} />;
    case "environment":
      return <StepEnvironment view={view} step={step} task={task} />;
  }
}
