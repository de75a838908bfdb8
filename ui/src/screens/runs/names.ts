// Which parameters and metrics there are to ask for: those of the newest runs of the pipelines that are shown. Where none
// is, those that were shown last: what one has written so far may fit no run.
import { useQueries } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { opQuery } from "../../api/queries";
import type { Row } from "./useRuns";

const MOST = 4; // pipelines that are looked at

/** Return names of parameters and metrics, as people write them. */
export function useNames(rows: readonly Row[], wanted: boolean): { parameters: string[]; metrics: string[] } {
  const newest = new Map<string, string>();
  for (const { run } of rows) {
    const key = `${run.project}/${run.pipeline}`;
    if (!newest.has(key) && newest.size < MOST) newest.set(key, run.task.id);
  }
  const now = [...newest.values()];
  const before = useRef<string[]>([]);
  useEffect(() => {
    if (now.length) before.current = now;
  });
  const ids = wanted ? (now.length ? now : before.current) : [];
  const parameters = useQueries({
    queries: ids.map((task) => ({ ...opQuery("GetParameters", { task }), staleTime: 60_000 })),
  });
  const metrics = useQueries({
    queries: ids.map((task) => ({ ...opQuery("SummarizeScalars", { task }), staleTime: 60_000 })),
  });
  return {
    parameters: distinct(
      parameters.flatMap(({ data }) =>
        (data ?? []).map((one) => (one.section === "Args" ? one.name : `${one.section}/${one.name}`)),
      ),
    ),
    metrics: distinct(metrics.flatMap(({ data }) => (data ?? []).map((one) => `${one.title}:${one.series}`))),
  };
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].filter((one) => !/[\s"]/.test(one)).sort();
}
