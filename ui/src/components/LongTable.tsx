import "./longtable.css";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef } from "react";
import { useRows } from "../shell/rows";

/**
 * A table of any length: only the rows in view are elements. It scrolls inside itself, and fills what it is in.
 *
 * `cells` are the cells of a row: the one to open has `data-opens` on its link. On a narrow screen rows become cards.
 */
export function LongTable<Row>(props: {
  label: string;
  head: ReactNode;
  columns: number;
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  cells: (row: Row) => ReactNode;
  isChosen?: (row: Row) => boolean;
  /** Is told when one has come near the end; left out while there is no more to be had. */
  onEnd?: () => void;
  /** Whether rows stay rows on a narrow screen, to be scrolled sideways: of data that has no names for its cells. */
  flat?: boolean;
}) {
  const { label, head, columns, rows, keyOf, cells, isChosen, onEnd, flat = false } = props;
  const scroller = useRef<HTMLElement>(null);
  const walked = useRows<HTMLTableElement>();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 37,
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : keyOf(row);
    },
    overscan: 16,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const isNear = rows.length > 0 && last >= rows.length - 20;
  const tell = useRef(onEnd);
  useEffect(() => {
    tell.current = onEnd;
  });
  const isThere = onEnd !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: again for each page that came
  useEffect(() => {
    if (isNear && isThere) tell.current?.();
  }, [isNear, isThere, rows.length]);
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const look = flat ? "table-scroller long" : "table-scroller long stacks";
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className={look} aria-label={label} tabIndex={0} ref={scroller}>
      <table className="table" ref={walked} aria-rowcount={rows.length + 1}>
        <caption className="unseen">{label}</caption>
        <thead>
          <tr>{head}</tr>
        </thead>
        <tbody>
          {before > 0 && <Space columns={columns} height={before} />}
          {items.map(({ index, key }) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <tr
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                data-row
                data-chosen={isChosen?.(row) || undefined}
                aria-rowindex={index + 2}
              >
                {cells(row)}
              </tr>
            );
          })}
          {after > 0 && <Space columns={columns} height={after} />}
        </tbody>
      </table>
    </section>
  );
}

function Space({ columns, height }: { columns: number; height: number }) {
  return (
    <tr className="table-space">
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}
