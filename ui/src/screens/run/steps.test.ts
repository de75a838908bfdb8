import { describe, expect, it } from "vitest";
import { readAddress } from "./address";
import { countsText, culprit, indented, isLive, reasonOf } from "./steps";
import { attendedViewOf, type RunView, type StepView, viewOf } from "./view";

/** A run as the server sends it: without what is as it always is. */
function sent(steps: { name: string; status: string; parents?: number[] }[], task = {}) {
  return viewOf({ run: { task: { status: "in_progress", message: "", ...task } }, why: {}, steps, seq: 1 } as never);
}

function step(more: Partial<StepView>): StepView {
  const [found] = sent([{ name: "a", status: "pending" }]).steps;
  return { ...(found as StepView), ...more };
}

function why(text: string, more = {}) {
  return { text, steps: [], run: "", name: "", help: "", ...more };
}

describe("a run", () => {
  it("has everything in its place, whatever the server left out", () => {
    const view = sent([
      { name: "a", status: "completed" },
      { name: "b", status: "pending", parents: [0] },
    ]);
    expect(view.steps[1]).toEqual({
      name: "b",
      status: "pending",
      parents: ["a"],
      code: "0",
      stage: null,
      attempt: 0,
      task: null,
      started: null,
      ended: null,
      queue: null,
      since: null,
      agent: null,
      why: why(""),
      tries: [],
    });
  });

  it("goes on until it has ended", () => {
    expect([isLive(sent([])), isLive(sent([], { status: "failed" }))]).toEqual([true, false]);
  });
});

describe("the reason of a step", () => {
  it("names what it waits for", () => {
    expect(reasonOf(step({ why: why("waits for train, which is running") }), 0)).toBe(
      "waits for train, which is running",
    );
  });

  it("says in which queue it waits, how long, and that no agent listens", () => {
    const nobody = "no agent serves queue 'gpu'; start one with: penstock agent --queue gpu";
    const waiting = step({ status: "queued", queue: "gpu", since: 60, why: why(`waits in queue 'gpu': ${nobody}`) });
    expect(reasonOf(waiting, 100)).toBe(`queued 40 s in gpu: ${nobody}`);
    expect(reasonOf({ ...waiting, why: why("waits in queue 'gpu'") }, 100)).toBe("queued 40 s in gpu");
    expect(reasonOf(step({ status: "queued", why: why("waits for a slot") }), 0)).toBe("waits for a slot");
  });

  it("is no command where an agent starts by itself", () => {
    const help = "penstock agent --queue gpu";
    const told = why(`waits in queue 'gpu': no agent serves queue 'gpu'; start one with: ${help}`, { help });
    const paused = why("waits in queue 'gpu': queue 'gpu' is paused", { help: "penstock queue resume gpu" });
    const steps = [
      { name: "a", status: "queued", queue: "gpu", since: 60, why: told },
      { name: "b", status: "queued", queue: "gpu", since: 60, why: paused },
    ];
    const view = attendedViewOf({
      run: { task: { status: "queued", message: "" } },
      why: told,
      steps,
      seq: 1,
    } as never);
    expect(view.why).toEqual(why("waits in queue 'gpu': an agent starts by itself soon"));
    expect(reasonOf(view.steps[0] as StepView, 100)).toBe("queued 40 s in gpu: an agent starts by itself soon");
    expect(view.steps[0]?.why.help).toBe("");
    expect(view.steps[1]?.why).toEqual(paused);
  });

  it("names the run that it was reused from, and why it was skipped", () => {
    expect(reasonOf(step({ status: "cached", why: why("was reused: equal", { name: "train #12" }) }), 0)).toBe(
      "reused from train #12",
    );
    expect(reasonOf(step({ status: "skipped", why: why("was skipped: the pre-callback returned False") }), 0)).toBe(
      "skipped: the pre-callback returned False",
    );
  });

  it("is what went wrong where something did, and nothing where all went well", () => {
    expect(reasonOf(step({ status: "failed", why: why("failed: ValueError: no") }), 0)).toBe("ValueError: no");
    expect(reasonOf(step({ status: "completed", why: why("ran: caching is off") }), 0)).toBe("");
    expect(reasonOf(step({ status: "running", agent: "gpu-1" }), 0)).toBe("on gpu-1");
  });
});

describe("a run that failed", () => {
  const failed = (message: string): RunView => {
    const view = sent(
      [
        { name: "a", status: "failed" },
        { name: "b", status: "failed" },
        { name: "c", status: "completed" },
      ],
      {
        message,
      },
    );
    return { ...view, steps: view.steps.map((one, index) => ({ ...one, ended: 10 - index })) };
  };

  it("points at the step that its message names, else at the first that failed", () => {
    expect(culprit(failed("step 'a' failed"))?.name).toBe("a");
    expect(culprit(failed(""))?.name).toBe("b");
    expect(culprit(sent([]))).toBeUndefined();
  });
});

describe("steps", () => {
  it("are counted in words", () => {
    expect(countsText({ completed: 1_200, failed: 1, queued: 0 })).toBe("1,200 completed, 1 failed");
  });

  it("are listed below their parents, as far as these are listed, and a cycle at the end", () => {
    const { steps } = sent([
      { name: "b", status: "pending", parents: [1] },
      { name: "a", status: "pending" },
      { name: "x", status: "pending", parents: [3] },
      { name: "y", status: "pending", parents: [2] },
    ]);
    const listed = (of: readonly StepView[]) => indented(of).map((one) => [one.step.name, one.depth]);
    expect(listed(steps)).toEqual([
      ["a", 0],
      ["b", 1],
      ["x", 0],
      ["y", 0],
    ]);
    expect(listed(steps.slice(0, 1))).toEqual([["b", 0]]);
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
