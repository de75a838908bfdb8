import { describe, expect, it } from "vitest";
import { countsOf, isQuiet, NAMES, tagsIn } from "./effects";

describe("what an action does", () => {
  it("is counted, what happens first and what stays last", () => {
    expect(countsOf(["reused", "runs", "reused", "runs"])).toBe("2 steps run, 2 are reused");
    expect(countsOf(["stays", "stops"])).toBe("1 step is stopped, 1 stays");
    expect(countsOf([])).toBe("No step is affected.");
  });

  it("is quiet where a step is left as it is", () => {
    expect((["runs", "stops", "goes", "skipped", "stays", "reused"] as const).filter(isQuiet)).toEqual([
      "stays",
      "reused",
    ]);
  });

  it("has a name that says whether it can be taken back", () => {
    expect(NAMES["rerun from"].title("train #3", "evaluate")).toBe("Run again from evaluate?");
    expect(Object.entries(NAMES).flatMap(([name, { danger }]) => (danger ? [name] : []))).toEqual(["abort", "delete"]);
  });
});

describe("tags", () => {
  it("are the words between commas, each once", () => {
    expect(tagsIn(" best, , two words,best ")).toEqual(["best", "two words"]);
  });
});
