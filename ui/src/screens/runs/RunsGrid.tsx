import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useRef, useState } from "react";
import { Resizer } from "./Resizer";
import type { Row } from "./useRuns";
import { type LaidColumn, tracksOf } from "./widths";

/** The table itself: only the rows in view are drawn. */
export function RunsGrid(props: {
  rows: readonly Row[];
  columns: readonly LaidColumn[];
  /** Names of the columns that have values of their own in a row, in the order of these values. */
  extras: readonly string[];
  sort: string;
  onSort: (name: string) => void;
  onWidth: (name: string, width: number) => void;
  selected: ReadonlySet<string>;
  onSelect: (ids: ReadonlySet<string>) => void;
  onOpen: (id: string) => void;
  hasMore: boolean;
  onMore: () => void;
  scroller: RefObject<HTMLDivElement | null>;
}) {
  const { rows, extras, sort, onSort, onWidth, selected, onSelect, onOpen, hasMore, onMore, scroller } = props;
  const [current, setCurrent] = useState(0);
  const [dragged, setDragged] = useState<{ name: string; width: number }>();
  const columns = props.columns.map((one) =>
    one.name === dragged?.name ? { ...one, width: `${dragged.width}px` } : one,
  );
  const last = useRef(0);
  const height = useRowHeight();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 4,
    initialRect: { width: window.innerWidth, height: window.innerHeight - 80 }, // so that the first drawing has rows
  });
  const measured = useRef(height);
  useEffect(() => {
    if (measured.current === height) return;
    measured.current = height;
    virtual.measure();
  }, [virtual, height]);
  const items = virtual.getVirtualItems();
  const end = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && end >= rows.length - 30) onMore();
  }, [end, hasMore, onMore, rows.length]);

  const toggle = (index: number, upTo = false): void => {
    const next = new Set(selected);
    const [from, to] = upTo ? [Math.min(last.current, index), Math.max(last.current, index)] : [index, index];
    const on = !selected.has(rows[index]?.run.task.id ?? "");
    for (const { run } of rows.slice(from, to + 1)) on ? next.add(run.task.id) : next.delete(run.task.id);
    last.current = index;
    onSelect(next);
  };
  const go = (index: number): void => {
    const to = Math.max(0, Math.min(rows.length - 1, index));
    setCurrent(to);
    virtual.scrollToIndex(to);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index="${to}"]`)?.focus());
  };
  const press = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
    const moves: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 15, PageUp: -15 };
    const move = moves[event.key];
    if (move !== undefined) go(current + move);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(rows.length - 1);
    else if (event.key === "x" || event.key === " ") toggle(current, event.shiftKey);
    else if (event.key === "Enter" && event.target === event.currentTarget) onOpen(rows[current]?.run.task.id ?? "");
    else return;
    event.preventDefault();
  };

  const { tracks, minWidth } = tracksOf(columns);
  const gridTemplateColumns = tracks.join(" ");
  const hasPins = columns.some((one) => one.left !== undefined);
  const all = rows.length > 0 && rows.every(({ run }) => selected.has(run.task.id));
  return (
    <div
      className={hasPins ? "grid has-pins" : "grid"}
      role="grid"
      aria-label="Runs"
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      ref={scroller}
    >
      <div className="grid-row grid-head" role="row" aria-rowindex={1} style={{ gridTemplateColumns, minWidth }}>
        <span role="columnheader" className="grid-check">
          <input
            type="checkbox"
            aria-label="Select all that are loaded"
            checked={all}
            onChange={() => onSelect(new Set(all ? [] : rows.map(({ run }) => run.task.id)))}
          />
        </span>
        {columns.map((one, index) => (
          <Head
            key={one.name}
            column={one}
            sort={sort}
            onSort={onSort}
            edge={
              <Resizer
                label={one.label}
                now={() => widthOf(scroller.current, index)}
                fitting={() => fittingWidth(scroller.current, index, tracks)}
                onWidth={(width) => setDragged({ name: one.name, width })}
                onDone={(width) => {
                  setDragged(undefined);
                  onWidth(one.name, width);
                }}
              />
            }
          />
        ))}
      </div>
      <div style={{ height: virtual.getTotalSize(), position: "relative" }} role="rowgroup">
        {items.map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          const { id } = row.run.task;
          return (
            <div
              key={id}
              role="row"
              tabIndex={item.index === current ? 0 : -1}
              data-index={item.index}
              data-run={id}
              aria-rowindex={item.index + 2}
              aria-selected={selected.has(id)}
              className="grid-row"
              style={{ gridTemplateColumns, minWidth, height, transform: `translateY(${item.start}px)` }}
              onKeyDown={press}
              onFocus={() => setCurrent(item.index)}
            >
              <span role="gridcell" className="grid-check">
                <input
                  type="checkbox"
                  aria-label={`Select ${row.run.task.name}`}
                  checked={selected.has(id)}
                  onClick={(event) => toggle(item.index, event.shiftKey)}
                  onChange={() => undefined}
                />
              </span>
              {columns.map((one) => (
                <span
                  key={one.name}
                  role="gridcell"
                  className={classOf(one)}
                  style={{ left: one.left }}
                  data-column={one.name}
                >
                  {one.cell(row, row.values[extras.indexOf(one.name)])}
                </span>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function classOf(column: LaidColumn): string | undefined {
  const found = [column.number && "number", column.left !== undefined && "grid-pinned"].filter(Boolean);
  return found.length ? found.join(" ") : undefined;
}

/** Return how wide a column is. */
function widthOf(grid: HTMLElement | null, index: number): number {
  return Math.round(grid?.querySelector(".grid-head")?.children[index + 1]?.getBoundingClientRect().width ?? 0);
}

/** Return how wide a column has to be for all of it that is drawn: each row is asked how wide it would like it. */
function fittingWidth(grid: HTMLElement | null, index: number, tracks: readonly string[]): number {
  const asked = tracks.with(index + 1, "max-content").join(" ");
  const rows = [...(grid?.querySelectorAll<HTMLElement>(".grid-row") ?? [])];
  for (const row of rows) row.style.gridTemplateColumns = asked;
  const widest = Math.max(0, ...rows.map((row) => row.children[index + 1]?.getBoundingClientRect().width ?? 0));
  for (const row of rows) row.style.gridTemplateColumns = tracks.join(" ");
  return Math.ceil(widest);
}

function Head(props: { column: LaidColumn; sort: string; onSort: (name: string) => void; edge: ReactNode }) {
  const { column, sort, onSort, edge } = props;
  const name = column.sort;
  const is = name !== undefined && sort.replace(/^-/, "") === name;
  const down = sort.startsWith("-");
  return (
    <span
      role="columnheader"
      aria-label={column.label}
      className={classOf(column)}
      style={{ left: column.left }}
      {...(is && { "aria-sort": down ? "descending" : "ascending" })}
    >
      {name === undefined ? (
        column.label
      ) : (
        <button
          type="button"
          className="grid-sort cut"
          title={column.name}
          onClick={() => onSort(is && down ? name : `-${name}`)}
        >
          {column.label}
          {is && (down ? <ArrowDown aria-hidden="true" /> : <ArrowUp aria-hidden="true" />)}
        </button>
      )}
      {edge}
    </span>
  );
}

/** Return how high a row is, as the style sheet has it: higher where fingers point. */
function useRowHeight(): number {
  const narrow = useRef(matchMedia("(max-width: 700px)"));
  const [is, setIs] = useState(narrow.current.matches);
  useEffect(() => {
    const query = narrow.current;
    const look = (): void => setIs(query.matches);
    query.addEventListener("change", look);
    return () => query.removeEventListener("change", look);
  }, []);
  return is ? 44 : 36;
}
