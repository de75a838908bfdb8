// What many tasks recorded, asked for by pages: a run may have thousands of steps.
import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Schemas } from "../../api/call";
import { opQuery } from "../../api/queries";

export interface Recorder {
  id: string;
  /** What its lines are called where several tasks are shown; empty where it is the only one. */
  name: string;
}

interface Kinds {
  artifacts: Schemas["Artifact"];
  models: Schemas["Model"];
  scalars: Schemas["ScalarSummary"];
}

export interface Records<Item> {
  /** Those tasks that recorded something, in their order, each with what it did. */
  found: readonly { task: Recorder; items: readonly Item[] }[];
  error: unknown;
  /** Whether not all pages have come. */
  isPending: boolean;
}

/** So many tasks are asked for at once. */
export const PAGE = 250;

/** Return things in pages. */
export function paged<Item>(items: readonly Item[], size = PAGE): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, page) =>
    items.slice(page * size, (page + 1) * size),
  );
}

/** Ask for what tasks recorded, again and again while more may come: records are no changes of the feed. */
export function useRecords<K extends keyof Kinds>(
  kind: K,
  tasks: readonly Recorder[],
  isLive: boolean,
  again: number,
): Records<Kinds[K]> {
  const pages = useMemo(() => paged(tasks), [tasks]);
  const answers = useQueries({
    queries: pages.map((page) => ({
      ...opQuery("ListRecords", { tasks: page.map(({ id }) => id), kind }),
      refetchInterval: isLive ? again * pages.length : (false as const),
    })),
  });
  const stamp = answers.map((one) => one.dataUpdatedAt).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the answers are new each time; the stamp says when they are
  const found = useMemo(() => {
    const byTask = new Map(answers.flatMap(({ data = [] }) => data.map((one) => [one.task, one] as const)));
    return tasks.flatMap((task) => {
      const items = byTask.get(task.id)?.[kind] as readonly Kinds[K][] | undefined;
      return items?.length ? [{ task, items }] : [];
    });
  }, [tasks, kind, stamp]);
  return { found, error: answers.find((one) => one.error)?.error, isPending: answers.some((one) => one.isPending) };
}
