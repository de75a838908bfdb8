// What all steps of a run recorded, in one place.
import { useCallback, useMemo } from "react";
import { Artifacts } from "./Artifacts";
import { Metrics } from "./Metrics";
import { Models } from "./Models";
import type { Recorder } from "./records";
import { isLive } from "./steps";
import { useAddress } from "./use";
import type { RunView } from "./view";

/** Return the run and the steps that began. */
function useRecorders(view: RunView): Recorder[] {
  const begun = useMemo(() => view.steps.flatMap(({ task, name }) => (task ? [{ id: task, name }] : [])), [view.steps]);
  const stamp = begun.map(({ id }) => id).join();
  const { id } = view.run.task;
  // biome-ignore lint/correctness/useExhaustiveDependencies: other tasks only, not every change of a status
  return useMemo(() => [{ id, name: "run" }, ...begun], [id, stamp]);
}

export function MetricsTab({ view }: { view: RunView }) {
  const tasks = useRecorders(view);
  return (
    <div className="record-tab">
      <Metrics tasks={tasks} isLive={isLive(view)} />
    </div>
  );
}

export function ArtifactsTab({ view }: { view: RunView }) {
  const { address, go } = useAddress();
  const tasks = useRecorders(view);
  const choose = useCallback((artifact: string | undefined) => go({ artifact }), [go]);
  return (
    <div className="record-tab">
      <Artifacts
        tasks={tasks}
        isLive={isLive(view)}
        chosen={address.step ? undefined : address.artifact}
        onChoose={choose}
      />
    </div>
  );
}

export function ModelsTab({ view }: { view: RunView }) {
  const tasks = useRecorders(view);
  return (
    <div className="record-tab">
      <Models tasks={tasks} isLive={isLive(view)} />
    </div>
  );
}
