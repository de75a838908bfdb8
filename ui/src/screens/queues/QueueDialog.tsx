import { useState } from "react";
import { act, attempt } from "../../api/act";
import type { Queue } from "../../api/types";
import { Ask } from "../../components/Ask";
import { Field, Input } from "../../components/Field";

/** What is asked about a queue before it is changed. */
export type QueueQuestion = { kind: "create" } | { kind: "rename" | "limit" | "delete"; queue: Queue };

interface Props {
  question: QueueQuestion;
  onClose: () => void;
  onRenamed: (name: string) => void;
}

/** Asks for what a change of a queue needs. */
export function QueueDialog({ question, onClose, onRenamed }: Props) {
  switch (question.kind) {
    case "create":
      return <Create onClose={onClose} />;
    case "rename":
      return <Rename queue={question.queue} onClose={onClose} onRenamed={onRenamed} />;
    case "limit":
      return <Limit queue={question.queue} onClose={onClose} />;
    case "delete":
      return <Delete queue={question.queue} onClose={onClose} />;
  }
}

function Create({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [limit, setLimit] = useState("");
  return (
    <Ask
      title="New queue"
      action="Create queue"
      onClose={onClose}
      ready={name.trim() !== "" && isLimit(limit)}
      run={() => act("CreateQueue", { name, limit: limit === "" ? null : Number(limit) }, "ListQueues")}
    >
      <Field label="Name">{(ids) => <Input {...ids} value={name} onChange={(e) => setName(e.target.value)} />}</Field>
      <LimitField value={limit} onChange={setLimit} />
    </Ask>
  );
}

function Rename({ queue, onClose, onRenamed }: { queue: Queue } & Omit<Props, "question">) {
  const [name, setName] = useState(queue.name);
  const run = async (): Promise<void> => {
    await act("ChangeQueue", { name: queue.name, rename: name }, "ListQueues");
    onRenamed(name);
  };
  return (
    <Ask
      title="Rename queue"
      description="What waits in it goes with it. Agents, pipelines and scripts that name it have to be told."
      action="Rename"
      onClose={onClose}
      ready={name.trim() !== "" && name !== queue.name}
      run={run}
    >
      <Field label="New name">
        {(ids) => <Input {...ids} value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
    </Ask>
  );
}

function Limit({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const [limit, setLimit] = useState(queue.limit === null ? "" : String(queue.limit));
  return (
    <Ask
      title={`Limit of ${queue.name}`}
      description="What runs already goes on; what is above the limit waits."
      action="Set limit"
      onClose={onClose}
      ready={isLimit(limit)}
      run={() => act("ChangeQueue", { name: queue.name, limit: Number(limit) }, "ListQueues")}
    >
      <LimitField value={limit} onChange={setLimit} />
    </Ask>
  );
}

function Delete({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const { name, waiting } = queue;
  const [sure, setSure] = useState(false);
  return (
    <Ask
      title={`Delete ${name}?`}
      description="It can be created again; runs and tasks that name it fail to start until then."
      action="Delete queue"
      danger
      onClose={onClose}
      ready={waiting === 0 || sure}
      run={() => act("DeleteQueue", { name, force: sure }, "ListQueues")}
    >
      {waiting > 0 && (
        <label className="check">
          <input type="checkbox" checked={sure} onChange={(event) => setSure(event.target.checked)} />
          <span>
            {waiting} {waiting === 1 ? "task waits" : "tasks wait"} in it. Tasks and runs become drafts; attempts of
            steps are stopped.
          </span>
        </label>
      )}
    </Ask>
  );
}

export function LimitField(props: { value: string; onChange: (value: string) => void; label?: string }) {
  const { value, onChange, label } = props;
  return (
    <Field
      label={label ?? "How many of its tasks may run at once"}
      note={label ? undefined : "Empty for any number."}
      error={isLimit(value) ? null : "It has to be a whole number from 1 on."}
    >
      {(ids) => (
        <Input {...ids} inputMode="numeric" value={value} onChange={(event) => onChange(event.target.value.trim())} />
      )}
    </Field>
  );
}

/** Return whether a text is a limit: nothing, or a whole number from 1 on. */
export function isLimit(text: string): boolean {
  return text === "" || /^[1-9]\d{0,6}$/.test(text);
}

/** Pause a queue, or let it go on. */
export function pauseQueue(name: string, paused: boolean): void {
  void attempt(act("ChangeQueue", { name, paused }), paused ? `${name} is paused` : `${name} goes on`);
}
