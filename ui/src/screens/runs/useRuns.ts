// The rows of the table: loaded a page at a time, and kept true without loading them all again.
import { type InfiniteData, keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { type RefObject, useEffect, useRef, useState } from "react";
import { type Answer, type Args, call } from "../../api/call";
import { arrived } from "../../api/early";
import type { Change } from "../../api/types";
import { useChanges } from "../../live/live";

export type Row = Answer<"SearchRuns">["rows"][number];
type Pages = InfiniteData<Answer<"SearchRuns">, string | null>;

const PAGE = 100;
const PAUSE = 400; // milliseconds between two looks at what changed
const AT_TOP = 8; // pixels
const AT_ONCE = 100; // the most ids that one condition takes

export interface Search {
  where: NonNullable<Args<"SearchRuns">["where"]>;
  sort: NonNullable<Args<"SearchRuns">["sort"]>;
  columns: NonNullable<Args<"SearchRuns">["columns"]>;
  archived: boolean;
  /** Whether what was run is left out, which is most of what there is of a run. */
  brief: boolean;
}

/**
 * Return the rows of a search, and what gets more of them.
 *
 * Rows that are shown change in place. New ones come in at the top only while nobody reads further down in `scroller`;
 * else they are counted in `fresh`, and `showFresh` shows them.
 */
export function useRuns(search: Search, enabled: boolean, scroller: RefObject<HTMLElement | null>) {
  const client = useQueryClient();
  const key = ["runs", search] as const;
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => call("SearchRuns", page(search, pageParam), signal),
    initialPageParam: null as string | null,
    initialData: () => {
      const first = arrived("SearchRuns", page(search, null));
      return first && { pages: [first], pageParams: [null] };
    },
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    // Another search is shown at once, and looked at again behind; not so what came right now.
    staleTime: ({ state }) => (state.dataUpdateCount ? 0 : Number.POSITIVE_INFINITY),
    refetchOnWindowFocus: false,
    enabled,
  });
  const changed = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const look = useRef<() => Promise<void>>(async () => {});

  useEffect(() => {
    look.current = async () => {
      const ids = [...changed.current].slice(0, AT_ONCE);
      for (const id of ids) changed.current.delete(id);
      if (!ids.length || !client.getQueryData(key)) return;
      const among = { column: { type: "fact", name: "id" }, test: "=", values: ids } as const;
      const found = await call("SearchRuns", { ...search, where: [...search.where, among], limit: AT_ONCE });
      const now = new Map(found.rows.map((row) => [row.run.task.id, row]));
      // What is known by now: all may have been loaded anew meanwhile.
      const pages = client.getQueryData<Pages>(key)?.pages ?? [];
      const known = pages.flatMap((page) => page.rows);
      const inOrder = isNewestFirst(search);
      const { above, between } = cameIn(known, found.rows, inOrder, Boolean(pages.at(-1)?.next));
      const isShown = inOrder && (scroller.current?.scrollTop ?? 0) < AT_TOP;
      client.setQueryData<Pages>(key, (old) => old && merged(old, new Set(ids), now, isShown ? above : []));
      const came = [...above, ...between].map((row) => row.run.task.id);
      if (came.length && !isShown) setFresh((old) => new Set([...old, ...came]));
      if (between.length && isShown) await query.refetch(); // they were brought back, say: to their places
    };
  });
  useChanges((changes: Change[]) => {
    for (const one of changes) if (one.run) changed.current.add(one.run);
    if (!changed.current.size || timer.current) return;
    const go = (): void => {
      timer.current = undefined;
      void look.current().catch(() => undefined);
      if (changed.current.size > AT_ONCE) timer.current = setTimeout(go, PAUSE);
    };
    timer.current = setTimeout(go, PAUSE);
  });
  useEffect(() => () => clearTimeout(timer.current), []);

  const text = JSON.stringify(search);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another search has seen everything
  useEffect(() => setFresh(new Set()), [text]);

  return {
    rows: query.data?.pages.flatMap((page) => page.rows) ?? [],
    query,
    fresh: fresh.size,
    showFresh(): void {
      setFresh(new Set());
      scroller.current?.scrollTo(0, 0);
      client.setQueryData<Pages>(key, (old) => old && firstOf(old));
      void query.refetch();
    },
    /** Look again at rows that something was done with, whether the stream of changes tells of it or not. */
    changed(ids: readonly string[]): void {
      for (const id of ids) changed.current.add(id);
      void look.current().catch(() => undefined);
    },
  };
}

function firstOf({ pages, pageParams }: Pages): Pages {
  return { pages: pages.slice(0, 1), pageParams: pageParams.slice(0, 1) };
}

function page(search: Search, after: string | null): Args<"SearchRuns"> {
  return { ...search, limit: PAGE, after };
}

export function isNewestFirst(search: Search): boolean {
  const { column, descending } = search.sort;
  return column.type === "fact" && column.name === "created" && descending === true;
}

/**
 * Return which rows come in that are not shown yet: above all others, or among them. Where the newest stand first, an
 * older one than all that are loaded comes with its page.
 */
export function cameIn(known: readonly Row[], found: readonly Row[], newestFirst: boolean, hasMore: boolean) {
  const shown = new Set(known.map((row) => row.run.task.id));
  const unknown = found.filter((row) => !shown.has(row.run.task.id));
  const newest = known[0]?.run.task.created ?? 0;
  const oldest = known.at(-1)?.run.task.created ?? 0;
  const isAbove = (row: Row): boolean => !newestFirst || row.run.task.created >= newest;
  const isLoaded = (row: Row): boolean => !hasMore || row.run.task.created >= oldest;
  return {
    above: unknown.filter(isAbove),
    between: unknown.filter((row) => !isAbove(row) && isLoaded(row)),
  };
}

/** Return pages in which rows that were looked at again are as they are now, without those that are not found any more. */
function merged(old: Pages, asked: ReadonlySet<string>, now: ReadonlyMap<string, Row>, added: readonly Row[]): Pages {
  const pages = old.pages.map((page, index) => ({
    ...page,
    rows: [
      ...(index === 0 ? added : []),
      ...page.rows.flatMap((row) => {
        const id = row.run.task.id;
        const found = now.get(id);
        return found ? [found] : asked.has(id) ? [] : [row];
      }),
    ],
  }));
  return { ...old, pages };
}
