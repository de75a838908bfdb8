import "./run.css";
import { lazy, Suspense, useCallback, useMemo } from "react";
import { useOp } from "../../api/queries";
import type { RunDetail } from "../../api/types";
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
  const { data: detail, error, refetch } = useOp("GetRun", { id }, { keepPrevious: true });
  const name = detail?.run.task.name ?? "Run";
  const status = detail?.run.task.status ?? "created";
  return (
    <Screen
      title={name}
      crumbs={[{ label: "Runs", link: { to: "/runs" } }]}
      {...(detail && { tab: `${lookOf(status).glyph} ${name}` })}
      fills
    >
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!detail && !error && <Skeleton rows={8} />}
      {detail && <Body key={detail.run.task.id} detail={detail} />}
    </Screen>
  );
}

function Body({ detail }: { detail: RunDetail }) {
  const { address, go } = useAddress();
  const open = useCallback((step: string) => go({ step, attempt: undefined, line: undefined }, true), [go]);
  const close = useCallback(() => go({ step: undefined, view: undefined, attempt: undefined, line: undefined }), [go]);
  const names = useMemo(() => detail.definition.steps.map((step) => step.name), [detail]);
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
      <RunHeader detail={detail} onOpen={open} />
      <div className="run-body" data-open={address.step !== undefined || undefined}>
        <Tabs<TabName>
          tabs={tabs}
          chosen={tab}
          label="What of the run"
          onChoose={(next) => go({ tab: next === "graph" ? undefined : next, line: undefined })}
        >
          <Suspense fallback={<Skeleton rows={8} />}>
            <TabBody tab={tab} detail={detail} chosen={address.step} onChoose={open} />
          </Suspense>
        </Tabs>
        {address.step !== undefined && <StepDrawer detail={detail} step={address.step} onClose={close} />}
      </div>
    </>
  );
}

function TabBody(props: {
  tab: TabName;
  detail: RunDetail;
  chosen: string | undefined;
  onChoose: (step: string) => void;
}) {
  const { tab, detail, chosen, onChoose } = props;
  switch (tab) {
    case "graph":
      return <GraphTab detail={detail} chosen={chosen} onChoose={onChoose} />;
    case "timeline":
      return <TimelineTab detail={detail} chosen={chosen} onChoose={onChoose} />;
    case "steps":
      return <StepsTab detail={detail} chosen={chosen} onChoose={onChoose} />;
    case "logs":
      return <LogsTab detail={detail} />;
    case "metrics":
      return <MetricsTab detail={detail} />;
    case "artifacts":
      return <ArtifactsTab detail={detail} />;
    case "models":
      return <ModelsTab detail={detail} />;
    case "parameters":
      return <ParametersTab detail={detail} />;
    case "code":
      return <CodeTab detail={detail} />;
    case "events":
      return <EventsTab detail={detail} onChoose={onChoose} />;
  }
}
