import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../../root";
import { widthsOf } from "./widths";

export interface RunsSearch {
  /** The query box. */
  q?: string;
  /** The column that it is sorted by, with `-` in front for the other way round. */
  sort?: string;
  /** The columns, where they are not the usual ones. */
  cols?: string[];
  /** The columns that stay at the left edge. */
  pins?: string[];
  /** The pixels of columns that are wider or narrower than usual. */
  widths?: Record<string, number>;
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
    ...(Array.isArray(given.pins) && { pins: given.pins.filter((one) => typeof one === "string").slice(0, 50) }),
    ...(widthsOf(given.widths) && { widths: widthsOf(given.widths) }),
    ...(given.archived === true && { archived: true }),
  }),
  component: lazyRouteComponent(() => import("./RunsScreen"), "RunsScreen"),
});
