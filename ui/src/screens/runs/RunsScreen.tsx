import { Link } from "@tanstack/react-router";
import { useOp } from "../../api/queries";
import { StatusBadge } from "../../components/StatusBadge";
import { Table } from "../../components/Table";
import { EmptyState, ErrorNote, Middle, Skeleton } from "../../components/Text";
import { Ago, Duration } from "../../components/Time";
import { Screen } from "../../shell/Screen";

/** All runs, newest first. */
export function RunsScreen() {
  const { data, error, refetch } = useOp("SearchRuns", { limit: 100, archived: false });
  return (
    <Screen title="Runs">
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!data && !error && <Skeleton rows={8} />}
      {data && !data.rows.length && <EmptyState title="No runs yet" />}
      {data && data.rows.length > 0 && (
        <Table label="Runs">
          <thead>
            <tr>
              <th>Status</th>
              <th>Run</th>
              <th>Version</th>
              <th className="number">Took</th>
              <th className="number">Started</th>
            </tr>
          </thead>
          <tbody>
            {data.rows.map(({ run }) => (
              <tr key={run.task.id}>
                <td>
                  <StatusBadge status={run.task.status} />
                </td>
                <td>
                  <Link to="/runs/$run" params={{ run: run.task.id }}>
                    <Middle text={run.task.name} />
                  </Link>
                </td>
                <td>{run.version}</td>
                <td className="number">
                  <Duration from={run.task.started} to={run.task.ended} />
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
