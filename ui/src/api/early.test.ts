import { afterEach, expect, test, vi } from "vitest";
import { allArrived, arrived, type Begun, taken } from "./early";

const asked = (done: Promise<void>, answer?: unknown): Begun => ({ at: Date.now(), answer, done });

afterEach(() => {
  vi.useRealTimers();
  delete window.penstockBegun;
});

test("what was asked for before the page was loaded is taken once", async () => {
  window.penstockBegun = new Map([["LastChange {}", asked(Promise.resolve(), 7)]]);
  expect(await taken("LastChange", {})).toBe(7);
  expect(await taken("LastChange", {})).toBeUndefined();
});

test("what was there when something was drawn is asked for anew later", async () => {
  vi.useFakeTimers();
  window.penstockBegun = new Map([["LastChange {}", asked(Promise.resolve(), 7)]]);
  expect(arrived("LastChange", {})).toBe(7);
  expect(arrived("LastChange", {})).toBe(7); // in the same drawing
  vi.advanceTimersByTime(1);
  expect(arrived("LastChange", {})).toBeUndefined();
  expect(await taken("LastChange", {})).toBeUndefined();
});

test("what was asked for with other arguments, or a while ago, is asked for anew", async () => {
  vi.useFakeTimers();
  window.penstockBegun = new Map([['GetRun {"id":"a"}', asked(Promise.resolve(), "a")]]);
  expect(arrived("GetRun", { id: "b" })).toBeUndefined();
  expect(await taken("GetRun", { id: "b" })).toBeUndefined();
  vi.advanceTimersByTime(6_000);
  expect(arrived("GetRun", { id: "a" })).toBeUndefined();
  expect(await taken("GetRun", { id: "a" })).toBeUndefined();
});

test("an answer that has not come yet is waited for", async () => {
  let come = (): void => undefined;
  const one = asked(new Promise((done) => (come = done)));
  window.penstockBegun = new Map([["LastChange {}", one]]);
  const all = allArrived();
  const last = taken("LastChange", {});
  one.answer = 7;
  come();
  expect(await last).toBe(7);
  await all;
});
