import { expect, test } from "vitest";
import { columnsOf } from "./columns";
import { laidOut, tracksOf, widthsOf } from "./widths";

test("columns that stay at the left edge come first, each beside the one before", () => {
  const laid = laidOut(columnsOf(["status", "name", "project"]), { project: 100 }, ["name", "project"]);
  expect(laid.map((one) => [one.name, one.width, one.left])).toEqual([
    ["name", "220px", 40],
    ["project", "100px", 260],
    ["status", "112px", undefined],
  ]);
});

test("a column is as wide as it was made, and the others are as usual", () => {
  const { tracks, minWidth } = tracksOf(laidOut(columnsOf(["status", "name"]), { status: 300 }, []));
  expect(tracks).toEqual(["40px", "300px", "minmax(110px, 2fr)"]);
  expect(minWidth).toBe(450);
});

test("an address that says nonsense of widths makes no table that cannot be used", () => {
  expect(widthsOf({ status: 1, name: 1e9, project: "wide", tags: Number.NaN })).toEqual({ status: 48, name: 1200 });
  for (const nonsense of [undefined, null, [1], "wide", {}]) expect(widthsOf(nonsense)).toBeUndefined();
});
