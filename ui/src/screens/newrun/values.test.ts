import { expect, test } from "vitest";
import { changed, controlOf, draftOf, type FormField, valueIn, wrongWith } from "./values";

const field = (more: Partial<FormField>): FormField => ({
  name: "x",
  type: "",
  value: null,
  default: null,
  has_default: false,
  description: "",
  choices: [],
  example: "",
  secret: false,
  ...more,
});

test.each([
  [{ type: "bool", value: true }, "switch"],
  [{ type: "str", value: "a", choices: ["a", "b"] }, "choice"],
  [{ type: "date", value: "2026-01-31" }, "date"],
  [{ type: "dict", value: { a: 1 } }, "code"],
  [{ type: "str", name: "api_key", value: "********", secret: true }, "secret"],
  [{ type: "path", value: "data/train.csv" }, "place"],
  [{ type: "str", value: "a\nb" }, "lines"],
  [{ type: "float", value: 0.1 }, "text"],
] as const)("%o gets a %s", (more, control) => {
  expect(controlOf(field(more as Partial<FormField>))).toBe(control);
});

test.each([
  ["int", "3", true],
  ["int", "-1_000", true],
  ["int", "3.5", false],
  ["int", "1e3", false],
  ["float", "1e-4", true],
  ["path", "data/train.csv", true],
  ["path", "s3://bucket/train.csv", true],
  ["path", "http://", false],
  ["date", "2026-01-31", true],
  ["date", "31.1.2026", false],
  ["float", ".5", true],
  ["float", "-inf", true],
  ["float", "1,5", false],
  ["float", "", false],
  ["list", "[1, 2]", true],
  ["list", '{"a": 1}', false],
  ["dict", "{", false],
  ["date", "31.1.2026", false],
  ["str", "", true],
])("of type %s, %s is right: %s", (type, text, right) => {
  expect(wrongWith(field({ type, value: type === "int" ? 1 : "x" }), text) === null).toBe(right);
});

test("only what was changed is sent, in a form that keeps it as it was written", () => {
  const fields = [
    field({ name: "rate", type: "float", value: 0.1 }),
    field({ name: "rows", type: "int", value: 10 }),
    field({ name: "on", type: "bool", value: false }),
    field({ name: "kind", type: "str", value: "a", choices: ["a", "b"] }),
    field({ name: "layers", type: "list", value: [1] }),
  ];
  const drafts = Object.fromEntries(fields.map((one) => [one.name, draftOf(one, one.value as never)]));
  expect(changed(fields, drafts)).toEqual({ parameters: {}, secrets: {} });
  const next = { ...drafts, rate: "1e-4", on: true, kind: '"b"', layers: "[1, 2]" };
  const parameters = { rate: "1e-4", on: true, kind: "b", layers: [1, 2] };
  expect(changed(fields, next)).toEqual({ parameters, secrets: {} });
});

test("an empty text stays nothing where there was nothing", () => {
  expect(valueIn(field({ type: "str", value: null }), "")).toBeNull();
  expect(valueIn(field({ type: "str", value: "a" }), "")).toBe("");
});

test("of a secret only what somebody writes is known and sent", () => {
  const secret = field({ name: "api_key", type: "str", value: "********", secret: true });
  expect(draftOf(secret, "********")).toBe("");
  expect(wrongWith(secret, "")).toBeNull();
  expect(changed([secret], { api_key: "" }).parameters).toEqual({});
  expect(changed([secret], { api_key: "hunter2" }).parameters).toEqual({ api_key: "hunter2" });
});

test("a secret by its type goes apart from the other parameters, and an untouched one is kept", () => {
  const secret = field({ name: "token", type: "secret", value: "********", secret: true });
  expect(controlOf(secret)).toBe("secret");
  expect(changed([secret], { token: "" })).toEqual({ parameters: {}, secrets: {} });
  expect(changed([secret], { token: "  hunter2 " })).toEqual({
    parameters: {},
    secrets: { token: { text: "  hunter2 " } },
  });
});
