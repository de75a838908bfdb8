import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDownToLine, ArrowUpToLine, Ellipsis, GripVertical, Pause, Play } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { act, attempt } from "../../api/act";
import { useOp } from "../../api/queries";
import type { Entry, Queue } from "../../api/types";
import { Ask } from "../../components/Ask";
import { Button, IconButton } from "../../components/Button";
import { Field, Input } from "../../components/Field";
import { Menu, MenuItem, MenuLabel, MenuLine } from "../../components/Menu";
import { TaskName } from "../../components/TaskName";
import { EmptyState, ErrorNote, Key, Skeleton } from "../../components/Text";
import { Duration } from "../../components/Time";
import { Idle } from "./Idle";
import { stepAside } from "./order";
import { pauseQueue } from "./QueueDialog";
import { ROW, useOrder } from "./useOrder";

/** What waits in a queue, next first: to be moved, given a priority, and taken out. */
export function Entries({ queue, queues }: { queue: Queue; queues: readonly Queue[] }) {
  const { data: entries, error, refetch } = useOp("ListEntries", { queue: queue.name });
  return (
    <div className="entries">
      <div className="entries-head">
        <p className="quiet">
          {queue.waiting} waiting, {queue.running}
          {queue.limit !== null && ` of ${queue.limit}`} running, {queue.agents}{" "}
          {queue.agents === 1 ? "agent" : "agents"}
        </p>
        <Button small icon={queue.paused ? <Play /> : <Pause />} onClick={() => pauseQueue(queue.name, !queue.paused)}>
          {queue.paused ? "Resume queue" : "Pause queue"}
        </Button>
      </div>
      <Idle queue={queue} />
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!entries && !error && <Skeleton rows={6} height={30} />}
      {entries?.length === 0 && (
        <EmptyState title="Nothing waits here">What is put into this queue appears at once.</EmptyState>
      )}
      {entries && entries.length > 0 && <Order entries={entries} queue={queue} queues={queues} />}
    </div>
  );
}

function Order({ entries, queue, queues }: { entries: Entry[]; queue: Queue; queues: readonly Queue[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const order = useOrder(queue.name, entries);
  const [asking, setAsking] = useState<Entry | null>(null);
  const rows = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    getItemKey: (index) => entries[index]?.task ?? index,
    overscan: 8,
  });
  const others = queues.filter((one) => one.name !== queue.name);
  return (
    <>
      <p className="entries-hint faint when-wide">
        Drag to change the order, or hold <Key>Alt</Key> and press <Key>↑</Key> <Key>↓</Key>
      </p>
      <p className="unseen" role="status">
        {order.said}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="entries-scroller" ref={scroller} tabIndex={0} aria-label={`Waiting in ${queue.name}`}>
        <ol style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, key, start }) => {
            const entry = entries[index];
            if (!entry) return null;
            const { drag } = order;
            const dragged = drag?.task === entry.task;
            const aside = drag && !dragged ? stepAside(index, drag.from, drag.to) * ROW : 0;
            const top = start + (dragged ? drag.by : aside);
            return (
              <EntryRow
                key={key}
                entry={entry}
                place={index}
                of={entries.length}
                top={top}
                dragged={dragged}
                others={others}
                handle={order.handle(entry.task, index)}
                onMove={(to) => order.move(entry.task, to)}
                onPriority={() => setAsking(entry)}
              />
            );
          })}
        </ol>
      </section>
      {asking && <Priority entry={asking} onClose={() => setAsking(null)} />}
    </>
  );
}

function EntryRow(props: {
  entry: Entry;
  place: number;
  of: number;
  top: number;
  dragged: boolean;
  others: readonly Queue[];
  handle: ReturnType<ReturnType<typeof useOrder>["handle"]>;
  onMove: (to: number) => void;
  onPriority: () => void;
}) {
  const { entry, place, of, top, dragged, others, handle, onMove, onPriority } = props;
  const { task, name } = entry;
  const press = (event: KeyboardEvent): void => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    onMove(place + (event.key === "ArrowUp" ? -1 : 1));
  };
  const isStep = entry.step !== null;
  return (
    <li
      className="entry"
      data-task={task}
      data-row
      data-dragged={dragged || undefined}
      aria-posinset={place + 1}
      aria-setsize={of}
      style={{ transform: `translateY(${top}px)` }}
      onKeyDown={press}
    >
      <button
        type="button"
        className="entry-handle"
        data-handle
        aria-label={`${place + 1}: move ${name}`}
        aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown"
        {...handle}
      >
        <GripVertical aria-hidden="true" />
        <span className="number">{place + 1}</span>
      </button>
      <span className="entry-name">
        <TaskName id={task} name={name} type={entry.type} run={entry.run} step={entry.step} />
        <span className="faint cut">
          {wordOf(entry)} · waits <Duration from={entry.since} to={null} />
          {entry.priority !== 0 && ` · priority ${entry.priority}`}
        </span>
      </span>
      <Menu label={`More of ${name}`} trigger={<IconButton label={`More of ${name}`} icon={<Ellipsis />} />}>
        <MenuItem icon={<ArrowUpToLine />} disabled={place === 0} onSelect={() => onMove(0)}>
          To the front
        </MenuItem>
        <MenuItem icon={<ArrowDownToLine />} disabled={place === of - 1} onSelect={() => onMove(of - 1)}>
          To the end
        </MenuItem>
        <MenuItem disabled={isStep} note={isStep ? "of runs and tasks" : undefined} onSelect={onPriority}>
          Priority
        </MenuItem>
        {others.length > 0 && <MenuLine />}
        {others.length > 0 && <MenuLabel>Move to</MenuLabel>}
        {others.map((one) => (
          <MenuItem
            key={one.name}
            note={`${one.waiting} waiting`}
            onSelect={() => void attempt(moveTo(entry, one.name), `${name} waits in ${one.name}`)}
          >
            {one.name}
          </MenuItem>
        ))}
        <MenuLine />
        <MenuItem danger disabled={isStep} note={isStep ? "its run decides" : undefined} onSelect={() => remove(entry)}>
          Remove from queue
        </MenuItem>
      </Menu>
    </li>
  );
}

function moveTo(entry: Entry, queue: string): Promise<null> {
  return act("MoveEntry", { task: entry.task, place: "last", queue }, "ListEntries", "ListQueues");
}

function remove(entry: Entry): void {
  void attempt(
    act("DequeueTask", { id: entry.task }, "ListEntries", "ListQueues"),
    `${entry.name} is a draft again; it waits nowhere`,
  );
}

function Priority({ entry, onClose }: { entry: Entry; onClose: () => void }) {
  const [text, setText] = useState(String(entry.priority));
  const right = /^-?\d{1,6}$/.test(text);
  return (
    <Ask
      title={`Priority of ${entry.name}`}
      description="The higher, the sooner it is claimed. Among equals, what came first is."
      action="Set priority"
      onClose={onClose}
      ready={right}
      run={() => act("EnqueueTask", { id: entry.task, queue: entry.queue, priority: Number(text) }, "ListEntries")}
    >
      <Field label="Priority" error={right ? null : "It has to be a whole number; most have 0."}>
        {(ids) => <Input {...ids} inputMode="numeric" value={text} onChange={(e) => setText(e.target.value.trim())} />}
      </Field>
    </Ask>
  );
}

function wordOf(entry: Entry): string {
  if (entry.step !== null) return `step ${entry.step}`;
  return entry.type === "controller" ? "run" : "task";
}
