import "./records.css";
import { useOp } from "../../api/queries";
import { ErrorNote, Skeleton } from "../../components/Text";
import { ScriptView } from "./StepCode";
import type { RunView } from "./view";

/** The script of the pipeline, and the functions that its steps run. */
export function CodeTab({ view }: { view: RunView }) {
  const { data: detail, error } = useOp("GetRun", { id: view.run.task.id });
  if (error) return <ErrorNote error={error} />;
  if (!detail) return <Skeleton rows={8} />;
  const { code, steps } = detail.definition;
  const users = new Map<string, string[]>();
  for (const step of steps) users.set(step.code, [...(users.get(step.code) ?? []), step.name]);
  return (
    <div className="record-tab code-tab">
      <h2>The pipeline</h2>
      <ScriptView script={detail.run.task.script} />
      {Object.entries(code).map(([key, script]) => (
        <details key={key} className="code-part">
          <summary>
            <code>{script.entry_point}</code> <span className="quiet">{namesText(users.get(key) ?? [])}</span>
          </summary>
          <ScriptView script={script} />
        </details>
      ))}
    </div>
  );
}

function namesText(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
