import { describe, expect, it } from "vitest";
import { effectText, isQuiet, NAMES, steeringOf, tagsIn } from "./effects";

describe("what an action does", () => {
  it("is quiet where a step is left as it is", () => {
    expect((["runs", "stops", "goes", "skipped", "stays", "reused"] as const).filter(isQuiet)).toEqual([
      "stays",
      "reused",
    ]);
  });

  it("is said in a word or two", () => {
    expect([effectText("runs"), effectText("stays")]).toEqual(["runs", "stays"]);
  });

  it("has a name that says whether it can be taken back", () => {
    expect(NAMES["rerun from"].title("train #3", "evaluate")).toBe("Run again from evaluate?");
    expect(Object.entries(NAMES).flatMap(([name, { danger }]) => (danger ? [name] : []))).toEqual([
      "abort",
      "abort step",
      "skip step",
      "delete",
    ]);
  });

  it("is offered for a step by where that and its run stand", () => {
    const offered = (run: string, status: string, since: number | null = null) => steeringOf(run, { status, since });
    expect(offered("in_progress", "pending")).toEqual(["skip step"]);
    expect(offered("in_progress", "running")).toEqual(["abort step"]);
    expect(offered("in_progress", "queued")).toEqual(["skip step"]);
    expect(offered("in_progress", "queued", 1)).toEqual(["skip step", "abort step"]);
    expect(offered("in_progress", "failed")).toEqual([]);
    expect(offered("queued", "failed")).toEqual(["skip step"]);
    expect(offered("queued", "completed")).toEqual([]);
    expect(offered("failed", "pending")).toEqual([]);
  });
});

describe("tags", () => {
  it("are the words between commas, each once", () => {
    expect(tagsIn(" best, , two words,best ")).toEqual(["best", "two words"]);
  });
});
