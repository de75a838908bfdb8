import { useCallback, useMemo } from "react";
import type { RunDetail } from "../../api/types";
import { isOver } from "../../components/status";
import { LogViewer } from "./LogViewer";
import { useAddress } from "./use";

/** What the run and all its steps print, merged. */
export function LogsTab({ detail }: { detail: RunDetail }) {
  const { address, go } = useAddress();
  const { task } = detail.run;
  const names = useMemo(() => {
    const found = new Map<string, string>();
    for (const state of detail.steps) if (state.task) found.set(state.task, state.name);
    return found;
  }, [detail.steps]);
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
