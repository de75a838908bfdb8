import "./metrics.css";
import { useQueries } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { opQuery } from "../../api/queries";
import { Input } from "../../components/Field";
import { Table } from "../../components/Table";
import { EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { numberText, titlesOf } from "./series";

const Chart = lazy(() => import("./Chart").then((one) => ({ default: one.Chart })));

export interface Recorder {
  id: string;
  /** What its lines are called where several tasks are drawn; empty where it is the only one. */
  name: string;
}

const AGAIN = 3_000; // milliseconds between two looks while more may come: points are no changes of the feed

/** Everything that tasks measured: single values as a table, series as charts. */
export function Metrics({ tasks, isLive }: { tasks: readonly Recorder[]; isLive: boolean }) {
  const [text, setText] = useState("");
  const answers = useQueries({
    queries: tasks.map((task) => ({
      ...opQuery("SummarizeScalars", { task: task.id }),
      refetchInterval: isLive ? AGAIN : (false as const),
    })),
  });
  const error = answers.find((one) => one.error)?.error;
  const isPending = answers.some((one) => one.isPending);
  const stamp = answers.map((one) => one.dataUpdatedAt).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the answers are new each time; the stamp says when they are
  const { titles, singles } = useMemo(
    () => titlesOf(tasks.map((task, index) => ({ task, summaries: answers[index]?.data ?? [] }))),
    [tasks, stamp],
  );
  const shown = titles.filter(({ title }) => title.toLowerCase().includes(text.toLowerCase()));
  if (error) return <ErrorNote error={error} />;
  if (isPending && !titles.length) return <Skeleton rows={6} />;
  if (!titles.length && !singles.length) {
    return (
      <EmptyState title="No metrics">
        {isLive ? "Lines appear here as soon as something is reported." : "Nothing was reported."} A step reports by
        Logger.current_logger().report_scalar(…).
      </EmptyState>
    );
  }
  return (
    <div className="metrics">
      {titles.length > 4 && (
        <Input
          aria-label="Filter metrics"
          placeholder="Filter metrics"
          type="search"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      {singles.length > 0 && (
        <Table label="Single values" compact>
          <thead>
            <tr>
              <th>Metric</th>
              <th className="number">Value</th>
            </tr>
          </thead>
          <tbody>
            {singles.map((one) => (
              <tr key={`${one.task}\0${one.title}\0${one.series}`}>
                <td>
                  {one.name && <span className="faint">{one.name} · </span>}
                  {one.title === one.series ? one.title : `${one.title} / ${one.series}`}
                </td>
                <td className="number">{numberText(one.value)}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      <div className="metric-charts">
        <Suspense fallback={<Skeleton rows={4} />}>
          {shown.map(({ title, tasks: recorders, count }) => (
            <Chart key={title} title={title} tasks={recorders} count={count} isLive={isLive} />
          ))}
        </Suspense>
      </div>
    </div>
  );
}
