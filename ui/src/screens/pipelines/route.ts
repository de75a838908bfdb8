import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../../root";

/** The pipelines, what needs attention, and where one begins. */
export const pipelinesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  component: lazyRouteComponent(() => import("./PipelinesScreen"), "PipelinesScreen"),
});
