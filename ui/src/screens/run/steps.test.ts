import { describe, expect, it } from "vitest";
import type { RunDetail, StepState } from "../../api/types";
import { readAddress } from "./address";
import { countsText, culprit, graphSteps, indented, reasonOf } from "./steps";

type Definition = RunDetail["definition"]["steps"][number];

function run(steps: [name: string, parents: string[], state: Partial<StepState>][], task = {}): RunDetail {
  return {
    run: { task: { status: "in_progress", message: "", queue: null, ...task }, counts: {} },
    definition: {
      default_queue: null,
      steps: steps.map(
        ([name, parents]) => ({ name, parents, code: "c", stage: null, queue: null }) as unknown as Definition,
      ),
    },
    steps: steps.map(([name, , state]) => ({
      name,
      status: "pending",
      attempt: 0,
      task: null,
      reason: "",
      started: null,
      ended: null,
      stage: null,
      ...state,
    })),
  } as unknown as RunDetail;
}

describe("the reason of a step", () => {
  it("names the parents that it waits for, and not those that ended", () => {
    const detail = run([
      ["a", [], { status: "completed" }],
      ["b", [], { status: "running" }],
      ["c", [], {}],
      ["d", [], {}],
      ["one", ["a", "b"], {}],
      ["two", ["b", "c"], {}],
      ["more", ["b", "c", "d"], {}],
      ["none", ["a"], {}],
    ]);
    expect(reasonOf(detail, "one", 0)).toBe("waiting for b");
    expect(reasonOf(detail, "two", 0)).toBe("waiting for b and c");
    expect(reasonOf(detail, "more", 0)).toBe("waiting for b, c and 1 more");
    expect(reasonOf(detail, "none", 0)).toBe("is about to start");
  });

  it("says in which queue it waits, how long, and that no agent listens", () => {
    const reason = "no agent serves queue 'gpu'; start one with: penstock agent --queue gpu";
    const detail = run([["a", [], { status: "queued", started: 60, reason }]]);
    detail.definition.default_queue = "gpu";
    expect(reasonOf(detail, "a", 100)).toBe(`queued 40 s in gpu: ${reason}`);
  });

  it("is what the server recorded for what was reused or skipped", () => {
    const detail = run([
      ["a", [], { status: "cached", reason: "equal to run #12\nmore" }],
      ["b", [], { status: "skipped", reason: "the pre-callback returned False" }],
    ]);
    expect(reasonOf(detail, "a", 0)).toBe("reused: equal to run #12");
    expect(reasonOf(detail, "b", 0)).toBe("skipped: the pre-callback returned False");
  });

  it("before the run begins is the run's own", () => {
    expect(reasonOf(run([["a", [], {}]], { status: "queued", queue: "services" }), "a", 0)).toBe(
      "the run waits in services",
    );
    expect(reasonOf(run([["a", [], {}]], { status: "created" }), "a", 0)).toContain("draft");
    expect(reasonOf(run([["a", [], {}]]), "nowhere", 0)).toBe("");
  });
});

describe("a run that failed", () => {
  it("points at the step that its message names", () => {
    const failed = (ended: number) => ({ status: "failed" as const, ended });
    const steps: [string, string[], Partial<StepState>][] = [
      ["a", [], failed(1)],
      ["b", [], failed(2)],
    ];
    expect(culprit(run(steps, { message: "step 'b' failed" }))?.name).toBe("b");
    expect(culprit(run(steps))?.name).toBe("a");
    expect(culprit(run([["a", [], {}]]))).toBeUndefined();
  });
});

describe("steps", () => {
  it("that the server says nothing of are pending", () => {
    const detail = run([["a", [], { status: "running" }]]);
    detail.definition.steps.push({ ...detail.definition.steps[0], name: "b" } as Definition);
    expect(graphSteps(detail).map(({ status }) => status)).toEqual(["running", "pending"]);
  });

  it("are counted in words", () => {
    expect(countsText({ completed: 1_200, failed: 1, queued: 0 })).toBe("1,200 completed, 1 failed");
  });

  it("are listed below their parents, a cycle at the end", () => {
    const steps = graphSteps(
      run([
        ["b", ["a"], {}],
        ["a", [], {}],
        ["x", ["y"], {}],
        ["y", ["x"], {}],
      ]),
    );
    expect(indented(steps).map(({ step, depth }) => [step.name, depth])).toEqual([
      ["a", 0],
      ["b", 1],
      ["x", 0],
      ["y", 0],
    ]);
  });
});

describe("the address", () => {
  it("keeps what makes sense, and nothing else", () => {
    expect(readAddress({ tab: "logs", step: 12, view: "code", attempt: "2", line: "3.4", evil: "<b>" })).toEqual({
      tab: "logs",
      step: "12",
      view: "code",
      attempt: 2,
      line: "3.4",
    });
    expect(readAddress({ tab: "nothing", view: "logs", attempt: -1, line: "x" })).toEqual({});
    expect(readAddress({ tab: "graph", step: "a", view: "summary" })).toEqual({ step: "a" });
  });
});
