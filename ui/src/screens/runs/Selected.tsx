import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Archive, ArchiveRestore, Columns2, Download, Play, RotateCcw, Square, Tags, Trash2, X } from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";
import { call, type Schemas } from "../../api/call";
import { shown } from "../../api/errors";
import { opQuery } from "../../api/queries";
import { Button } from "../../components/Button";
import { Field, Input } from "../../components/Field";
import { Dialog } from "../../components/Overlay";
import { StatusBadge } from "../../components/StatusBadge";
import { isOver } from "../../components/status";
import { toast } from "../../components/Toast";
import { MOST } from "../compare/route";
import type { TableColumn } from "./columns";
import { csv, save } from "./csv";
import type { Row } from "./useRuns";

interface Action {
  /** What it is called where the server says what it would do. */
  name: Plan["action"];
  label: string;
  done: string;
  icon: ReactNode;
  danger?: boolean;
  says: string;
  fits: (row: Row) => boolean;
  run: (id: string) => Promise<unknown>;
}

type Plan = Schemas["ActionPlan"];

const ARCHIVED = "archived";
const MOST_PLANS = 100;

const ACTIONS: readonly Action[] = [
  {
    name: "abort",
    label: "Abort",
    done: "aborted",
    icon: <Square />,
    says: "Steps that run are stopped; what they stored stays. A run that waits in a queue ends at once.",
    fits: ({ run }) => !isOver(run.task.status) && run.task.status !== "created",
    run: (id) => call("StopRun", { id, why: "somebody asked for it on the page" }),
  },
  {
    name: "resume",
    label: "Retry",
    done: "put into their queues again",
    icon: <RotateCcw />,
    says: "Each goes on under its own name: what failed, was stopped or never ran is tried, and what completed stays.",
    fits: ({ run }) => run.task.status === "failed" || run.task.status === "stopped",
    run: (id) => call("RequeueRun", { id }),
  },
  {
    name: "archive",
    label: "Archive",
    done: "archived",
    icon: <Archive />,
    says: "They are out of sight with all their steps, and the cache does not use them any more. They can be brought back.",
    fits: ({ run }) => run.task.status !== "in_progress" && !run.task.system_tags.includes(ARCHIVED),
    run: (id) => call("ArchiveRun", { id }),
  },
  {
    name: "restore",
    label: "Bring back",
    done: "brought back",
    icon: <ArchiveRestore />,
    says: "They are listed again, with all their steps.",
    fits: ({ run }) => run.task.system_tags.includes(ARCHIVED),
    run: (id) => call("ArchiveRun", { id, archived: false }),
  },
  {
    name: "delete",
    label: "Delete",
    done: "deleted",
    icon: <Trash2 />,
    danger: true,
    says: "They are gone for ever, with their steps and all that these stored. Nothing brings them back.",
    fits: ({ run }) => run.task.status !== "in_progress",
    run: (id) => call("DeleteRun", { id }),
  },
];

/** What can be done with the runs that are selected. Each action shows first what it is done with. */
export function Selected(props: {
  rows: readonly Row[];
  columns: readonly TableColumn[];
  extras: readonly string[];
  onDone: (ids: readonly string[]) => void;
  onClear: () => void;
}) {
  const { rows, columns, extras, onDone, onClear } = props;
  const [action, setAction] = useState<Action | null>(null);
  const [tagging, setTagging] = useState(false);
  return (
    <section className="selected" aria-label="Selected runs">
      <strong>{rows.length} selected</strong>
      {ACTIONS.filter((one) => rows.some(one.fits)).map((one) => (
        <Button
          key={one.name}
          small
          icon={one.icon}
          look={one.danger ? "danger" : "default"}
          onClick={() => setAction(one)}
        >
          {one.label}
        </Button>
      ))}
      {rows.length === 1 && (
        <Link to="/new" search={{ source: rows[0]?.run.task.id ?? "" }} className="button small">
          <Play aria-hidden="true" />
          New run
        </Link>
      )}
      {rows.length > 1 && rows.length <= MOST && (
        <Link to="/compare" search={{ runs: rows.map(({ run }) => run.task.id) }} className="button small">
          <Columns2 aria-hidden="true" />
          Compare
        </Link>
      )}
      <Button small icon={<Tags />} onClick={() => setTagging(true)}>
        Tag
      </Button>
      <Button small icon={<Download />} onClick={() => save("runs.csv", csv(rows, columns, extras))}>
        CSV
      </Button>
      <Button small look="plain" icon={<X />} onClick={onClear}>
        Clear
      </Button>
      {action && <Confirm action={action} rows={rows} onDone={onDone} onClose={() => setAction(null)} />}
      {tagging && <TagDialog rows={rows} onDone={onDone} onClose={() => setTagging(false)} />}
    </section>
  );
}

function Confirm(props: {
  action: Action;
  rows: readonly Row[];
  onDone: (ids: readonly string[]) => void;
  onClose: () => void;
}) {
  const { action, rows, onDone, onClose } = props;
  const [busy, setBusy] = useState(false);
  const fitting = rows.filter(action.fits);
  const plans = usePlans(action.name, fitting);
  const meant = fitting.filter((row) => plans.get(row.run.task.id)?.allowed !== false);
  const isAsking = fitting.length <= MOST_PLANS && plans.size < fitting.length;
  const go = async (): Promise<void> => {
    setBusy(true);
    await all(meant, (row) => action.run(row.run.task.id), action.done, onDone);
    onClose();
  };
  const count = meant.length === 1 ? "1 run" : `${meant.length} runs`;
  return (
    <Dialog
      open
      onClose={onClose}
      title={meant.length ? `${action.label} ${count}?` : `Nothing to ${action.label.toLowerCase()}`}
      description={action.says}
      wide
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look={action.danger ? "danger" : "primary"}
            busy={busy}
            disabled={isAsking || !meant.length}
            onClick={() => void go()}
          >
            {action.label} {meant.length > 0 && count}
          </Button>
        </>
      }
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <ul className="meant" aria-label="Affected runs" tabIndex={0}>
        {fitting.map(({ run }) => {
          const plan = plans.get(run.task.id);
          return (
            <li key={run.task.id} data-off={plan?.allowed === false || undefined}>
              <StatusBadge status={run.task.status} />
              <span className="cut" title={run.task.name}>
                {run.task.name}
              </span>
              <span className="faint meant-what">{whatOf(plan, run)}</span>
            </li>
          );
        })}
      </ul>
      {fitting.length < rows.length && (
        <p className="faint">
          {rows.length - fitting.length === 1
            ? "1 other is not in a state that allows it."
            : `${rows.length - fitting.length} others are not in a state that allows it.`}
        </p>
      )}
    </Dialog>
  );
}

/** Ask what an action would do with each run; of very many the server decides when it is asked to do it. */
function usePlans(action: Plan["action"], rows: readonly Row[]): ReadonlyMap<string, Plan> {
  const asked = rows.length <= MOST_PLANS ? rows : [];
  const answers = useQueries({ queries: asked.map(({ run }) => opQuery("PlanAction", { id: run.task.id, action })) });
  return new Map(answers.flatMap(({ data }) => (data ? [[data.run, data] as const] : [])));
}

/** Return what an action does with a run, in words: with its steps, or why it cannot be done. */
function whatOf(plan: Plan | undefined, run: Row["run"]): string {
  if (plan?.allowed === false) return `not possible: ${plan.why_not}`;
  if (plan?.action === "abort" || plan?.action === "resume") return plan.text;
  const count = Object.values(run.counts).reduce((sum, one) => sum + one, 0);
  return count === 1 ? "1 step" : `${count} steps`;
}

function TagDialog({
  rows,
  onDone,
  onClose,
}: {
  rows: readonly Row[];
  onDone: (ids: readonly string[]) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState("");
  const there = [...new Set(rows.flatMap(({ run }) => run.task.tags))].sort();
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set());
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const added = text.split(/[\s,]+/).filter(Boolean);
    const tags = ({ run }: Row): string[] => [
      ...new Set([...run.task.tags.filter((one) => !removed.has(one)), ...added]),
    ];
    await all(rows, (row) => call("DescribeTask", { id: row.run.task.id, tags: tags(row) }), "tagged", onDone);
    onClose();
  };
  const toggle = (tag: string): void => {
    const next = new Set(removed);
    if (!next.delete(tag)) next.add(tag);
    setRemoved(next);
  };
  return (
    <Dialog open onClose={onClose} title={`Tags of ${rows.length === 1 ? "1 run" : `${rows.length} runs`}`}>
      <form onSubmit={(event) => void submit(event)} className="tag-form">
        <Field label="Add tags" note="Several are written with spaces between them.">
          {(ids) => <Input {...ids} value={text} onChange={(event) => setText(event.target.value)} />}
        </Field>
        {there.length > 0 && (
          <fieldset className="quick">
            <legend>Keep</legend>
            {there.map((tag) => (
              <button
                key={tag}
                type="button"
                className="chip"
                aria-pressed={!removed.has(tag)}
                onClick={() => toggle(tag)}
              >
                {tag}
              </button>
            ))}
          </fieldset>
        )}
        <div className="overlay-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit">
            Save tags
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Do something with each run, and say how many it was done with, and of the first that it was not what was wrong. */
async function all(
  rows: readonly Row[],
  run: (row: Row) => Promise<unknown>,
  done: string,
  onDone: (ids: readonly string[]) => void,
): Promise<void> {
  const results = await Promise.allSettled(rows.map(run));
  onDone(rows.map((row) => row.run.task.id));
  const failed = results.find((one) => one.status === "rejected");
  const count = results.filter((one) => one.status === "fulfilled").length;
  if (count) toast(`${count === 1 ? "1 run was" : `${count} runs were`} ${done}`);
  if (failed) {
    const { message, hint } = shown(failed.reason);
    toast(`${rows.length - count} could not be ${done}: ${message}`, { hint, failed: true });
  }
}
