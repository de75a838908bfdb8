import { describe, expect, it } from "vitest";
import type { GraphStep } from "../graph/steps";
import { marks, type Try, timelineOf } from "./rows";

function step(name: string, parents: string[] = []): GraphStep {
  return { name, parents, status: "completed", stage: null, code: "", attempt: 1, started: null, ended: null };
}

function attempt(of: string, created: number, started: number | null, ended: number | null, number = 1): Try {
  return { task: `${of}${number}`, step: of, attempt: number, status: "completed", created, started, ended };
}

const RUN = { started: 100, ended: 130 };

describe("a timeline", () => {
  it("shows waiting, queued and running one after the other", () => {
    const tries = [attempt("a", 100, 100, 105), attempt("b", 108, 110, 120)];
    const { rows } = timelineOf([step("a"), step("b", ["a"])], tries, RUN, new Set(), 999);
    expect(rows[1]?.bars.map(({ kind, start, end }) => [kind, start, end])).toEqual([
      ["waiting", 105, 108],
      ["queued", 108, 110],
      ["running", 110, 120],
    ]);
  });

  it("shows each retry as a bar of its own, and the pause before it", () => {
    const tries = [attempt("a", 104, 104, 106, 2), attempt("a", 100, 100, 102, 1)];
    const { rows } = timelineOf([step("a")], tries, RUN, new Set(), 999);
    expect(rows[0]?.bars.map(({ kind, attempt: number, start }) => [kind, number, start])).toEqual([
      ["running", 1, 100],
      ["waiting", 2, 102],
      ["running", 2, 104],
    ]);
  });

  it("lets what runs reach to now, and ends there", () => {
    const found = timelineOf(
      [step("a")],
      [attempt("a", 100, 101, null)],
      { started: 100, ended: null },
      new Set(),
      150,
    );
    expect(found.end).toBe(150);
    expect(found.rows[0]?.bars.at(-1)).toMatchObject({ kind: "running", start: 101, end: 150 });
  });

  it("has a row for what never began, behind all others", () => {
    const { rows } = timelineOf([step("never"), step("a")], [attempt("a", 100, 100, 101)], RUN, new Set(), 999);
    expect(rows.map((row) => [row.step, row.bars.length])).toEqual([
      ["a", 1],
      ["never", 0],
    ]);
  });

  it("keeps the order of steps that began at once, and marks the critical path", () => {
    const tries = [attempt("b", 100, 100, 101), attempt("a", 100, 100, 101)];
    const { rows } = timelineOf([step("a"), step("b")], tries, RUN, new Set(["b"]), 999);
    expect(rows.map((row) => [row.step, row.critical])).toEqual([
      ["a", false],
      ["b", true],
    ]);
  });

  it("shows a try that ended before it began as queued", () => {
    const { rows } = timelineOf([step("a")], [attempt("a", 100, null, 103)], RUN, new Set(), 999);
    expect(rows[0]?.bars.map(({ kind, end }) => [kind, end])).toEqual([["queued", 103]]);
  });
});

describe("marks", () => {
  it("stand at round times", () => {
    expect(marks(50, 6).map(({ text }) => text)).toEqual(["0", "10 s", "20 s", "30 s", "40 s", "50 s"]);
    expect(marks(4000, 5).map(({ text }) => text)).toEqual(["0", "15 m", "30 m", "45 m", "1 h"]);
    expect(marks(0.3, 4).map(({ text }) => text)).toEqual(["0", "0.1 s", "0.2 s", "0.3 s"]);
  });

  it("are never too many, however long it took", () => {
    for (const seconds of [0.0005, 1, 59, 3601, 90_000, 40_000_000])
      expect(marks(seconds, 8).length).toBeLessThanOrEqual(9);
  });
});
