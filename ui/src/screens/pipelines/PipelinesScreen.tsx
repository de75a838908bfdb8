import "./pipelines.css";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Grid3x3, Play, Star, X } from "lucide-react";
import { useRef } from "react";
import { type Answer, call } from "../../api/call";
import { useOp } from "../../api/queries";
import { Button, IconButton } from "../../components/Button";
import { FilterInput } from "../../components/Field";
import { StatusBadge } from "../../components/StatusBadge";
import { Table } from "../../components/Table";
import { EmptyState, ErrorNote, Middle, Skeleton } from "../../components/Text";
import { Ago } from "../../components/Time";
import { durationText } from "../../components/time";
import { useKeys } from "../../shell/keys";
import { Screen } from "../../shell/Screen";
import { Attention } from "./Attention";
import { FirstPipeline } from "./FirstPipeline";
import { useFavourites } from "./favourites";
import { RunBars } from "./RunBars";

type Row = Answer<"ListPipelines">["rows"][number];
type Place = Answer<"ListPipelines">["next"];

const route = getRouteApi("/");
const PAGE = 100;

/** The pipelines with how each goes, and what needs attention. */
export function PipelinesScreen() {
  const { q = "", project } = route.useSearch();
  const navigate = useNavigate();
  const asked = { text: q, project: project ?? null, limit: PAGE };
  const query = useInfiniteQuery({
    queryKey: ["ListPipelines", asked],
    queryFn: ({ pageParam, signal }) => call("ListPipelines", { ...asked, after: pageParam }, signal),
    initialPageParam: null as Place,
    getNextPageParam: (last) => last.next,
    placeholderData: (previous) => previous,
  });
  const failures = useOp("ListFailures", {});
  const [favourites, toggle] = useFavourites();
  const box = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => box.current?.focus() });
  const rows = query.data?.pages.flatMap((page) => page.rows) ?? [];
  const sorted = [
    ...rows.filter((row) => favourites.has(keyOf(row))),
    ...rows.filter((row) => !favourites.has(keyOf(row))),
  ];
  const search = (more: { q?: string; project?: string }): void => {
    const next = { q, project, ...more };
    void navigate({
      to: "/",
      search: { ...(next.q && { q: next.q }), ...(next.project && { project: next.project }) },
      replace: true,
    });
  };
  const more = async (): Promise<void> => {
    const again = query.isFetching; // which asking for more ends, and with it what had changed meanwhile
    await query.fetchNextPage();
    if (again) await query.refetch();
  };
  const isFirst = query.data && !rows.length && !q && !project;
  return (
    <Screen title="Pipelines">
      {query.error && <ErrorNote error={query.error} again={() => void query.refetch()} />}
      {query.isPending && !query.error && <Skeleton rows={8} height={22} />}
      {isFirst && <FirstPipeline />}
      {query.data && !isFirst && (
        <div className="pipelines">
          <Attention failures={failures.data ?? []} />
          <div className="pipelines-bar">
            <FilterInput
              ref={box}
              className="pipelines-filter"
              aria-label="Filter pipelines"
              placeholder="Filter by name or project"
              text={q}
              onText={(text) => search({ q: text })}
            />
            {project && (
              <Button small icon={<X />} onClick={() => search({ project: "" })}>
                {`Project ${project}`}
              </Button>
            )}
            <span className="quiet pipelines-count" role="status">
              {rows.length.toLocaleString()}
              {query.hasNextPage ? "+" : ""} {rows.length === 1 ? "pipeline" : "pipelines"}
            </span>
          </div>
          {rows.length === 0 ? (
            <EmptyState
              title="No pipeline is called so"
              action={<Button onClick={() => search({ q: "", project: "" })}>Show all</Button>}
            />
          ) : (
            <Table label="Pipelines">
              <thead>
                <tr>
                  <th className="pipelines-star">
                    <span className="unseen">Favourite</span>
                  </th>
                  <th>Pipeline</th>
                  <th>Last run</th>
                  <th>Last 20 runs</th>
                  <th className="number" title="Of those that completed or failed in the last 30 days">
                    Success
                  </th>
                  <th className="number" title="Half of those that completed took at most so long">
                    Median
                  </th>
                  <th>Started by</th>
                  <th>
                    <span className="unseen">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {sorted.map((row) => (
                  <PipelineLine
                    key={keyOf(row)}
                    row={row}
                    favourite={favourites.has(keyOf(row))}
                    onFavourite={() => toggle(keyOf(row))}
                    onProject={() => search({ project: row.project })}
                  />
                ))}
              </tbody>
            </Table>
          )}
          {query.hasNextPage && (
            <p className="pipelines-more">
              <Button busy={query.isFetchingNextPage} onClick={() => void more()}>
                Show more
              </Button>
            </p>
          )}
        </div>
      )}
    </Screen>
  );
}

function keyOf(row: Row): string {
  return `${row.project}\0${row.name}`;
}

function PipelineLine(props: { row: Row; favourite: boolean; onFavourite: () => void; onProject: () => void }) {
  const { row, favourite, onFavourite, onProject } = props;
  const last = row.runs[0];
  const ended = row.completed + row.failed;
  const quoted = (text: string): string => (/\s/.test(text) ? `"${text}"` : text);
  return (
    <tr data-pipeline={row.name}>
      <td className="pipelines-star">
        <IconButton
          label={favourite ? `Remove ${row.name} from the favourites` : `Make ${row.name} a favourite`}
          aria-pressed={favourite}
          icon={<Star fill={favourite ? "currentColor" : "none"} />}
          onClick={onFavourite}
        />
      </td>
      <td>
        <Link
          to="/runs"
          search={{ q: `pipeline=${quoted(row.name)} project=${quoted(row.project)}` }}
          className="strong pipelines-name"
        >
          <Middle text={row.name} />
        </Link>
        {row.project && (
          <button type="button" className="pipelines-project cut" title="Only this project" onClick={onProject}>
            {row.project}
          </button>
        )}
      </td>
      <td>
        {last && (
          <span className="pipelines-last">
            <Link to="/runs/$run" params={{ run: last.id }}>
              <StatusBadge status={last.status} note={row.last.error} />
              <span className="unseen"> {row.last.name}</span>
            </Link>
            <span className="faint">
              <Ago at={last.started ?? last.created} />
            </span>
          </span>
        )}
      </td>
      <td className="pipelines-bars">
        <RunBars runs={row.runs} />
      </td>
      <td className="number">
        {ended ? `${Math.round((100 * row.completed) / ended)} %` : <span className="faint">–</span>}
      </td>
      <td className="number">{row.median === null ? <span className="faint">–</span> : durationText(row.median)}</td>
      <td className="quiet">{row.last.user}</td>
      <td className="number">
        <Link to="/grid" search={{ pipeline: row.name, project: row.project }} className="button small pipelines-grid">
          <Grid3x3 aria-hidden="true" />
          Grid<span className="unseen"> of {row.name}</span>
        </Link>{" "}
        <Link to="/new" search={{ pipeline: row.name, project: row.project }} className="button small">
          <Play aria-hidden="true" />
          New run<span className="unseen"> of {row.name}</span>
        </Link>
      </td>
    </tr>
  );
}
