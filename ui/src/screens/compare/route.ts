import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../../root";

export const COMPARE_TABS = [
  { name: "differences", label: "Differences" },
  { name: "times", label: "Step times" },
  { name: "metrics", label: "Metrics" },
] as const;
export type CompareTab = (typeof COMPARE_TABS)[number]["name"];

export interface CompareSearch {
  /** Ids of 2 to 20 runs; the first is what the others are compared with. */
  runs?: string[];
  tab?: CompareTab;
  /** The step whose metrics are drawn. */
  step?: string;
}

export const MOST = 20;

/** Runs beside each other. */
export const compareRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/compare",
  validateSearch: (given: Record<string, unknown>): CompareSearch => {
    const ids = Array.isArray(given.runs) ? given.runs : typeof given.runs === "string" ? given.runs.split(",") : [];
    const runs = [...new Set(ids.filter((one) => typeof one === "string" && one !== ""))].slice(0, MOST);
    const tab = COMPARE_TABS.find((one) => one.name === given.tab && one.name !== "differences");
    return {
      ...(runs.length > 0 && { runs }),
      ...(tab && { tab: tab.name }),
      ...(typeof given.step === "string" && { step: given.step }),
    };
  },
  component: lazyRouteComponent(() => import("./CompareScreen"), "CompareScreen"),
});
