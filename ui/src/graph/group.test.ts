import { describe, expect, it } from "vitest";
import { grouped, stem } from "./group";
import { without } from "./hide";
import { layout } from "./layout";
import { criticalPath, failurePath } from "./paths";
import { planned, sceneOf, statusOf, walk } from "./scene";
import { type GraphStep, mostUrgent } from "./steps";

const NOTHING = { stages: false, open: new Set<string>() };

function step(name: string, parents: string[] = [], more: Partial<GraphStep> = {}): GraphStep {
  return { name, parents, status: "pending", stage: null, code: "a", attempt: 0, started: null, ended: null, ...more };
}

function mapped(count: number): GraphStep[] {
  const many = Array.from({ length: count }, (_, index) => step(`train_${index}`, ["load"], { code: "train" }));
  const scores = many.map(({ name }, index) => step(`score_${index}`, [name], { code: "score" }));
  return [
    step("load"),
    ...many,
    ...scores,
    step(
      "best",
      scores.map(({ name }) => name),
    ),
  ];
}

describe("groups", () => {
  it("leave 60 siblings as they are", () => {
    expect(grouped(mapped(60), NOTHING).items).toHaveLength(122);
  });

  it("join 61 siblings of one function, and then what follows each of them", () => {
    const found = grouped(mapped(61), NOTHING);
    expect(found.items.map(({ key, label, members }) => [key, label, members.length])).toEqual([
      ["load", "load", 1],
      ["mapped:train_0", "train", 61],
      ["mapped:score_0", "score", 61],
      ["best", "best", 1],
    ]);
    expect(found.edges).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  it("do not join siblings that run different code", () => {
    const steps = mapped(61).map((one, index) => ({ ...one, code: String(index) }));
    expect(grouped(steps, NOTHING).items).toHaveLength(124);
  });

  it("join a stage when asked", () => {
    const steps = [step("a", [], { stage: "prepare" }), step("b", ["a"], { stage: "prepare" }), step("c", ["b"])];
    expect(grouped(steps, NOTHING).items).toHaveLength(3);
    expect(grouped(steps, { ...NOTHING, stages: true }).items.map(({ key }) => key)).toEqual(["stage:prepare", "c"]);
    expect(grouped(steps, { stages: true, open: new Set(["stage:prepare"]) }).items).toHaveLength(3);
  });

  it("leave a stage alone that something else runs within", () => {
    const steps = [step("a", [], { stage: "s" }), step("b", ["a"]), step("c", ["b"], { stage: "s" })];
    expect(grouped(steps, { ...NOTHING, stages: true }).items).toHaveLength(3);
  });

  it("cannot be confused with steps of the same name", () => {
    const steps = [step("s"), step("a", [], { stage: "s" }), step("b", [], { stage: "s" })];
    expect(grouped(steps, { ...NOTHING, stages: true }).items.map(({ key }) => key)).toEqual(["s", "stage:s"]);
  });

  it("are named by what their steps share", () => {
    expect([stem("train_12"), stem("train[3]"), stem("v2_fold7"), stem("load")]).toEqual([
      "train_",
      "train[]",
      "v2_fold",
      "load",
    ]);
  });
});

describe("a scene", () => {
  it("shows the steps of an open group in a grid inside its frame", () => {
    const steps = mapped(100);
    const plan = planned(steps, { stages: false, open: new Set(["mapped:train_0"]) });
    const scene = sceneOf(steps, plan, layout(plan.input));
    const frame = scene.byKey.get("mapped:train_0")!;
    expect(frame.kind).toBe("frame");
    for (let index = 0; index < 100; index++) {
      const cell = scene.byKey.get(`train_${index}`)!;
      expect(cell.x).toBeGreaterThan(frame.x);
      expect(cell.x + cell.width).toBeLessThan(frame.x + frame.width);
      expect(cell.y + cell.height).toBeLessThan(frame.y + frame.height);
    }
    expect(scene.boxOf[1]).toBe("train_0");
    expect(scene.boxOf[101]).toBe("mapped:score_0");
  });

  it("gives a group the status most worth a look", () => {
    const steps = mapped(61).map((one) => ({ ...one, status: "completed" as const }));
    const failing = steps.map((one) => (one.name === "train_7" ? { ...one, status: "failed" as const } : one));
    const plan = planned(failing, NOTHING);
    const scene = sceneOf(failing, plan, layout(plan.input));
    expect(statusOf(failing, scene.byKey.get("mapped:train_0")!)).toBe("failed");
    expect(statusOf(failing, scene.byKey.get("mapped:score_0")!)).toBe("completed");
    expect(mostUrgent(new Map())).toBe("pending");
  });

  it("is walked along its lines and beside them", () => {
    const steps = [step("a"), step("b", ["a"]), step("c", ["a"]), step("d", ["b", "c"])];
    const plan = planned(steps, NOTHING);
    const scene = sceneOf(steps, plan, layout(plan.input));
    const left = walk(scene, "a", "down")!;
    const beside = scene.byKey.get("b")!.x < scene.byKey.get("c")!.x ? ["b", "c"] : ["c", "b"];
    expect(["b", "c"]).toContain(left);
    expect(walk(scene, beside[0]!, "right")).toBe(beside[1]);
    expect(walk(scene, beside[0]!, "left")).toBeNull();
    expect(walk(scene, "d", "up")).not.toBeNull();
    expect(walk(scene, "a", "up")).toBeNull();
    expect(walk(scene, "nowhere", "up")).toBeNull();
  });
});

describe("the critical path", () => {
  it("goes back from what ended last over the parents that ended last", () => {
    const steps = [
      step("load", [], { started: 0, ended: 5 }),
      step("quick", ["load"], { started: 5, ended: 6 }),
      step("slow", ["load"], { started: 5, ended: 20 }),
      step("end", ["quick", "slow"], { started: 20, ended: 21 }),
      step("never", ["end"]),
    ];
    expect(criticalPath(steps, 100)).toEqual(["load", "slow", "end"]);
  });

  it("of a run that goes on ends at what has been running", () => {
    const steps = [
      step("a", [], { started: 0, ended: 1 }),
      step("b", ["a"], { started: 1 }),
      step("c", [], { started: 0, ended: 3 }),
    ];
    expect(criticalPath(steps, 10)).toEqual(["a", "b"]);
  });

  it("is empty before anything began", () => {
    expect(criticalPath([step("a")], 0)).toEqual([]);
  });
});

describe("the failure path", () => {
  it("holds what led to the failure and what was skipped for it, and nothing else", () => {
    const steps = [
      step("load", [], { status: "completed" }),
      step("other", [], { status: "completed" }),
      step("train", ["load"], { status: "failed" }),
      step("score", ["train"], { status: "skipped" }),
      step("report", ["score"], { status: "skipped" }),
      step("vetoed", ["other"], { status: "skipped" }),
    ];
    expect([...failurePath(steps)].sort()).toEqual(["load", "report", "score", "train"]);
  });

  it("is empty where nothing failed", () => {
    expect(failurePath([step("a", [], { status: "skipped" })]).size).toBe(0);
  });
});

describe("hidden steps", () => {
  it("are stepped over by what they stood between", () => {
    const steps = [step("a"), step("b", ["a"]), step("c", ["b"]), step("d", ["c", "a"])];
    const left = without(steps, ({ name }) => name === "b" || name === "c");
    expect(left.map(({ name, parents }) => [name, parents])).toEqual([
      ["a", []],
      ["d", ["a"]],
    ]);
  });

  it("may be a long chain", () => {
    const chain = Array.from({ length: 5_000 }, (_, index) => step(`s${index}`, index ? [`s${index - 1}`] : []));
    const left = without(chain, ({ name }) => name !== "s0" && name !== "s4999");
    expect(left.at(-1)?.parents).toEqual(["s0"]);
  });
});
