import { expect, test } from "vitest";
import { asCommand, asCurl, asPython } from "./launch";

const OP = { source: "abc", parameters: { rate: "1e-4", note: "it's" }, queue: "gpu", tags: ["a b"], cache: false };

test("a launch is written as a command that a shell reads as it was meant", () => {
  expect(asCommand(OP)).toBe("penstock launch abc -p rate=1e-4 -p 'note=it'\\''s' --queue gpu --tag 'a b' --no-cache");
});

test("a launch is written as Python", () => {
  expect(asPython(OP)).toContain('parameters={"rate": "1e-4", "note": "it\'s"}');
  expect(asPython(OP)).toContain("use_cache=False");
  expect(asPython({ source: "a", parameters: { on: true, none: null } })).toContain('{"on": True, "none": None}');
});

test("a launch is written as a request without the key", () => {
  expect(asCurl(OP)).toContain("/api/v1/LaunchRun");
  expect(asCurl(OP)).toContain("$PENSTOCK_KEY");
});
