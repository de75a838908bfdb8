import { expect, test } from "vitest";
import type { Json } from "../../api/types";
import { readValue, Unreadable, written } from "./values";

test.each<[string, string, Json, Json]>([
  ["1e-4", "float", 0.1, 0.0001],
  ["-3", "int", 1, -3],
  ["TRUE", "bool", false, true],
  ["12", "str", "x", "12"],
  ["[1, 2]", "list", [], [1, 2]],
  ['{"a": 1}', "dict", {}, { a: 1 }],
  ["12", "", "a text", "12"],
  ["12", "", 3, 12],
  ["null", "", 3, null],
  ["adam", "", null, "adam"],
])("%s as %s, which was %j, is %j", (text, type, before, value) => {
  expect(readValue(text, type, before)).toEqual(value);
});

test.each<[string, string, Json]>([
  ["3.5", "int", 1],
  ["", "float", 1],
  ["yes", "bool", true],
  ["{}", "list", []],
  ["[]", "dict", {}],
  ["oops", "", 1],
])("%s cannot be %s, which was %j", (text, type, before) => {
  expect(() => readValue(text, type, before)).toThrow(Unreadable);
});

test.each<Json>(["text", 1, true, null, [1], { a: "b" }])("%j is read again as what it was", (value) => {
  expect(readValue(written(value), "", value)).toEqual(value);
});
