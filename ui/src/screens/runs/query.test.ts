import { expect, test } from "vitest";
import { columnOf, parse, parts, QueryError, toggled, written } from "./query";

const NOW = 1_000_000;
const only = (text: string) => parse(text, NOW)[0];

test.each([
  ["status:failed", { type: "fact", name: "status" }, "=", ["failed"]],
  ["status:running|aborted", { type: "fact", name: "status" }, "=", ["in_progress", "stopped"]],
  ["tag:best", { type: "fact", name: "tags" }, "=", ["best"]],
  ["lr>1e-4", { type: "parameter", section: "Args", name: "lr" }, ">", [1e-4]],
  ["model/depth<=3", { type: "parameter", section: "model", name: "depth" }, "<=", [3]],
  ["shuffle=true", { type: "parameter", section: "Args", name: "shuffle" }, "=", [true]],
  ["loss:train:min<0.1", { type: "metric", title: "loss", series: "train", value: "min" }, "<", [0.1]],
  ["loss:train>2", { type: "metric", title: "loss", series: "train", value: "last" }, ">", [2]],
  ["started>2d", { type: "fact", name: "started" }, ">", [NOW - 172_800]],
  ["duration>10m", { type: "fact", name: "duration" }, ">", [600]],
  ['name="my run"', { type: "fact", name: "name" }, "=", ["my run"]],
  ["iris", { type: "fact", name: "text" }, "~", ["iris"]],
  ['"two words"', { type: "fact", name: "text" }, "~", ["two words"]],
  ["user!=ana", { type: "fact", name: "user" }, "!=", ["ana"]],
])("%s is understood", (text, column, compare, values) => {
  expect(only(text)).toEqual({ column, test: compare, values });
});

test("several parts are several conditions", () => {
  expect(parse('status:failed lr>1 "a b"', NOW)).toHaveLength(3);
  expect(parts('a "b c" d="e f"')).toEqual(["a", '"b c"', 'd="e f"']);
});

test.each(["lr>", "duration>soon", "started>yesterday", "loss:train<much", "number=x"])(
  "%s cannot be read, and what is wrong is named",
  (text) => {
    expect(() => parse(text, NOW)).toThrow(QueryError);
    expect(() => parse(text, NOW)).toThrow(text.slice(0, 2));
  },
);

test.each(["status", "Args/lr", "loss:train", "loss:train:max", "a:b/c"])("%s is written as it was read", (name) => {
  expect(written(columnOf(name))).toBe(name);
});

test("a part is added, and taken out again", () => {
  expect(toggled("a", "status:failed")).toBe("a status:failed");
  expect(toggled("a status:failed", "status:failed")).toBe("a");
});
