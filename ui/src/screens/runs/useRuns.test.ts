import { expect, test } from "vitest";
import { cameIn, type Row } from "./useRuns";

const rows = (...created: number[]): Row[] =>
  created.map((one) => ({ run: { task: { id: `made at ${one}`, created: one } } }) as Row);
const ids = (found: readonly Row[]) => found.map((row) => row.run.task.created);

test.each([
  ["a new one comes in above", [9], true, [9], []],
  ["what is shown does not come in again", [5, 3], true, [], []],
  ["one that was brought back comes in where it belongs", [4], true, [], [4]],
  ["an older one than all that are loaded comes with its page", [1], true, [], []],
  ["of a list that is loaded to its end, the oldest one too", [1], false, [], [1]],
] as const)("where the newest stand first, %s", (_, found, hasMore, above, between) => {
  const came = cameIn(rows(5, 3, 2), rows(...found), true, hasMore);
  expect([ids(came.above), ids(came.between)]).toEqual([above, between]);
});

test("in an empty list all come in above", () => {
  expect(ids(cameIn([], rows(7, 5), true, false).above)).toEqual([7, 5]);
});

test("in another order nobody knows where one belongs", () => {
  expect(ids(cameIn(rows(5, 3, 2), rows(1, 9), false, true).above)).toEqual([1, 9]);
});
