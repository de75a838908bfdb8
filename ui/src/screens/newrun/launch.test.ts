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

test("what is other for single steps is written everywhere", () => {
  const op = { source: "a", steps: { train: { queue: "gpu", cache: false }, load: { cache: true } } };
  expect(asCommand(op)).toBe("penstock launch a --step-queue train=gpu --step-cache train=off --step-cache load=on");
  expect(asPython(op)).toContain('    steps={"train": {"queue": "gpu", "cache": False}, "load": {"cache": True}}');
  expect(asCurl(op)).toContain('"steps":{"train":{"queue":"gpu","cache":false},"load":{"cache":true}}');
});

test("a launch is written as a request without the key", () => {
  expect(asCurl(OP)).toContain("/api/v1/LaunchRun");
  expect(asCurl(OP)).toContain("$PENSTOCK_KEY");
});

test("what is secret is written down nowhere: it is taken from the environment", () => {
  const op = { source: "abc", parameters: { "api-key": "hunter2", rate: 1 } };
  const secrets = new Set(["api-key"]);
  expect(asCommand(op, secrets)).toBe('penstock launch abc -p api-key="$API_KEY" -p rate=1');
  expect(asPython(op, secrets)).toContain('{"api-key": os.environ["API_KEY"], "rate": 1}');
  expect(asPython(op, secrets)).toMatch(/^import os\n/);
  expect(asCurl(op, secrets)).toContain(`'{"source":"abc","parameters":{"api-key":"'"$API_KEY"'","rate":1}}'`);
  for (const write of [asCommand, asPython, asCurl]) expect(write(op, secrets)).not.toContain("hunter2");
});

test("a secret that is given by itself is asked for by its own option, and written down nowhere", () => {
  const op = { source: "abc", parameters: { rate: 1 }, secrets: { db_password: { text: "hunter2" } } };
  expect(asCommand(op)).toBe("penstock launch abc -p rate=1 --secret db_password=DB_PASSWORD");
  expect(asPython(op)).toContain('{"rate": 1, "db_password": os.environ["DB_PASSWORD"]}');
  expect(asPython(op)).toMatch(/^import os\n/);
  expect(asCurl(op)).toContain(`"secrets":{"db_password":{"text":"'"$DB_PASSWORD"'"}}`);
  for (const write of [asCommand, asPython, asCurl]) expect(write(op)).not.toContain("hunter2");
});
