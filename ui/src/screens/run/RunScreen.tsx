import "./run.css";
import { lazy, Suspense, useCallback, useMemo } from "react";
import { lookOf } from "../../components/status";
import { Tabs } from "../../components/Tabs";
import { ErrorNote, Skeleton } from "../../components/Text";
import { useKeys } from "../../shell/keys";
import { Screen } from "../../shell/Screen";
import { TABS, type TabName } from "./address";
import { GraphTab } from "./GraphTab";
import { RunHeader } from "./RunHeader";
import { StepDrawer } from "./StepDrawer";
import { useAddress, useRunId } from "./use";
import { type RunView, useRunView } from "./view";

const LogsTab = lazy(() => import("./LogsTab").then((one) => ({ default: one.LogsTab })));
const TimelineTab = lazy(() => import("./TimelineTab").then((one) => ({ default: one.TimelineTab })));
const StepsTab = lazy(() => import("./StepsTab").then((one) => ({ default: one.StepsTab })));
const MetricsTab = lazy(() => import("./RecordTabs").then((one) => ({ default: one.MetricsTab })));
const ArtifactsTab = lazy(() => import("./RecordTabs").then((one) => ({ default: one.ArtifactsTab })));
const ModelsTab = lazy(() => import("./RecordTabs").then((one) => ({ default: one.ModelsTab })));
const ParametersTab = lazy(() => import("./ParametersTab").then((one) => ({ default: one.ParametersTab })));
const CodeTab = lazy(() => import("./CodeTab").then((one) => ({ default: one.CodeTab })));
const EventsTab = lazy(() => import("./EventsTab").then((one) => ({ default: one.EventsTab })));

/** One run: how it stands and why, its graph, and all that it recorded. */
export function RunScreen() {
  const id = useRunId();
  const { data: view, error, refetch } = useRunView(id);
  const name = view?.run.task.name ?? "Run";
  const status = view?.run.task.status ?? "created";
  return (
    <Screen
      title={name}
      crumbs={[{ label: "Runs", link: { to: "/runs" } }]}
      {...(view && { tab: `${lookOf(status).glyph} ${name}` })}
      fills
    >
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!view && !error && <Skeleton rows={8} />}
      {view && <Body key={view.run.task.id} view={view} />}
    </Screen>
  );
}

function Body({ view }: { view: RunView }) {
  const { address, go } = useAddress();
  const open = useCallback((step: string) => go({ step, attempt: undefined, line: undefined }, true), [go]);
  const close = useCallback(() => go({ step: undefined, view: undefined, attempt: undefined, line: undefined }), [go]);
  const names = useMemo(() => view.steps.map((step) => step.name), [view.steps]);
  const beside = (by: number): void => {
    const place = address.step === undefined ? -1 : names.indexOf(address.step);
    const next = names[(place + by + names.length) % names.length];
    if (next !== undefined) open(next);
  };
  useKeys({
    l: () => go(address.step ? { view: "logs" } : { tab: "logs" }),
    "[": () => beside(-1),
    "]": () => beside(1),
  });
  const tabs = useMemo(
    () => TABS.map((tab) => (tab.name === "steps" ? { ...tab, count: names.length } : tab)),
    [names.length],
  );
  const tab = address.tab ?? "graph";
  return (
    <>
      <RunHeader view={view} onOpen={open} />
      <div className="run-body" data-open={address.step !== undefined || undefined}>
        <Tabs<TabName>
          tabs={tabs}
          chosen={tab}
          label="What of the run"
          onChoose={(next) => go({ tab: next === "graph" ? undefined : next, line: undefined })}
        >
          <Suspense fallback={<Skeleton rows={8} />}>
            <TabBody tab={tab} view={view} chosen={address.step} onChoose={open} />
          </Suspense>
        </Tabs>
        {address.step !== undefined && <StepDrawer view={view} step={address.step} onClose={close} />}
      </div>
    </>
  );
}

function TabBody(props: { tab: TabName; view: RunView; chosen: string | undefined; onChoose: (step: string) => void }) {
  const { tab, view, chosen, onChoose } = props;
  switch (tab) {
    case "graph":
      return <GraphTab view={view} chosen={chosen} onChoose={onChoose} />;
    case "timeline":
      return <TimelineTab view={view} chosen={chosen} onChoose={onChoose} />;
    case "steps":
      return <StepsTab view={view} chosen={chosen} onChoose={onChoose} />;
    case "logs":
      return <LogsTab view={view} />;
    case "metrics":
      return <MetricsTab view={view} />;
    case "artifacts":
      return <ArtifactsTab view={view} />;
    case "models":
      return <ModelsTab view={view} />;
    case "parameters":
      return <ParametersTab view={view} />;
    case "code":
      return <CodeTab view={view} />;
    case "events":
      return <EventsTab view={view} onChoose={onChoose} />;
  }
}
