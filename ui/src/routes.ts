// The table of all routes: a line a screen. What a route's address holds is said in its folder.
import { createRouter } from "@tanstack/react-router";
import { base } from "./place";
import { rootRoute } from "./root";
import { agentsRoute } from "./screens/agents/route";
import { compareRoute } from "./screens/compare/route";
import { gridRoute } from "./screens/grid/route";
import { modelRoute, modelsRoute } from "./screens/models/route";
import { newRunRoute } from "./screens/newrun/route";
import { pipelinesRoute } from "./screens/pipelines/route";
import { queuesRoute } from "./screens/queues/route";
import { runRoute } from "./screens/run/route";
import { runsRoute } from "./screens/runs/route";
import { settingsRoute } from "./screens/settings/route";
import { taskRoute, tasksRoute } from "./screens/tasks/route";
import { CrashScreen, NothingHere } from "./shell/ErrorScreens";

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    pipelinesRoute, // /
    runsRoute, // /runs
    runRoute, // /runs/$run
    compareRoute, // /compare
    gridRoute, // /grid
    tasksRoute, // /tasks
    taskRoute, // /tasks/$task
    modelsRoute, // /models
    modelRoute, // /models/$model
    settingsRoute, // /settings
    queuesRoute, // /queues
    agentsRoute, // /agents
    newRunRoute, // /new?source=RUN or /new?pipeline=NAME&project=PROJECT
  ]),
  basepath: base,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  defaultErrorComponent: CrashScreen,
  defaultNotFoundComponent: NothingHere,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
