import { useNavigate } from "@tanstack/react-router";
import { Archive, Copy, Ellipsis, ListEnd, RotateCcw, Square, Trash2 } from "lucide-react";
import { useState } from "react";
import { act, attempt } from "../../api/act";
import { randomWord } from "../../api/call";
import { useOp } from "../../api/queries";
import type { Task } from "../../api/types";
import { Ask } from "../../components/Ask";
import { AGENT_COMES, useAgentComes } from "../../components/agents";
import { Button, IconButton } from "../../components/Button";
import { Field, Input, Select } from "../../components/Field";
import { Menu, MenuItem, MenuLine } from "../../components/Menu";
import { isOver } from "../../components/status";

type Question = "abort" | "clone" | "enqueue" | "reset" | "publish" | "delete";

/** What can be done with a task that belongs to no run. */
export function TaskActions({ task }: { task: Task }) {
  const [asking, setAsking] = useState<Question | null>(null);
  if (task.run !== null || task.type === "controller") return null;
  const { id, name, status } = task;
  const archived = task.system_tags.includes("archived");
  const over = isOver(status);
  const archive = (): void =>
    void attempt(
      act("ArchiveTask", { id, archived: !archived }, "GetTask", "SearchTasks"),
      archived ? `${name} is back` : `${name} is archived`,
    );
  const dequeue = (): void => void attempt(act("DequeueTask", { id }, "GetTask"), `${name} is a draft again`);
  const close = (): void => setAsking(null);
  return (
    <>
      {status === "created" && (
        <Button small look="primary" icon={<ListEnd />} onClick={() => setAsking("enqueue")}>
          Enqueue
        </Button>
      )}
      {status === "queued" && (
        <Button small onClick={dequeue}>
          Remove from queue
        </Button>
      )}
      {(status === "queued" || status === "in_progress") && (
        <Button small look="danger" icon={<Square />} onClick={() => setAsking("abort")}>
          Abort
        </Button>
      )}
      <Button small icon={<Copy />} onClick={() => setAsking("clone")}>
        Clone
      </Button>
      <Menu label="More" trigger={<IconButton label="More" icon={<Ellipsis />} />}>
        <MenuItem icon={<RotateCcw />} disabled={!over || status === "published"} onSelect={() => setAsking("reset")}>
          Reset
        </MenuItem>
        <MenuItem disabled={status !== "completed"} onSelect={() => setAsking("publish")}>
          Publish
        </MenuItem>
        <MenuItem icon={<Archive />} disabled={!over && status !== "created"} onSelect={archive}>
          {archived ? "Bring back" : "Archive"}
        </MenuItem>
        <MenuLine />
        <MenuItem icon={<Trash2 />} danger disabled={status === "in_progress"} onSelect={() => setAsking("delete")}>
          Delete
        </MenuItem>
      </Menu>
      {asking === "abort" && (
        <Ask
          title={`Abort ${name}?`}
          description={
            status === "queued"
              ? "It leaves its queue and will not run."
              : "Whoever carries it out asks its process to leave, and kills it after a few seconds. What it recorded stays."
          }
          action="Abort task"
          danger
          onClose={close}
          run={() => act("AbortTask", { id }, "GetTask")}
        />
      )}
      {asking === "clone" && <Clone task={task} onClose={close} />}
      {asking === "enqueue" && <Enqueue task={task} onClose={close} />}
      {asking === "reset" && (
        <Ask
          title={`Reset ${name}?`}
          description="It becomes a draft again. What it recorded goes: console, metrics, plots, artifacts. What it was asked to do stays. This cannot be undone."
          action="Reset task"
          danger
          onClose={close}
          run={() => act("ResetTask", { id }, "GetTask", "ListRecords", "ListPlots")}
        />
      )}
      {asking === "publish" && (
        <Ask
          title={`Publish ${name}?`}
          description="From then on it stays as it is. This cannot be undone."
          action="Publish task"
          onClose={close}
          run={() => act("PublishTask", { id }, "GetTask")}
        />
      )}
      {asking === "delete" && <Delete task={task} onClose={close} />}
    </>
  );
}

function Clone({ task, onClose }: { task: Task; onClose: () => void }) {
  const [name, setName] = useState(`Clone of ${task.name}`);
  const navigate = useNavigate();
  const run = async (): Promise<void> => {
    const clone = await act("CloneTask", { source: task.id, clone: { id: randomWord(), name } }, "SearchTasks");
    await navigate({ to: "/tasks/$task", params: { task: clone.id } });
  };
  return (
    <Ask
      title={`Clone ${task.name}`}
      description="A draft that is asked to do the same: it can be changed before it is enqueued."
      action="Clone task"
      onClose={onClose}
      ready={name.trim() !== ""}
      run={run}
    >
      <Field label="Name">
        {(ids) => <Input {...ids} value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
    </Ask>
  );
}

function Enqueue({ task, onClose }: { task: Task; onClose: () => void }) {
  const { data: queues } = useOp("ListQueues", {});
  const [chosen, setChosen] = useState<string | null>(task.queue);
  const comes = useAgentComes();
  const queue = chosen ?? queues?.[0]?.name ?? "";
  const found = queues?.find((one) => one.name === queue);
  return (
    <Ask
      title={`Enqueue ${task.name}`}
      action="Enqueue"
      onClose={onClose}
      ready={queue !== ""}
      run={() => act("EnqueueTask", { id: task.id, queue }, "GetTask")}
    >
      <Field
        label="Queue"
        note={
          found &&
          ((comes && !found.paused && found.why_idle && AGENT_COMES) ||
            found.why_idle ||
            `${found.waiting} waiting, ${found.agents} listening`)
        }
      >
        {(ids) => (
          <Select {...ids} value={queue} onChange={(event) => setChosen(event.target.value)}>
            {queues?.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </Ask>
  );
}

function Delete({ task, onClose }: { task: Task; onClose: () => void }) {
  const navigate = useNavigate();
  const [sure, setSure] = useState(false);
  const published = task.status === "published";
  const run = async (): Promise<void> => {
    await act("DeleteTask", { id: task.id, force: sure }, "SearchTasks");
    await navigate({ to: "/tasks" });
  };
  return (
    <Ask
      title={`Delete ${task.name}?`}
      description="All that it recorded goes with it. This cannot be undone."
      action="Delete task"
      danger
      onClose={onClose}
      ready={!published || sure}
      run={run}
    >
      {published && (
        <label className="check">
          <input type="checkbox" checked={sure} onChange={(event) => setSure(event.target.checked)} />
          <span>It is published: others may build on it.</span>
        </label>
      )}
    </Ask>
  );
}
