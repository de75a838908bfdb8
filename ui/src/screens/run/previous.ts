// The run before this one, of the same pipeline: what code, environment and parameters are compared with.
import { useOp } from "../../api/queries";
import type { Run, RunDetail, Task } from "../../api/types";

/** Return the run before, once it is known; undefined where there is none. */
export function usePreviousRun({ run }: { run: Run }): Run | undefined {
  const { pipeline, project, number } = run;
  const { data } = useOp("ListRuns", { pipeline, project, limit: 200 });
  return data?.filter((one) => one.number > 0 && one.number < number).sort((a, b) => b.number - a.number)[0];
}

/** Return what the run before had of a step, once it is known. */
export function usePreviousStep(
  shown: { run: Run },
  step: string,
): { run: Run | undefined; detail: RunDetail | undefined; task: Task | undefined } {
  const run = usePreviousRun(shown);
  const { data } = useOp("GetRun", { id: run?.task.id ?? "" }, { enabled: run !== undefined });
  const id = data?.steps.find((one) => one.name === step)?.task;
  const { data: task } = useOp("GetTask", { id: id ?? "" }, { enabled: Boolean(id) });
  return { run, detail: data, task };
}
