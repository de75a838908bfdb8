import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";

/** Shorter lists are drawn whole. */
const FEW = 60;

/** A list of any length, of which only the items in view are elements. It scrolls with what it is in. */
export function LongList<Item>(props: {
  label: string;
  className: string;
  items: readonly Item[];
  keyOf: (item: Item) => string;
  /** About how high an item is, in pixels, with the gap below it. */
  height: number;
  children: (item: Item) => ReactNode;
}) {
  const { label, className, items, keyOf, height, children } = props;
  const isLong = items.length > FEW;
  const list = useRef<HTMLUListElement>(null);
  const [place, setPlace] = useState<{ scroller: HTMLElement | null; top: number }>({ scroller: null, top: 0 });
  useLayoutEffect(() => {
    const scroller = scrollerOf(list.current);
    if (!scroller || !list.current || !isLong) return;
    const top = list.current.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop;
    setPlace({ scroller, top });
  }, [isLong]);
  const virtual = useVirtualizer({
    count: isLong ? items.length : 0,
    getScrollElement: () => place.scroller,
    estimateSize: () => height,
    getItemKey: (index) => keyOf(items[index] as Item),
    scrollMargin: place.top,
    overscan: 12,
  });
  // Items that turn out lower than they were taken for must not move away who is at the end of the list.
  virtual.shouldAdjustScrollPositionOnItemSizeChange = (item) =>
    item.start < (virtual.scrollOffset ?? 0) && !isAtEnd(place.scroller);
  if (!isLong) {
    return (
      <ul className={className} aria-label={label}>
        {items.map((item) => (
          <li key={keyOf(item)} className="long-item">
            {children(item)}
          </li>
        ))}
      </ul>
    );
  }
  const shown = virtual.getVirtualItems();
  const before = (shown[0]?.start ?? place.top) - place.top;
  const after = virtual.getTotalSize() - ((shown.at(-1)?.end ?? place.top) - place.top);
  return (
    <ul className={className} aria-label={label} ref={list}>
      <li aria-hidden="true" style={{ height: before }} />
      {shown.map(({ index, key }) => (
        <li
          key={key}
          ref={virtual.measureElement}
          data-index={index}
          className="long-item"
          aria-posinset={index + 1}
          aria-setsize={items.length}
        >
          {children(items[index] as Item)}
        </li>
      ))}
      <li aria-hidden="true" style={{ height: after }} />
    </ul>
  );
}

/** Return whether there is nothing below what is in view. */
function isAtEnd(scroller: HTMLElement | null): boolean {
  return scroller !== null && scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 2;
}

/** Return what an element scrolls in. */
function scrollerOf(element: HTMLElement | null): HTMLElement | null {
  for (let one = element?.parentElement; one; one = one.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(one).overflowY)) return one;
  }
  return null;
}
