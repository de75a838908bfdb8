import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../../root";

export interface RunsSearch {
  /** The query box. */
  q?: string;
  /** The column that it is sorted by, with `-` in front for the other way round. */
  sort?: string;
  /** The columns, where they are not the usual ones. */
  cols?: string[];
  archived?: boolean;
}

/** All runs, as a table; everything that is chosen there stands in the address. */
export const runsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/runs",
  validateSearch: (given: Record<string, unknown>): RunsSearch => ({
    ...(typeof given.q === "string" && given.q && { q: given.q }),
    ...(typeof given.q === "number" && { q: String(given.q) }),
    ...(typeof given.sort === "string" && { sort: given.sort }),
    ...(Array.isArray(given.cols) && { cols: given.cols.filter((one) => typeof one === "string").slice(0, 50) }),
    ...(given.archived === true && { archived: true }),
  }),
  component: lazyRouteComponent(() => import("./RunsScreen"), "RunsScreen"),
});
