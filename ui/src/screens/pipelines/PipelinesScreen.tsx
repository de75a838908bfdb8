import { Link } from "@tanstack/react-router";
import { useOp } from "../../api/queries";
import type { Run } from "../../api/types";
import { StatusBadge } from "../../components/StatusBadge";
import { Table } from "../../components/Table";
import { Code, EmptyState, ErrorNote, Middle, Skeleton } from "../../components/Text";
import { Ago } from "../../components/Time";
import { Screen } from "../../shell/Screen";

const HELLO = `from penstock import PipelineController

def greet(name: str) -> str:
    return f"Hello, {name}!"

pipe = PipelineController(name="hello", project="demo")
pipe.add_function_step(name="greet", function=greet, function_kwargs={"name": "you"})
pipe.start_locally()`;

/** The pipelines, each with its newest run. */
export function PipelinesScreen() {
  const { data, error, refetch } = useOp("SearchRuns", { limit: 200, archived: false });
  const newest = newestOfEach(data?.rows.map((one) => one.run) ?? []);
  return (
    <Screen title="Pipelines">
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!data && !error && <Skeleton rows={8} />}
      {data && !newest.length && (
        <EmptyState title="No pipelines yet">
          <p>Save these lines as hello.py and run: python hello.py</p>
          <Code text={HELLO} label="A first pipeline" />
        </EmptyState>
      )}
      {newest.length > 0 && (
        <Table label="Pipelines">
          <thead>
            <tr>
              <th>Pipeline</th>
              <th>Project</th>
              <th>Last run</th>
              <th className="number">Started</th>
            </tr>
          </thead>
          <tbody>
            {newest.map((run) => (
              <tr key={run.task.id}>
                <td>
                  <Middle text={run.pipeline} />
                </td>
                <td className="quiet">{run.project}</td>
                <td>
                  <Link to="/runs/$run" params={{ run: run.task.id }}>
                    <StatusBadge status={run.task.status} />
                  </Link>
                </td>
                <td className="number">
                  <Ago at={run.task.started} />
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </Screen>
  );
}

function newestOfEach(runs: readonly Run[]): Run[] {
  const found = new Map<string, Run>();
  for (const run of runs) {
    const key = `${run.project}\0${run.pipeline}`;
    if (!found.has(key)) found.set(key, run);
  }
  return [...found.values()];
}
