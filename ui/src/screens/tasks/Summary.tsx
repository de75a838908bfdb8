import { Pencil } from "lucide-react";
import { useState } from "react";
import { useOp } from "../../api/queries";
import type { Json, Parameter, Task } from "../../api/types";
import { Button } from "../../components/Button";
import { Table } from "../../components/Table";
import { CopyButton, ErrorNote, Skeleton } from "../../components/Text";
import { Facts } from "../run/Facts";
import { TextBlock } from "../run/TextBlock";
import { ValueText } from "../run/ValueText";
import { EditConfiguration } from "./EditConfiguration";
import { EditParameters } from "./EditParameters";

/** What a task was asked: its facts, its parameters and its configuration. A draft is asked something else here. */
export function Summary({ task }: { task: Task }) {
  const parameters = useOp("GetParameters", { task: task.id });
  const configurations = useOp("GetConfigurations", { task: task.id });
  const [editing, setEditing] = useState<"parameters" | { configuration: string | null } | null>(null);
  const isDraft = task.status === "created" && task.run === null;
  return (
    <div className="page">
      <section className="panel" aria-label="What it is">
        <Facts
          facts={[
            ["Comment", task.comment],
            ["Type", task.type.replace("_", " ")],
            ["Queue", task.queue],
            ["Container", task.container?.image],
            ["Machine", task.worker && `${task.worker.host}, process ${task.worker.pid}`],
            [
              "Id",
              <span key="id" className="with-copy">
                <code>{task.id}</code>
                <CopyButton text={task.id} what="Copy the task's id" />
              </span>,
            ],
          ]}
        />
      </section>
      <section aria-labelledby="parameters">
        <div className="section-title">
          <h2 id="parameters">Parameters</h2>
          {isDraft && parameters.data && (
            <Button small icon={<Pencil />} onClick={() => setEditing("parameters")}>
              Edit parameters
            </Button>
          )}
        </div>
        {parameters.error && <ErrorNote error={parameters.error} />}
        {parameters.isPending && <Skeleton rows={3} />}
        {parameters.data?.length === 0 && <p className="quiet">It has none.</p>}
        {parameters.data && parameters.data.length > 0 && (
          <div className="panel flush">
            <Values parameters={parameters.data} />
          </div>
        )}
      </section>
      <section aria-labelledby="configuration">
        <div className="section-title">
          <h2 id="configuration">Configuration</h2>
          {isDraft && configurations.data && (
            <Button small icon={<Pencil />} onClick={() => setEditing({ configuration: null })}>
              New configuration
            </Button>
          )}
        </div>
        {configurations.data?.length === 0 && <p className="quiet">It has none.</p>}
        {configurations.data?.map((one) => (
          <div key={one.name} className="configuration">
            <div className="section-title">
              <h3>{one.name}</h3>
              {isDraft && (
                <Button
                  small
                  icon={<Pencil />}
                  aria-label={`Edit ${one.name}`}
                  onClick={() => setEditing({ configuration: one.name })}
                >
                  Edit
                </Button>
              )}
            </div>
            <TextBlock label={one.name}>{one.text}</TextBlock>
          </div>
        ))}
      </section>
      {editing === "parameters" && parameters.data && (
        <EditParameters task={task.id} parameters={parameters.data} onClose={() => setEditing(null)} />
      )}
      {editing !== null && editing !== "parameters" && (
        <EditConfiguration
          task={task.id}
          before={configurations.data?.find((one) => one.name === editing.configuration)}
          onClose={() => setEditing(null)}
        />
      )}
    </div>
  );
}

function Values({ parameters }: { parameters: readonly Parameter[] }) {
  return (
    <Table label="Parameters" compact>
      <thead>
        <tr>
          <th>Parameter</th>
          <th>Type</th>
          <th>Value</th>
          <th className="when-wide">What it is for</th>
        </tr>
      </thead>
      <tbody>
        {parameters.map((one) => (
          <tr key={`${one.section}/${one.name}`}>
            <td>
              {one.section !== "Args" && <span className="faint">{one.section}/</span>}
              {one.name}
            </td>
            <td className="quiet">{one.type}</td>
            <td>
              <ValueText value={one.value as Json} />
            </td>
            <td className="quiet when-wide">{one.description}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
