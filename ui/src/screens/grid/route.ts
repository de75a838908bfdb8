import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../../root";

export interface GridSearch {
  project: string;
  pipeline: string;
}

/** The last runs of a pipeline and their steps. */
export const gridRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/grid",
  validateSearch: (given: Record<string, unknown>): GridSearch => ({
    project: String(given.project ?? ""),
    pipeline: String(given.pipeline ?? ""),
  }),
  component: lazyRouteComponent(() => import("./GridScreen"), "GridScreen"),
});
