import "./queues.css";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Ellipsis, Pause, Play, Plus } from "lucide-react";
import { useState } from "react";
import { useOp } from "../../api/queries";
import type { Queue } from "../../api/types";
import { Button, IconButton } from "../../components/Button";
import { Menu, MenuItem, MenuLine } from "../../components/Menu";
import { Drawer } from "../../components/Overlay";
import { Table } from "../../components/Table";
import { EmptyState, ErrorNote, Middle, Skeleton } from "../../components/Text";
import { Ago, Duration } from "../../components/Time";
import { useKeys } from "../../shell/keys";
import { useRows } from "../../shell/rows";
import { Screen } from "../../shell/Screen";
import { Entries } from "./Entries";
import { Idle } from "./Idle";
import { pauseQueue, QueueDialog, type QueueQuestion } from "./QueueDialog";
import { TagLimits } from "./TagLimits";

const route = getRouteApi("/queues");

/** The queues with what waits in them, and how many tasks with a tag may run at once. */
export function QueuesScreen() {
  const { queue: chosen } = route.useSearch();
  const navigate = useNavigate({ from: "/queues" });
  const { data: queues, error, refetch } = useOp("ListQueues", {});
  const [question, setQuestion] = useState<QueueQuestion | null>(null);
  const list = useRows();
  useKeys({ n: () => setQuestion({ kind: "create" }) });
  const shown = queues?.find((one) => one.name === chosen);
  const close = (): void => void navigate({ search: {} });
  return (
    <Screen
      title="Queues"
      fills
      actions={
        <Button small icon={<Plus />} onClick={() => setQuestion({ kind: "create" })}>
          New queue
        </Button>
      }
    >
      <div className="beside" data-open={chosen !== undefined || undefined}>
        <div className="beside-main" ref={list}>
          {error && <ErrorNote error={error} again={() => void refetch()} />}
          {!queues && !error && <Skeleton rows={6} />}
          {queues && <QueueTable queues={queues} chosen={chosen} ask={setQuestion} />}
          <TagLimits />
        </div>
        {chosen !== undefined && (
          <Drawer title={<Middle text={chosen} />} onClose={close}>
            {shown && <Entries key={shown.name} queue={shown} queues={queues ?? []} />}
            {queues && !shown && (
              <EmptyState title="There is no such queue">It may have another name by now.</EmptyState>
            )}
          </Drawer>
        )}
      </div>
      {question && (
        <QueueDialog
          question={question}
          onClose={() => setQuestion(null)}
          onRenamed={(name) => chosen !== undefined && void navigate({ search: { queue: name } })}
        />
      )}
    </Screen>
  );
}

function QueueTable(props: { queues: Queue[]; chosen: string | undefined; ask: (question: QueueQuestion) => void }) {
  const { queues, chosen, ask } = props;
  return (
    <div className="stacks">
      <Table label="Queues">
        <thead>
          <tr>
            <th>Queue</th>
            <th className="number">Waiting</th>
            <th className="number">Running</th>
            <th className="number when-wide">Oldest wait</th>
            <th className="number when-wide">Agents</th>
            <th>
              <span className="unseen">What to do</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {queues.map((queue) => (
            <QueueRow key={queue.name} queue={queue} chosen={queue.name === chosen} ask={ask} />
          ))}
        </tbody>
      </Table>
    </div>
  );
}

function QueueRow(props: { queue: Queue; chosen: boolean; ask: (question: QueueQuestion) => void }) {
  const { queue, chosen, ask } = props;
  const { name, paused, limit } = queue;
  const pause = (): void => pauseQueue(name, !paused);
  return (
    <tr data-row data-chosen={chosen || undefined}>
      <td className="queue-name">
        <Link to="/queues" search={{ queue: name }} className="strong" data-opens>
          <Middle text={name} />
        </Link>
        <Idle queue={queue} />
      </td>
      <td className="number" data-label="Waiting">
        {queue.waiting || <span className="faint">0</span>}
      </td>
      <td className="number" data-label="Running">
        {queue.running || <span className="faint">0</span>}
        {limit !== null && <span className="quiet"> of {limit}</span>}
      </td>
      <td className="number when-wide">
        {queue.oldest === null ? <Ago at={null} /> : <Duration from={queue.oldest} to={null} />}
      </td>
      <td className="number when-wide">{queue.agents || <span className="faint">none</span>}</td>
      <td>
        <div className="row-actions">
          <Button
            small
            icon={paused ? <Play /> : <Pause />}
            onClick={pause}
            aria-label={`${paused ? "Resume" : "Pause"} ${name}`}
          >
            {paused ? "Resume" : "Pause"}
          </Button>
          <Menu label={`More of ${name}`} trigger={<IconButton label={`More of ${name}`} icon={<Ellipsis />} />}>
            <MenuItem onSelect={() => ask({ kind: "rename", queue })}>Rename</MenuItem>
            <MenuItem onSelect={() => ask({ kind: "limit", queue })}>Limit what runs at once</MenuItem>
            <MenuLine />
            <MenuItem danger onSelect={() => ask({ kind: "delete", queue })}>
              Delete
            </MenuItem>
          </Menu>
        </div>
      </td>
    </tr>
  );
}
