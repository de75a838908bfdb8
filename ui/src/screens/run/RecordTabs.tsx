// What all steps of a run recorded, in one place.
import { useCallback, useMemo, useState } from "react";
import type { RunDetail } from "../../api/types";
import { Button } from "../../components/Button";
import { isOver } from "../../components/status";
import { Artifacts } from "./Artifacts";
import { Metrics, type Recorder } from "./Metrics";
import { Models } from "./Models";
import { useAddress } from "./use";

const AT_ONCE = 40;

/** Return the run and the steps that began, at first so many of them; each is asked for by itself. */
function useRecorders(detail: RunDetail): { tasks: Recorder[]; more: number; all: () => void } {
  const [most, setMost] = useState(AT_ONCE);
  const begun = useMemo(
    () => detail.steps.flatMap(({ task, name }) => (task ? [{ id: task, name }] : [])),
    [detail.steps],
  );
  const stamp = begun.map(({ id }) => id).join();
  const { id } = detail.run.task;
  // biome-ignore lint/correctness/useExhaustiveDependencies: other tasks only, not every change of a status
  const tasks = useMemo(() => [{ id, name: "run" }, ...begun.slice(0, most)], [id, stamp, most]);
  return { tasks, more: begun.length - most, all: () => setMost(most + 10 * AT_ONCE) };
}

function More({ more, all }: { more: number; all: () => void }) {
  if (more <= 0) return null;
  return (
    <p className="record-more">
      <Button small onClick={all}>
        Show more: {more.toLocaleString("en")} steps are not looked at yet
      </Button>
    </p>
  );
}

export function MetricsTab({ detail }: { detail: RunDetail }) {
  const { tasks, ...rest } = useRecorders(detail);
  return (
    <div className="record-tab">
      <Metrics tasks={tasks} isLive={!isOver(detail.run.task.status)} />
      <More {...rest} />
    </div>
  );
}

export function ArtifactsTab({ detail }: { detail: RunDetail }) {
  const { address, go } = useAddress();
  const { tasks, ...rest } = useRecorders(detail);
  const choose = useCallback((artifact: string | undefined) => go({ artifact }), [go]);
  return (
    <div className="record-tab">
      <Artifacts
        tasks={tasks}
        isLive={!isOver(detail.run.task.status)}
        chosen={address.step ? undefined : address.artifact}
        onChoose={choose}
      />
      <More {...rest} />
    </div>
  );
}

export function ModelsTab({ detail }: { detail: RunDetail }) {
  const { tasks, ...rest } = useRecorders(detail);
  return (
    <div className="record-tab">
      <Models tasks={tasks} isLive={!isOver(detail.run.task.status)} />
      <More {...rest} />
    </div>
  );
}
