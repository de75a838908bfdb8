// The columns that the table may have: those of the record, and any parameter or metric.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { StatusBadge } from "../../components/StatusBadge";
import { Middle, Tag } from "../../components/Text";
import { Ago, Duration } from "../../components/Time";
import { columnOf, type Extra, written } from "./query";
import type { Row } from "./useRuns";

export interface TableColumn {
  /** What it is called in the address and in queries. */
  name: string;
  label: string;
  width: string;
  number?: boolean;
  /** The fact that it is sorted by; none where there is nothing to sort by. */
  sort?: string;
  cell: (row: Row, value: unknown) => ReactNode;
  /** The same as a text, for a file. */
  text: (row: Row, value: unknown) => string;
}

const at = (seconds: number | null): string => (seconds ? new Date(seconds * 1_000).toISOString() : "");

export const RECORD: readonly TableColumn[] = [
  {
    name: "status",
    label: "Status",
    width: "112px",
    sort: "status",
    cell: ({ run }) => <StatusBadge status={run.task.status} note={run.task.message.split("\n")[0]} />,
    text: ({ run }) => run.task.status,
  },
  {
    name: "name",
    label: "Run",
    width: "minmax(110px, 2fr)",
    sort: "name",
    cell: ({ run }) => (
      <Link to="/runs/$run" params={{ run: run.task.id }} className="run-name">
        <Middle text={run.task.name} />
      </Link>
    ),
    text: ({ run }) => run.task.name,
  },
  {
    name: "project",
    label: "Project",
    width: "minmax(80px, 1fr)",
    sort: "project",
    cell: ({ run }) => <span className="quiet cut">{run.project}</span>,
    text: ({ run }) => run.project,
  },
  {
    name: "version",
    label: "Version",
    width: "72px",
    sort: "version",
    cell: ({ run }) => run.version || <span className="faint">–</span>,
    text: ({ run }) => run.version,
  },
  {
    name: "tags",
    label: "Tags",
    width: "minmax(80px, 1fr)",
    cell: ({ run }) => (
      <span className="cut">
        {run.task.tags.map((one) => (
          <Tag key={one} text={one} />
        ))}
      </span>
    ),
    text: ({ run }) => run.task.tags.join(" "),
  },
  {
    name: "steps",
    label: "Steps",
    width: "84px",
    cell: ({ run }) => <StepCounts counts={run.counts} />,
    text: ({ run }) =>
      Object.values(run.counts)
        .reduce((sum, one) => sum + one, 0)
        .toString(),
  },
  {
    name: "duration",
    label: "Took",
    width: "88px",
    number: true,
    sort: "duration",
    cell: ({ run }) => <Duration from={run.task.started} to={run.task.ended} />,
    text: ({ run }) => (run.task.started && run.task.ended ? (run.task.ended - run.task.started).toFixed(3) : ""),
  },
  {
    name: "started",
    label: "Started",
    width: "100px",
    number: true,
    sort: "started",
    cell: ({ run }) => <Ago at={run.task.started} />,
    text: ({ run }) => at(run.task.started),
  },
  {
    name: "user",
    label: "User",
    width: "minmax(64px, 110px)",
    sort: "user",
    cell: ({ run }) => <span className="quiet cut">{run.task.user}</span>,
    text: ({ run }) => run.task.user,
  },
  {
    name: "queue",
    label: "Queue",
    width: "minmax(64px, 110px)",
    cell: ({ run }) => <span className="quiet cut">{run.task.queue}</span>,
    text: ({ run }) => run.task.queue ?? "",
  },
  {
    name: "commit",
    label: "Commit",
    width: "80px",
    cell: ({ run }) => <code className="quiet">{run.task.script.commit?.slice(0, 8)}</code>,
    text: ({ run }) => run.task.script.commit ?? "",
  },
];

export const SHOWN_AT_FIRST: readonly string[] = [
  "status",
  "name",
  "project",
  "version",
  "tags",
  "steps",
  "duration",
  "started",
  "user",
];

/** Return the columns of these names; what is no fact of the record is a parameter or a metric. */
export function columnsOf(names: readonly string[]): TableColumn[] {
  return names.map((name) => RECORD.find((one) => one.name === name) ?? extra(name));
}

/** Return what the server has to send with each row for these columns, in their order. */
export function extrasOf(names: readonly string[]): Extra[] {
  return names.flatMap((name) => {
    const column = RECORD.some((one) => one.name === name) ? undefined : columnOf(name);
    return column && column.type !== "fact" ? [column] : [];
  });
}

function extra(name: string): TableColumn {
  const column = columnOf(name);
  const text = (value: unknown): string =>
    value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
  return {
    name: written(column),
    label: written(column).replace(/^Args\//, ""),
    width: "minmax(72px, 120px)",
    number: true,
    sort: written(column),
    cell: (_, value) => <span className="cut">{typeof value === "number" ? short(value) : text(value)}</span>,
    text: (_, value) => text(value),
  };
}

function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
}

const ORDER = ["completed", "cached", "running", "failed", "aborted", "skipped", "queued", "pending"];
const HUES: Readonly<Record<string, string>> = {
  completed: "completed",
  cached: "completed",
  running: "running",
  failed: "failed",
  aborted: "aborted",
};

/** How many steps of a run stand where, as one bar and the same in words. */
function StepCounts({ counts }: { counts: Readonly<Record<string, number>> }) {
  const there = ORDER.filter((one) => counts[one]);
  const words = there.map((one) => `${counts[one]} ${one}`).join(", ");
  if (!there.length) return <span className="faint">–</span>;
  return (
    <span className="step-counts" title={words}>
      <span className="unseen">{words}</span>
      {there.map((one) => (
        <span key={one} data-hue={HUES[one] ?? "queued"} style={{ flexGrow: counts[one] }} />
      ))}
    </span>
  );
}
