// The table of all routes: a line a screen. What a route's address holds is said in its folder.
import { createRouter } from "@tanstack/react-router";
import { base } from "./place";
import { rootRoute } from "./root";
import { newRunRoute } from "./screens/newrun/route";
import { pipelinesRoute } from "./screens/pipelines/route";
import { runRoute } from "./screens/run/route";
import { runsRoute } from "./screens/runs/route";
import { CrashScreen, NothingHere } from "./shell/ErrorScreens";

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    pipelinesRoute, // /
    runsRoute, // /runs
    runRoute, // /runs/$run
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
