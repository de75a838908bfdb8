// What all steps of a run recorded, in one place.
import { useCallback, useMemo, useState } from "react";
import { Button } from "../../components/Button";
import { Artifacts } from "./Artifacts";
import { Metrics, type Recorder } from "./Metrics";
import { Models } from "./Models";
import { isLive } from "./steps";
import { useAddress } from "./use";
import type { RunView } from "./view";

const AT_ONCE = 40;

/** Return the run and the steps that began, at first so many of them; each is asked for by itself. */
function useRecorders(view: RunView): { tasks: Recorder[]; more: number; all: () => void } {
  const [most, setMost] = useState(AT_ONCE);
  const begun = useMemo(() => view.steps.flatMap(({ task, name }) => (task ? [{ id: task, name }] : [])), [view.steps]);
  const stamp = begun.map(({ id }) => id).join();
  const { id } = view.run.task;
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

export function MetricsTab({ view }: { view: RunView }) {
  const { tasks, ...rest } = useRecorders(view);
  return (
    <div className="record-tab">
      <Metrics tasks={tasks} isLive={isLive(view)} />
      <More {...rest} />
    </div>
  );
}

export function ArtifactsTab({ view }: { view: RunView }) {
  const { address, go } = useAddress();
  const { tasks, ...rest } = useRecorders(view);
  const choose = useCallback((artifact: string | undefined) => go({ artifact }), [go]);
  return (
    <div className="record-tab">
      <Artifacts
        tasks={tasks}
        isLive={isLive(view)}
        chosen={address.step ? undefined : address.artifact}
        onChoose={choose}
      />
      <More {...rest} />
    </div>
  );
}

export function ModelsTab({ view }: { view: RunView }) {
  const { tasks, ...rest } = useRecorders(view);
  return (
    <div className="record-tab">
      <Models tasks={tasks} isLive={isLive(view)} />
      <More {...rest} />
    </div>
  );
}
