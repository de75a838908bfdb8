import { describe, expect, it } from "vitest";
import type { RunView } from "../view";
import { ofAbort, ofDelete, ofRerun, tagsIn } from "./affected";

const DETAIL = {
  steps: [
    { name: "done", status: "completed", task: "1" },
    { name: "runs", status: "running", task: "2" },
    { name: "waits", status: "pending", task: null },
  ],
} as unknown as RunView;

describe("what an action does", () => {
  it("to abort is to end what runs, to skip what waits, and to leave what is done", () => {
    expect(ofAbort(DETAIL).map(({ step, what, changes }) => [step, what, changes])).toEqual([
      ["done", "stays", false],
      ["runs", "is aborted", true],
      ["waits", "is skipped", true],
    ]);
  });

  it("to delete concerns the steps that left something", () => {
    expect(ofDelete(DETAIL).map(({ step }) => step)).toEqual(["done", "runs"]);
  });

  it("to rerun is what the server plans", () => {
    const steps = [
      { step: "a", treatment: "reuse" as const, why: "unchanged", details: [], task: "1", fresh: false },
      { step: "b", treatment: "run" as const, why: "it failed", details: [], task: null, fresh: false },
    ];
    const plan = { changes: [], request: { source: "x", name: "r", from_step: null, only: null }, steps };
    expect(ofRerun(plan)).toEqual([
      { step: "a", what: "is reused", why: "unchanged", changes: false },
      { step: "b", what: "runs", why: "it failed", changes: true },
    ]);
  });
});

describe("tags", () => {
  it("are the words between commas, each once", () => {
    expect(tagsIn(" best, , two words,best ")).toEqual(["best", "two words"]);
  });
});
