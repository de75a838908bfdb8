import { useState } from "react";
import { act } from "../../api/act";
import type { Schemas } from "../../api/call";
import { Ask } from "../../components/Ask";
import { Field, Input } from "../../components/Field";

/** Changes a configuration of a draft, or adds one. */
export function EditConfiguration(props: {
  task: string;
  before: Schemas["Configuration"] | undefined;
  onClose: () => void;
}) {
  const { task, before, onClose } = props;
  const [name, setName] = useState(before?.name ?? "");
  const [text, setText] = useState(before?.text ?? "");
  const configuration = { format: "", description: "", ...before, name, text };
  return (
    <Ask
      wide
      title={before ? `Edit ${before.name}` : "New configuration"}
      action="Save"
      onClose={onClose}
      ready={name.trim() !== ""}
      run={() => act("SetConfiguration", { task, configuration }, "GetConfigurations")}
    >
      {!before && (
        <Field label="Name">
          {(ids) => <Input {...ids} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
      )}
      <Field label="Text">
        {(ids) => (
          <textarea
            {...ids}
            className="input"
            rows={16}
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
    </Ask>
  );
}
