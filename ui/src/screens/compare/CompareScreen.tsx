import "./compare.css";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Plus, X } from "lucide-react";
import { useState } from "react";
import { useOp } from "../../api/queries";
import type { Run } from "../../api/types";
import { Ask } from "../../components/Ask";
import { Button, IconButton } from "../../components/Button";
import { StatusBadge } from "../../components/StatusBadge";
import { Tabs } from "../../components/Tabs";
import { EmptyState, ErrorNote, Middle, Skeleton } from "../../components/Text";
import { Duration } from "../../components/Time";
import { Screen } from "../../shell/Screen";
import { Differences } from "./Differences";
import { Overlays } from "./Overlays";
import { COMPARE_TABS, type CompareSearch, MOST } from "./route";
import { Times } from "./Times";

const route = getRouteApi("/compare");

/** Two to twenty runs beside each other: in what they differ, how long their steps took, their curves in one chart. */
export function CompareScreen() {
  const search = route.useSearch();
  const { runs: ids = [], tab = "differences" } = search;
  const navigate = useNavigate({ from: "/compare" });
  const enough = ids.length > 1;
  const { data, error, refetch } = useOp("CompareRuns", { ids }, { enabled: enough, keepPrevious: true });
  const [adding, setAdding] = useState(false);
  const go = (more: CompareSearch): void => {
    const next = { ...search, ...more };
    if (next.tab === "differences") delete next.tab;
    void navigate({ search: next, replace: more.runs === undefined });
  };
  const remove = (id: string): void => go({ runs: ids.filter((one) => one !== id) });
  return (
    <Screen
      title="Compare runs"
      crumbs={[{ label: "Runs", link: { to: "/runs" } }]}
      fills
      actions={
        <Button small icon={<Plus />} disabled={ids.length >= MOST} onClick={() => setAdding(true)}>
          Add runs
        </Button>
      }
    >
      {!enough && (
        <EmptyState
          title={ids.length ? "One more run is needed" : "Which runs?"}
          action={
            <Button look="primary" onClick={() => setAdding(true)}>
              Choose runs
            </Button>
          }
        >
          Two to twenty runs can be put beside each other.
        </EmptyState>
      )}
      {enough && error && <ErrorNote error={error} again={() => void refetch()} />}
      {enough && !data && !error && <Skeleton rows={8} />}
      {enough && data && (
        <>
          <ul className="compared">
            {data.runs.map((run, place) => (
              <ComparedRun key={run.task.id} run={run} place={place} onRemove={() => remove(run.task.id)} />
            ))}
          </ul>
          <Tabs label="Compared" tabs={COMPARE_TABS} chosen={tab} onChoose={(one) => go({ tab: one })}>
            {tab === "differences" && <Differences found={data} />}
            {tab === "times" && <Times found={data} />}
            {tab === "metrics" && <Overlays found={data} step={search.step} onStep={(step) => go({ step })} />}
          </Tabs>
        </>
      )}
      {adding && <Choose chosen={ids} onClose={() => setAdding(false)} onChoose={(runs) => go({ runs })} />}
    </Screen>
  );
}

function ComparedRun({ run, place, onRemove }: { run: Run; place: number; onRemove: () => void }) {
  const { id, name, status, started, ended } = run.task;
  return (
    <li className="compared-run">
      <StatusBadge small status={status} />
      <Link to="/runs/$run" params={{ run: id }}>
        <Middle text={name} />
      </Link>
      <span className="quiet">
        <Duration from={started} to={ended} />
      </span>
      {place === 0 && <span className="faint">the others against it</span>}
      <IconButton label={`Take ${name} out`} icon={<X />} onClick={onRemove} />
    </li>
  );
}

/** Chooses among the newest runs. */
function Choose(props: { chosen: readonly string[]; onClose: () => void; onChoose: (runs: string[]) => void }) {
  const { chosen, onClose, onChoose } = props;
  const { data } = useOp("SearchRuns", { limit: 200, archived: false });
  const [ids, setIds] = useState<readonly string[]>(chosen);
  const toggle = (id: string, on: boolean): void => setIds(on ? [...ids, id] : ids.filter((one) => one !== id));
  return (
    <Ask
      wide
      title="Choose runs"
      description={`${ids.length} of at most ${MOST} chosen`}
      action="Compare"
      onClose={onClose}
      ready={ids.length > 1 && ids.length <= MOST}
      run={async () => onChoose([...ids])}
    >
      {!data && <Skeleton rows={6} />}
      <ul className="choose">
        {data?.rows.map(({ run }) => (
          <li key={run.task.id}>
            <label className="choose-run">
              <input
                type="checkbox"
                checked={ids.includes(run.task.id)}
                disabled={!ids.includes(run.task.id) && ids.length >= MOST}
                onChange={(event) => toggle(run.task.id, event.target.checked)}
              />
              <StatusBadge small status={run.task.status} />
              <Middle text={run.task.name} />
              <span className="faint cut">{run.project}</span>
            </label>
          </li>
        ))}
      </ul>
    </Ask>
  );
}
