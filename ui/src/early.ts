// Runs before anything else of the page is loaded: it asks for what the screen at this address shows first, and has the
// screen's own files fetched, beside the libraries instead of after them. It imports nothing, so that it is one small
// file. What it asked for is taken up by api/early.ts; where it asked for something else than the screen does, or got no
// answer, the screen asks itself.
import type { Begun } from "./api/early";

const MOST_RUNS = 100;
const SCREENS: readonly (readonly [RegExp, string])[] = [
  [/^$/, "PipelinesScreen"],
  [/^runs$/, "RunsScreen"],
  [/^runs\/[^/]+$/, "RunScreen"],
  [/^tasks$/, "TasksScreen"],
  [/^new$/, "NewRunScreen"],
];
/** The runs as the table shows them where its address says nothing more. */
const NEWEST_RUNS = {
  where: [],
  sort: { column: { type: "fact", name: "created" }, descending: true },
  columns: [],
  archived: false,
  brief: true,
  limit: MOST_RUNS,
  after: null,
};

const begun = new Map<string, Begun>();
window.penstockBegun = begun;

const here = location.pathname.slice(new URL(document.baseURI).pathname.length);
const screen = SCREENS.find(([path]) => path.test(here))?.[1];
if (screen) {
  const files = document.querySelector<HTMLMetaElement>('meta[name="screens"]')?.content || "{}";
  for (const file of (JSON.parse(files) as Record<string, string[]>)[screen] ?? []) {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = file;
    document.head.append(link);
  }
}
// What is shown has to be from after the change from which on changes are heard: else one between them would be missed.
const last = ask("LastChange", {});
if (here === "runs" && !location.search) ask("SearchRuns", NEWEST_RUNS, last);

/** Ask for an operation that only reads, once something else is answered. */
function ask(op: string, args: object, after: Promise<unknown> = Promise.resolve()): Promise<unknown> {
  const body = JSON.stringify(args);
  const one: Begun = { at: Date.now(), answer: undefined, done: after.then(get) };
  begun.set(`${op} ${body}`, one);
  return one.done;

  async function get(): Promise<void> {
    try {
      const headers = { "Content-Type": "application/json", Accept: "application/json" };
      const response = await fetch(`api/v1/${op}`, { method: "POST", headers, body });
      if (response.ok) one.answer = await response.json();
    } catch {
      // who needs it asks again, and says what is wrong
    }
  }
}
