import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../../root";

export interface PipelinesSearch {
  /** Letters in the name or the project. */
  q?: string;
  /** Only pipelines of this project, and of those below it. */
  project?: string;
}

/** The pipelines, what needs attention, and where one begins. */
export const pipelinesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  validateSearch: (given: Record<string, unknown>): PipelinesSearch => ({
    ...((typeof given.q === "string" || typeof given.q === "number") && given.q !== "" && { q: String(given.q) }),
    ...(typeof given.project === "string" && given.project && { project: given.project }),
  }),
  component: lazyRouteComponent(() => import("./PipelinesScreen"), "PipelinesScreen"),
});
