import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../../root";

/** The queues; `?queue=` is the one whose tasks are shown beside them. */
export const queuesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/queues",
  validateSearch: ({ queue }: Record<string, unknown>): { queue?: string } =>
    queue === undefined || queue === "" ? {} : { queue: String(queue) },
  component: lazyRouteComponent(() => import("./QueuesScreen"), "QueuesScreen"),
});
