import { Plus } from "lucide-react";
import { useState } from "react";
import { act } from "../../api/act";
import type { Json, Parameter } from "../../api/types";
import { Ask } from "../../components/Ask";
import { Button } from "../../components/Button";
import { Field, Input } from "../../components/Field";
import { readValue, written } from "./values";

interface Row {
  key: number;
  parameter: Parameter;
  text: string;
  isNew: boolean;
}

/** Changes the parameters of a draft, and adds some. */
export function EditParameters(props: { task: string; parameters: readonly Parameter[]; onClose: () => void }) {
  const { task, parameters, onClose } = props;
  const [rows, setRows] = useState<readonly Row[]>(() =>
    parameters.map((parameter, key) => ({ key, parameter, text: written(parameter.value as Json), isNew: false })),
  );
  const change = (key: number, more: Partial<Row>): void =>
    setRows(rows.map((row) => (row.key === key ? { ...row, ...more } : row)));
  const add = (): void => {
    const parameter: Parameter = { section: "Args", name: "", value: null, type: "", description: "" };
    setRows([...rows, { key: rows.length, parameter, text: "", isNew: true }]);
  };
  const ready = rows.every((row) => problemOf(row) === null && row.parameter.name.trim() !== "");
  const save = (): Promise<unknown> => {
    const changed = rows
      .filter((row) => row.isNew || row.text !== written(row.parameter.value as Json))
      .map(({ parameter, text }) => ({
        ...parameter,
        value: readValue(text, parameter.type, parameter.value as Json) as never,
      }));
    if (!changed.length) return Promise.resolve();
    return act("SetParameters", { task, parameters: changed }, "GetParameters");
  };
  return (
    <Ask wide title="Edit parameters" action="Save" onClose={onClose} ready={ready} run={save}>
      {rows.map((row) => {
        const { section, name, type } = row.parameter;
        if (row.isNew) {
          return (
            <div key={row.key} className="new-parameter">
              <Field label="Name of the new parameter" note="In another section: General/name">
                {(ids) => (
                  <Input
                    {...ids}
                    value={section === "Args" ? name : `${section}/${name}`}
                    onChange={(event) =>
                      change(row.key, { parameter: { ...row.parameter, ...placeOf(event.target.value) } })
                    }
                  />
                )}
              </Field>
              <Field label="Its value" note="JSON, or a text">
                {(ids) => (
                  <Input
                    {...ids}
                    value={row.text}
                    onChange={(event) => change(row.key, { text: event.target.value })}
                  />
                )}
              </Field>
            </div>
          );
        }
        return (
          <Field
            key={row.key}
            label={section === "Args" ? name : `${section}/${name}`}
            note={[type, row.parameter.description].filter(Boolean).join(": ") || undefined}
            error={problemOf(row)}
          >
            {(ids) => (
              <Input {...ids} value={row.text} onChange={(event) => change(row.key, { text: event.target.value })} />
            )}
          </Field>
        );
      })}
      <div>
        <Button small icon={<Plus />} onClick={add}>
          Add parameter
        </Button>
      </div>
    </Ask>
  );
}

function problemOf({ parameter, text }: Row): string | null {
  try {
    readValue(text, parameter.type, parameter.value as Json);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Return section and name of what somebody wrote: `Section/name`, or a name in the usual section. */
function placeOf(text: string): { section: string; name: string } {
  const [section = "", ...rest] = text.split("/");
  return rest.length ? { section: section || "Args", name: rest.join("/") } : { section: "Args", name: text };
}
