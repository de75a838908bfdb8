// What the address of a run's screen holds: the tab, the step that is open, and where one is in it.

export const TABS = [
  { name: "graph", label: "Graph" },
  { name: "timeline", label: "Timeline" },
  { name: "steps", label: "Steps" },
  { name: "logs", label: "Logs" },
  { name: "metrics", label: "Metrics" },
  { name: "artifacts", label: "Artifacts" },
  { name: "models", label: "Models" },
  { name: "parameters", label: "Parameters" },
  { name: "code", label: "Code" },
  { name: "events", label: "Events" },
] as const;

export const VIEWS = [
  { name: "summary", label: "Summary" },
  { name: "logs", label: "Logs" },
  { name: "values", label: "Values" },
  { name: "metrics", label: "Metrics" },
  { name: "plots", label: "Plots" },
  { name: "artifacts", label: "Artifacts" },
  { name: "models", label: "Models" },
  { name: "code", label: "Code" },
  { name: "environment", label: "Environment" },
] as const;

export type TabName = (typeof TABS)[number]["name"];
export type ViewName = (typeof VIEWS)[number]["name"];

export interface RunAddress {
  tab?: TabName;
  /** The step whose drawer is open. */
  step?: string;
  view?: ViewName;
  attempt?: number;
  /** A console line: its chunk and its place in that. */
  line?: string;
  /** The artifact that is looked at. */
  artifact?: string;
}

/** Return what an address says, without what makes no sense. */
export function readAddress(search: Record<string, unknown>): RunAddress {
  const found: RunAddress = {};
  const tab = TABS.find((one) => one.name === search.tab);
  const view = VIEWS.find((one) => one.name === search.view);
  if (tab && tab.name !== "graph") found.tab = tab.name;
  const step = text(search.step);
  if (step) {
    found.step = step;
    if (view && view.name !== "summary") found.view = view.name;
    const attempt = Number(search.attempt);
    if (Number.isInteger(attempt) && attempt > 0) found.attempt = attempt;
  }
  const line = text(search.line);
  if (line && /^\d+\.\d+$/.test(line)) found.line = line;
  const artifact = text(search.artifact);
  if (artifact) found.artifact = artifact;
  return found;
}

/** The router reads `?step=12` as a number; a step may be called so. */
function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}
