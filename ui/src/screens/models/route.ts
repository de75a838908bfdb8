import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { opQuery, queryClient } from "../../api/queries";
import { rootRoute } from "../../root";

export interface ModelsSearch {
  /** Letters in a name, a project, a framework or a tag. */
  q?: string;
  published?: boolean;
  archived?: boolean;
}

/** All models. */
export const modelsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/models",
  validateSearch: (given: Record<string, unknown>): ModelsSearch => ({
    ...((typeof given.q === "string" || typeof given.q === "number") && given.q !== "" && { q: String(given.q) }),
    ...(given.published === true && { published: true }),
    ...(given.archived === true && { archived: true }),
  }),
  component: lazyRouteComponent(() => import("./ModelsScreen"), "ModelsScreen"),
});

/** One model. */
export const modelRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/models/$model",
  loader: ({ params }) => {
    void queryClient.prefetchQuery(opQuery("GetModel", { id: params.model }));
  },
  component: lazyRouteComponent(() => import("./ModelScreen"), "ModelScreen"),
});
