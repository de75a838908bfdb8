import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { opQuery, queryClient } from "../../api/queries";
import { rootRoute } from "../../root";

/** One run. */
export const runRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/runs/$run",
  loader: ({ params }) => {
    void queryClient.prefetchQuery(opQuery("GetRun", { id: params.run }));
  },
  component: lazyRouteComponent(() => import("./RunScreen"), "RunScreen"),
});
