import { expect, test } from "vitest";
import { agoText, durationText } from "./time";

test.each([
  [0, "0.0 s"],
  [0.04, "0.04 s"],
  [9.94, "9.9 s"],
  [9.96, "10 s"],
  [59.6, "1 m 0 s"],
  [3_599, "59 m 59 s"],
  [3_600, "1 h 0 m"],
  [86_399, "1 d 0 h"],
  [Number.NaN, "–"],
])("%d seconds are written as %s", (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test.each([
  [3, "just now"],
  [59, "59 s ago"],
  [60, "1 m ago"],
  [7_300, "2 h ago"],
  [3 * 86_400, "3 d ago"],
])("what was %d seconds ago was %s", (seconds, text) => {
  expect(agoText(1_000_000_000 - seconds, 1_000_000_000)).toBe(text);
});

test("a clock that goes wrong shows no time in the future", () => {
  expect(agoText(1_000, 900)).toBe("just now");
});
