import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../../root";

export interface NewRunSearch {
  /** The run that values are taken from. */
  source?: string;
  /** The pipeline and its project, where no run is named: its newest run counts. */
  pipeline?: string;
  project?: string;
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" || typeof value === "number" ? String(value) : undefined;

/** A new run of what another run did. */
export const newRunRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/new",
  validateSearch: (given: Record<string, unknown>): NewRunSearch => {
    const found = { source: text(given.source), pipeline: text(given.pipeline), project: text(given.project) };
    return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
  },
  component: lazyRouteComponent(() => import("./NewRunScreen"), "NewRunScreen"),
});
