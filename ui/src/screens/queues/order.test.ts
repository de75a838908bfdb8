import { expect, test } from "vitest";
import { moved, stepAside } from "./order";

test.each([
  [0, 2, "bcad"],
  [3, 0, "dabc"],
  [1, 1, "abcd"],
  [1, 99, "acdb"],
  [1, -5, "bacd"],
  [9, 0, "abcd"],
])("what goes from place %d to %d makes the order %s", (from, to, order) => {
  expect(moved(["a", "b", "c", "d"], from, to).join("")).toBe(order);
});

test("while something is dragged, what it passes stands aside, and nothing else", () => {
  const all = [0, 1, 2, 3, 4];
  expect(all.map((place) => stepAside(place, 1, 3))).toEqual([0, 0, -1, -1, 0]);
  expect(all.map((place) => stepAside(place, 3, 1))).toEqual([0, 1, 1, 0, 0]);
});
