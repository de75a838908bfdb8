import "../run/graph.css";
import { useQueries } from "@tanstack/react-query";
import { opQuery } from "../../api/queries";
import { Field, Select } from "../../components/Field";
import { isOver } from "../../components/status";
import { ErrorNote, Skeleton } from "../../components/Text";
import { Metrics } from "../run/Metrics";
import type { Comparison } from "./Differences";

/** The curves of all the runs, one chart for each title: of a step, or of the runs themselves. */
export function Overlays(props: { found: Comparison; step: string | undefined; onStep: (step: string) => void }) {
  const { found, step, onStep } = props;
  const names = found.steps.map((one) => one.name);
  const chosen = step ?? names.find((name) => isMeasured(found, name)) ?? "";
  const details = useQueries({ queries: found.runs.map((run) => opQuery("GetRun", { id: run.task.id })) });
  const error = details.find((one) => one.error)?.error;
  if (error) return <ErrorNote error={error} />;
  const isPending = details.some((one) => one.isPending);
  const tasks = found.runs.flatMap((run, place) => {
    const of = details[place]?.data?.steps.find((one) => one.name === chosen)?.task;
    const id = chosen === "" ? run.task.id : of;
    return id ? [{ id, name: run.task.name }] : [];
  });
  return (
    <div className="compare-panel compare-scroller">
      <div className="compare-step">
        <Field label="Metrics of">
          {(ids) => (
            <Select {...ids} value={chosen} onChange={(event) => onStep(event.target.value)}>
              <option value="">the runs themselves</option>
              {names.map((name) => (
                <option key={name} value={name}>
                  step {name}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      {isPending ? (
        <Skeleton rows={6} />
      ) : (
        <Metrics key={chosen} unit="runs" tasks={tasks} isLive={found.runs.some((run) => !isOver(run.task.status))} />
      )}
    </div>
  );
}

/** Return whether a step measured something in which the runs differ. */
function isMeasured(found: Comparison, step: string): boolean {
  return found.differences.some((one) => one.aspect === "metric" && one.name.startsWith(`${step}: `));
}
