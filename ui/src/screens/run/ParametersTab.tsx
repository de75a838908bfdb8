import { useOp } from "../../api/queries";
import type { Json } from "../../api/types";
import { Table } from "../../components/Table";
import { EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { usePreviousRun } from "./previous";
import { TextBlock } from "./TextBlock";
import { ValueText } from "./ValueText";
import { inOneLine } from "./values";
import type { RunView } from "./view";

/** The run's parameters and configurations, and in what they differ from those of the run before. */
export function ParametersTab({ view }: { view: RunView }) {
  const { id } = view.run.task;
  const { data, error } = useOp("GetParameters", { task: id });
  const { data: configurations } = useOp("GetConfigurations", { task: id });
  const { data: task } = useOp("GetTask", { id });
  const overrides = overridesOf(task?.runtime.step_overrides);
  const before = usePreviousRun(view);
  const { data: earlier } = useOp("GetParameters", { task: before?.task.id ?? "" }, { enabled: before !== undefined });
  if (error) return <ErrorNote error={error} />;
  if (!data) return <Skeleton rows={5} />;
  const old = new Map(earlier?.map((one) => [`${one.section}/${one.name}`, one.value as Json]));
  if (!data.length && !configurations?.length && !overrides.length) {
    return <EmptyState title="No parameters">The pipeline takes none: pipe.add_parameter(…) would add one.</EmptyState>;
  }
  return (
    <div className="record-tab">
      {data.length > 0 && (
        <Table label="Parameters">
          <thead>
            <tr>
              <th>Parameter</th>
              <th>Type</th>
              <th>Value</th>
              {before && <th>In {before.task.name}</th>}
              <th>What it is for</th>
            </tr>
          </thead>
          <tbody>
            {data.map((one) => {
              const path = `${one.section}/${one.name}`;
              const was = old.get(path);
              const same =
                earlier === undefined || (old.has(path) && inOneLine(was ?? null) === inOneLine(one.value as Json));
              return (
                <tr key={path} data-changed={!same || undefined}>
                  <th scope="row" className="value-name">
                    {one.section !== "Args" && <span className="faint">{one.section}/</span>}
                    {one.name}
                  </th>
                  <td className="quiet">{one.type}</td>
                  <td>
                    <ValueText value={one.value} />
                  </td>
                  {before && (
                    <td>
                      {earlier === undefined || same ? (
                        <span className="faint">the same</span>
                      ) : old.has(path) ? (
                        <ValueText value={was} />
                      ) : (
                        <span className="faint">was not there</span>
                      )}
                    </td>
                  )}
                  <td className="quiet">{one.description}</td>
                </tr>
              );
            })}
          </tbody>
        </Table>
      )}
      {overrides.length > 0 && (
        <Table label="Per-step overrides">
          <thead>
            <tr>
              <th>Step</th>
              <th>Queue</th>
              <th>Cache</th>
            </tr>
          </thead>
          <tbody>
            {overrides.map(([step, { queue, cache }]) => (
              <tr key={step}>
                <th scope="row" className="value-name">
                  {step}
                </th>
                <td>{queue ?? <span className="faint">as its script says</span>}</td>
                <td>{cache == null ? <span className="faint">as its script says</span> : cache ? "on" : "off"}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {configurations?.map((one) => (
        <section key={one.name} className="code-part">
          <h2>{one.name}</h2>
          <TextBlock label={one.name}>{one.text}</TextBlock>
        </section>
      ))}
    </div>
  );
}

/** Return what the launch asked of single steps, as it is recorded with the run. */
function overridesOf(text = "{}"): [string, { queue?: string; cache?: boolean }][] {
  try {
    return Object.entries(JSON.parse(text));
  } catch {
    return [];
  }
}
