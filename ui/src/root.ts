// The route that all others are in. Apart from routes.ts, so that a screen's route needs no other screen.
import { createRootRoute } from "@tanstack/react-router";
import { CrashScreen, NothingHere } from "./shell/ErrorScreens";
import { Shell } from "./shell/Shell";

export const rootRoute = createRootRoute({
  component: Shell,
  errorComponent: CrashScreen,
  notFoundComponent: NothingHere,
});
