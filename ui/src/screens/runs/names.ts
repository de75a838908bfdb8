// Which parameters and metrics there are to ask for: those of the newest runs of the pipelines that are shown.
import { useQueries } from "@tanstack/react-query";
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
  const ids = wanted ? [...newest.values()] : [];
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
