import { getRouteApi } from "@tanstack/react-router";
import { useOp } from "../../api/queries";
import { StatusBadge } from "../../components/StatusBadge";
import { lookOf } from "../../components/status";
import { Table } from "../../components/Table";
import { ErrorNote, Middle, Skeleton } from "../../components/Text";
import { Ago, Duration } from "../../components/Time";
import { Screen } from "../../shell/Screen";

const route = getRouteApi("/runs/$run");

/** One run: how it stands, and its steps. */
export function RunScreen() {
  const { run: id } = route.useParams();
  const { data, error, refetch } = useOp("GetRun", { id });
  const name = data?.run.task.name ?? "Run";
  const status = data?.run.task.status ?? "created";
  return (
    <Screen
      title={name}
      crumbs={[{ label: "Runs", link: { to: "/runs" } }]}
      tab={data && `${lookOf(status).glyph} ${name}`}
    >
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!data && !error && <Skeleton />}
      {data && (
        <>
          <p style={{ display: "flex", gap: 16, padding: 16 }}>
            <StatusBadge status={status} />
            <Duration from={data.run.task.started} to={data.run.task.ended} />
            <Ago at={data.run.task.started} />
          </p>
          <Table label="Steps">
            <thead>
              <tr>
                <th>Step</th>
                <th>Status</th>
                <th className="number">Took</th>
              </tr>
            </thead>
            <tbody>
              {data.steps.map((step) => (
                <tr key={step.name}>
                  <td>
                    <Middle text={step.name} />
                  </td>
                  <td>
                    <StatusBadge status={step.status} note={step.reason} />
                  </td>
                  <td className="number">
                    <Duration from={step.started} to={step.ended} />
                  </td>
                </tr>
              ))}
            </tbody>
          </Table>
        </>
      )}
    </Screen>
  );
}
