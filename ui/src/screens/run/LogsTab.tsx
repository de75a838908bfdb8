import { useCallback, useMemo } from "react";
import { isOver } from "../../components/status";
import { LogViewer } from "./LogViewer";
import { useAddress } from "./use";
import type { RunView } from "./view";

/** What the run and all its steps print, merged. */
export function LogsTab({ view }: { view: RunView }) {
  const { address, go } = useAddress();
  const { task } = view.run;
  const names = useMemo(() => {
    const found = new Map<string, string>();
    for (const step of view.steps) {
      if (step.task) found.set(step.task, step.name);
      for (const one of step.tries) found.set(one.task, `${step.name} (${one.attempt})`);
    }
    return found;
  }, [view.steps]);
  const nameOf = useCallback(
    (id: string) => names.get(id) ?? (id === task.id ? "run" : `attempt ${id.slice(0, 6)}`),
    [names, task.id],
  );
  const onLine = useCallback((line: string | undefined) => go({ line }), [go]);
  return (
    <LogViewer
      task={task.id}
      wholeRun
      isLive={!isOver(task.status)}
      nameOf={nameOf}
      line={address.step ? undefined : address.line}
      onLine={onLine}
      file={task.name}
    />
  );
}
