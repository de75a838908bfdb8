import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { opQuery, queryClient } from "../../api/queries";
import { rootRoute } from "../../root";

export interface TasksSearch {
  /** The query box. */
  q?: string;
  project?: string;
  archived?: boolean;
}

/** Tasks that belong to no run, by project. */
export const tasksRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/tasks",
  validateSearch: (given: Record<string, unknown>): TasksSearch => ({
    ...((typeof given.q === "string" || typeof given.q === "number") && given.q !== "" && { q: String(given.q) }),
    ...(typeof given.project === "string" && given.project && { project: given.project }),
    ...(given.archived === true && { archived: true }),
  }),
  component: lazyRouteComponent(() => import("./TasksScreen"), "TasksScreen"),
});

export const TASK_TABS = [
  { name: "summary", label: "Summary" },
  { name: "console", label: "Console" },
  { name: "metrics", label: "Metrics" },
  { name: "plots", label: "Plots" },
  { name: "artifacts", label: "Artifacts" },
  { name: "models", label: "Models" },
  { name: "code", label: "Code" },
] as const;
export type TaskTab = (typeof TASK_TABS)[number]["name"];

export interface TaskSearch {
  tab?: TaskTab;
  /** A console line. */
  line?: string;
  /** The artifact that is looked at. */
  artifact?: string;
}

/** One task. */
export const taskRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/tasks/$task",
  validateSearch: (given: Record<string, unknown>): TaskSearch => {
    const tab = TASK_TABS.find((one) => one.name === given.tab && one.name !== "summary");
    return {
      ...(tab && { tab: tab.name }),
      ...(typeof given.line === "string" && /^\d+\.\d+$/.test(given.line) && { line: given.line }),
      ...(typeof given.artifact === "string" && { artifact: given.artifact }),
    };
  },
  loader: ({ params }) => {
    void queryClient.prefetchQuery(opQuery("GetTask", { id: params.task }));
  },
  component: lazyRouteComponent(() => import("./TaskScreen"), "TaskScreen"),
});
