import { Fragment } from "react";
import { useOp } from "../../api/queries";
import type { Parameter, Task } from "../../api/types";
import { Table } from "../../components/Table";
import { EmptyState, ErrorNote } from "../../components/Text";
import { TextBlock } from "./TextBlock";
import { useAddress } from "./use";
import { ValueText } from "./ValueText";
import { type Argument, argumentsOf, type StepDefinition } from "./values";

/** What the step was called with: each value, and the reference that it came from. */
export function StepValues({ definition, task }: { definition: StepDefinition; task: Task | undefined }) {
  const { data, error } = useOp("GetParameters", { task: task?.id ?? "" }, { enabled: task !== undefined });
  const { data: configurations } = useOp(
    "GetConfigurations",
    { task: task?.id ?? "" },
    { enabled: task !== undefined },
  );
  const { given, others } = argumentsOf(definition, (data ?? []) as Parameter[]);
  const empty = !given.length && !others.length && !configurations?.length;
  return (
    <div className="step-values">
      {error && <ErrorNote error={error} />}
      {empty && <EmptyState title="No values">The step is called without arguments, and set no parameters.</EmptyState>}
      {given.length > 0 && (
        <Table label="Arguments" compact>
          <thead>
            <tr>
              <th>Argument</th>
              <th>Value</th>
              <th>Where it came from</th>
            </tr>
          </thead>
          <tbody>
            {given.map((one) => (
              <tr key={one.name}>
                <th scope="row" className="value-name">
                  {one.name}
                </th>
                <td>{one.isKnown ? <ValueText value={one.value} /> : <span className="faint">not known yet</span>}</td>
                <td>
                  <Origin argument={one} />
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {others.length > 0 && (
        <Table label="Parameters that it set" compact>
          <thead>
            <tr>
              <th>Parameter</th>
              <th>Value</th>
            </tr>
          </thead>
          <tbody>
            {others.map((one) => (
              <tr key={`${one.section}/${one.name}`}>
                <th scope="row" className="value-name">
                  <span className="faint">{one.section}/</span>
                  {one.name}
                </th>
                <td>
                  <ValueText value={one.value} />
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {configurations?.map((one) => (
        <Fragment key={one.name}>
          <h3>{one.name}</h3>
          <TextBlock label={one.name}>{one.text}</TextBlock>
        </Fragment>
      ))}
    </div>
  );
}

function Origin({ argument }: { argument: Argument }) {
  const { go } = useAddress();
  if (!argument.references.length) return <span className="faint">given in the script</span>;
  return (
    <>
      {argument.references.map((reference) => (
        <Fragment key={reference.text}>
          {reference.step === null ? (
            <code>{reference.text}</code>
          ) : (
            <button
              type="button"
              className="link mono"
              onClick={() => go({ step: reference.step ?? undefined, attempt: undefined, line: undefined }, true)}
            >
              {reference.text}
            </button>
          )}{" "}
        </Fragment>
      ))}
    </>
  );
}
