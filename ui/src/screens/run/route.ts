import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { opQuery, queryClient } from "../../api/queries";
import { rootRoute } from "../../root";
import { readAddress } from "./address";

/** One run. */
export const runRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/runs/$run",
  validateSearch: readAddress,
  loader: ({ params }) => {
    void queryClient.prefetchQuery(opQuery("GetGraph", { id: params.run }));
  },
  component: lazyRouteComponent(() => import("./RunScreen"), "RunScreen"),
});
