import "./runs.css";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState } from "react";
import { Button } from "../../components/Button";
import { EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { useKeys } from "../../shell/keys";
import { Screen } from "../../shell/Screen";
import { columnsOf, extrasOf, SHOWN_AT_FIRST } from "./columns";
import { QueryBox } from "./QueryBox";
import { columnOf, parse, QueryError, toggled, written } from "./query";
import { RunsGrid } from "./RunsGrid";
import type { RunsSearch } from "./route";
import { Selected } from "./Selected";
import { ColumnsMenu, ViewsMenu } from "./TableMenus";
import { isNewestFirst, type Search, useRuns } from "./useRuns";
import { laidOut } from "./widths";

const route = getRouteApi("/runs");
const NEWEST = "-created";
const NARROW: readonly string[] = ["status", "name", "started"];
const NONE: readonly string[] = [];
const USUAL: Readonly<Record<string, number>> = {};
const QUICK = [
  ["status:running", "Running"],
  ["status:failed", "Failed"],
  ["status:completed", "Completed"],
] as const;

/** All runs: filtered, sorted, with any parameter or metric as a column. */
export function RunsScreen() {
  const asked = route.useSearch();
  const navigate = useNavigate();
  const { q = "", sort = NEWEST, archived = false } = asked;
  const narrow = matchMedia("(max-width: 700px)").matches;
  const names = asked.cols ?? (narrow ? NARROW : SHOWN_AT_FIRST);
  const change = (more: RunsSearch): void => {
    const next: RunsSearch = { ...asked, ...more };
    if (next.sort === NEWEST) delete next.sort;
    if (!next.q) delete next.q;
    if (!next.archived) delete next.archived;
    if (!next.pins?.length) delete next.pins;
    if (!Object.keys(next.widths ?? {}).length) delete next.widths;
    void navigate({ to: "/runs", search: next, replace: more.q !== undefined || more.widths !== undefined });
  };
  const set = useMemo(() => searchOf(q, sort, names, archived), [q, sort, names, archived]);
  const scroller = useRef<HTMLDivElement>(null);
  const { rows, query, fresh, showFresh, changed } = useRuns(set.search, !set.error, scroller);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const chosen = rows.filter((row) => selected.has(row.run.task.id));
  const box = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => box.current?.focus() });
  const pins = asked.pins ?? NONE;
  const widths = asked.widths ?? USUAL;
  const columns = laidOut(columnsOf(names), narrow ? USUAL : widths, narrow ? NONE : pins);
  const more = useCallback(() => {
    // Not while it looks again at what it shows: asking for more would end that, and what is new would never come.
    if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
  }, [query.hasNextPage, query.isFetching, query.fetchNextPage]);

  return (
    <Screen title="Runs" fills>
      <div className="runs-bar">
        <QueryBox ref={box} text={q} error={set.error} onChange={(text) => change({ q: text })} rows={rows} />
        <fieldset className="quick">
          <legend className="unseen">Filters</legend>
          {QUICK.map(([part, label]) => (
            <button
              key={part}
              type="button"
              className="chip"
              aria-pressed={q.split(/\s+/).includes(part)}
              onClick={() => change({ q: toggled(q, part) })}
            >
              {label}
            </button>
          ))}
          <button
            type="button"
            className="chip"
            aria-pressed={archived}
            onClick={() => change({ archived: !archived })}
          >
            Archived
          </button>
        </fieldset>
        <span className="runs-count quiet" role="status">
          {query.data && !set.error && `${rows.length.toLocaleString()}${query.hasNextPage ? "+" : ""} runs`}
        </span>
        <ViewsMenu search={asked} onOpen={(view) => void navigate({ to: "/runs", search: view })} />
        <ColumnsMenu
          names={names}
          rows={rows}
          pins={pins}
          resized={Object.keys(widths).length > 0}
          onChange={(cols) => change({ cols })}
          onPins={(next) => change({ pins: next })}
          onUsual={() => change({ widths: {} })}
        />
      </div>
      {query.error && !set.error && <ErrorNote error={query.error} again={() => void query.refetch()} />}
      {query.isPending && !query.error && !set.error && <Skeleton rows={12} height={20} />}
      {query.data && !rows.length && (
        <Nothing filtered={Boolean(q) || archived} onClear={() => change({ q: "", archived: false })} />
      )}
      {fresh > 0 && (
        <div className="fresh">
          <Button small onClick={showFresh}>
            {fresh === 1 ? "1 new run" : `${fresh} new runs`}
          </Button>
        </div>
      )}
      {rows.length > 0 && (
        <RunsGrid
          rows={rows}
          columns={columns}
          extras={extrasOf(names).map(written)}
          sort={isNewestFirst(set.search) ? NEWEST : sort}
          onSort={(name) => change({ sort: name })}
          onWidth={(name, width) => change({ widths: { ...widths, [name]: width } })}
          selected={selected}
          onSelect={setSelected}
          onOpen={(id) => void navigate({ to: "/runs/$run", params: { run: id } })}
          hasMore={query.hasNextPage}
          onMore={more}
          scroller={scroller}
        />
      )}
      {chosen.length > 0 && (
        <Selected
          rows={chosen}
          columns={columns}
          extras={extrasOf(names).map(written)}
          onDone={changed}
          onClear={() => setSelected(new Set())}
        />
      )}
    </Screen>
  );
}

function searchOf(
  q: string,
  sort: string,
  names: readonly string[],
  archived: boolean,
): { search: Search; error: string | null } {
  const descending = sort.startsWith("-");
  const search: Search = {
    where: [],
    sort: { column: columnOf(sort.replace(/^-/, "")), descending },
    columns: extrasOf(names),
    archived,
    brief: !names.includes("commit"),
  };
  try {
    const minute = Math.floor(Date.now() / 60_000) * 60; // so that the same text is the same search for a while
    return { search: { ...search, where: parse(q, minute) }, error: null };
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return { search, error: error.message };
  }
}

function Nothing({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (!filtered) return <EmptyState title="No runs yet">They appear here as soon as a pipeline is run.</EmptyState>;
  return (
    <EmptyState title="No run is like that" action={<Button onClick={onClear}>Show all runs</Button>}>
      No run fits what the box above asks for.
    </EmptyState>
  );
}
