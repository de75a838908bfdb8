import { useState } from "react";
import type { RunDetail, Task } from "../../api/types";
import { Code, EmptyState } from "../../components/Text";
import { Diff } from "./Diff";
import { environmentOf } from "./environment";
import { Facts } from "./Facts";
import { usePreviousStep } from "./previous";
import type { RunView } from "./view";

type Script = Task["script"];

/** The code of a step, and what changed in it since the run before. */
export function StepCode({ detail, step, task }: { detail: RunDetail; step: string; task: Task | undefined }) {
  const code = definitionOf(detail, step)?.code ?? "";
  const script = task?.script ?? detail.definition.code[code];
  const { run, detail: before } = usePreviousStep(detail, step);
  const oldCode = before && definitionOf(before, step)?.code;
  const old = oldCode === undefined ? undefined : before?.definition.code[oldCode];
  const now = detail.definition.code[code];
  if (!script) return <EmptyState title="No code recorded">It is known once the step is launched.</EmptyState>;
  const changed = old !== undefined && now !== undefined && textOf(old) !== textOf(now);
  return (
    <div className="step-code">
      <p className="quiet">
        {run === undefined
          ? "There is no run before this one to compare with."
          : old === undefined
            ? `${run.task.name} has no step of this name.`
            : changed
              ? `It is not the code of ${run.task.name}:`
              : `The same code as in ${run.task.name}.`}
      </p>
      {changed && <Diff before={textOf(old)} after={textOf(now)} label={`Changes since ${run?.task.name}`} />}
      <ScriptView script={script} />
    </div>
  );
}

function definitionOf(detail: RunDetail, name: string) {
  return detail.definition.steps.find((step) => step.name === name);
}

function textOf(script: Script): string {
  return [script.source || `${script.repository ?? ""} ${script.entry_point} at ${script.commit ?? ""}`, script.diff]
    .filter(Boolean)
    .join("\n");
}

/** A recorded script: where it comes from, its text, and what was not committed. */
export function ScriptView({ script }: { script: Script }) {
  const [shown, setShown] = useState(true);
  return (
    <section className="code-part">
      <Facts
        facts={[
          ["Entry point", script.entry_point && <code>{script.entry_point}</code>],
          ["Kind", script.kind],
          ["Repository", script.repository && <code>{script.repository}</code>],
          ["Branch", script.branch],
          ["Commit", script.commit && <code>{script.commit}</code>],
          ["Folder", script.working_dir && <code>{script.working_dir}</code>],
        ]}
      />
      {script.source && (
        <>
          <button type="button" className="link" aria-expanded={shown} onClick={() => setShown(!shown)}>
            {shown ? "Hide the code" : "Show the code"}
          </button>
          {shown && <Code text={script.source} label={script.entry_point || "Code"} />}
        </>
      )}
      {script.diff && (
        <>
          <h3>Not committed</h3>
          <Code text={script.diff} label="Not committed" />
        </>
      )}
      {script.files.map((file) => (
        <details key={file.name}>
          <summary>{file.name}</summary>
          <Code text={file.text} label={file.name} />
        </details>
      ))}
    </section>
  );
}

/** What a step ran in, and what of it is other than in the run before. */
export function StepEnvironment({ view, step, task }: { view: RunView; step: string; task: Task }) {
  const { run, task: old } = usePreviousStep(view, step);
  const now = environmentOf(task);
  const before = old && environmentOf(old);
  const names = [...new Set([...now.keys(), ...(before?.keys() ?? [])])];
  const changed = before ? names.filter((name) => now.get(name) !== before.get(name)) : [];
  return (
    <div className="step-code">
      <p className="quiet">
        {before === undefined
          ? "There is nothing to compare it with: the run before does not have this step."
          : changed.length
            ? `${changed.length} of these are other than in ${run?.task.name}:`
            : `The same as in ${run?.task.name}.`}
      </p>
      {changed.length > 0 && before && (
        <ul className="env-changes">
          {changed.map((name) => (
            <li key={name}>
              <strong>{name}</strong> <del>{before.get(name) ?? "not there"}</del>{" "}
              <ins>{now.get(name) ?? "not there"}</ins>
            </li>
          ))}
        </ul>
      )}
      <Facts facts={[...now].map(([name, value]) => [name, <code key={name}>{value}</code>] as const)} />
    </div>
  );
}
