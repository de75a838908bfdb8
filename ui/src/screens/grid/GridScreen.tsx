import "../compare/compare.css";
import "./grid.css";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { Answer } from "../../api/call";
import { useOp } from "../../api/queries";
import { StatusBadge } from "../../components/StatusBadge";
import { lookOf } from "../../components/status";
import { EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { durationText, exactText } from "../../components/time";
import { relist } from "../../live/concerns";
import { Screen } from "../../shell/Screen";

const route = getRouteApi("/grid");
const RUNS = 50;

relist("GetGrid", "status", "step", "deleted");

type Grid = Answer<"GetGrid">;

/** The last runs of a pipeline beside each other, a row a step: which step fails, and since when, is seen at once. */
export function GridScreen() {
  const { project, pipeline } = route.useSearch();
  const { data, error, refetch } = useOp("GetGrid", { project, pipeline, limit: RUNS }, { enabled: pipeline !== "" });
  return (
    <Screen title={`Grid of ${pipeline || "a pipeline"}`} crumbs={[{ label: "Pipelines", link: { to: "/" } }]} fills>
      {pipeline === "" && <EmptyState title="Which pipeline?">The address has to name one.</EmptyState>}
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!data && !error && pipeline !== "" && <Skeleton rows={8} />}
      {data?.runs.length === 0 && <EmptyState title="It has no runs" />}
      {data && data.runs.length > 0 && <Cells grid={data} />}
    </Screen>
  );
}

function Cells({ grid }: { grid: Grid }) {
  const runs = grid.runs.map((run, place) => ({ run, place })).reverse(); // the newest is at the right, as time goes
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="compare-scroller" aria-label="Runs and steps" tabIndex={0}>
      <table className="steps-grid">
        <caption className="unseen">How each step went in each run</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            {runs.map(({ run }) => (
              <th key={run.id} scope="col">
                <Link to="/runs/$run" params={{ run: run.id }} className="grid-run" title={exactText(run.created)}>
                  <StatusBadge small status={run.status} />
                  <span>#{run.number || "–"}</span>
                </Link>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {grid.rows.map((row) => (
            <tr key={row.step}>
              <th scope="row">{row.step}</th>
              {runs.map(({ run, place }) => {
                const cell = row.cells[place];
                if (!cell) return <td key={run.id} />;
                const [status, seconds, attempt] = cell as unknown as [string, number | null, number];
                const told = [
                  `${row.step} in #${run.number}: ${lookOf(status).word}`,
                  seconds !== null && durationText(seconds),
                  attempt > 1 && `attempt ${attempt}`,
                ];
                return (
                  <td key={run.id}>
                    <Link
                      to="/runs/$run"
                      params={{ run: run.id }}
                      search={{ step: row.step }}
                      className="grid-cell"
                      title={told.filter(Boolean).join(", ")}
                    >
                      <StatusBadge small status={status} />
                    </Link>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
