// The same launch, written for a terminal, a script and a program of another kind.
import type { Args } from "../../api/call";
import type { Json } from "../../api/types";
import { at } from "../../place";

type Launch = Args<"LaunchRun">;

type Secrets = ReadonlySet<string>;
const NONE: Secrets = new Set();

/** Return the command that does the same. What is secret is not written down: it is taken from the environment. */
export function asCommand(op: Launch, secrets = NONE): string {
  const parts = ["penstock launch", op.source ?? ""];
  for (const [name, value] of Object.entries(op.parameters ?? {})) {
    if (secrets.has(name)) parts.push(`-p ${quoted(`${name}=`)}"$${variable(name)}"`);
    else parts.push(`-p ${quoted(`${name}=${plain(value as Json)}`)}`);
  }
  for (const name of Object.keys(op.secrets ?? {})) parts.push(`--secret ${quoted(`${name}=${variable(name)}`)}`);
  if (op.queue) parts.push(`--queue ${quoted(op.queue)}`);
  for (const tag of op.tags ?? []) parts.push(`--tag ${quoted(tag)}`);
  if (op.name) parts.push(`--name ${quoted(op.name)}`);
  for (const [step, { queue, cache }] of Object.entries(op.steps ?? {})) {
    if (queue != null) parts.push(`--step-queue ${quoted(`${step}=${queue}`)}`);
    if (cache != null) parts.push(`--step-cache ${quoted(`${step}=${cache ? "on" : "off"}`)}`);
  }
  if (op.cache === false) parts.push("--no-cache");
  if (op.reuse) parts.push("--reuse");
  return parts.join(" ");
}

/** Return the lines of Python that do the same. */
export function asPython(op: Launch, secrets = NONE): string {
  const given = [`    ${literal(op.source ?? "")}`];
  const parameters = Object.entries(op.parameters ?? {}).map(([name, value]) => {
    const written = secrets.has(name) ? `os.environ[${literal(variable(name))}]` : literal(value as Json);
    return `${literal(name)}: ${written}`;
  });
  const apart = Object.keys(op.secrets ?? {});
  for (const name of apart) parameters.push(`${literal(name)}: os.environ[${literal(variable(name))}]`);
  if (parameters.length) given.push(`    parameters={${parameters.join(", ")}}`);
  const hasSecret = apart.length > 0 || Object.keys(op.parameters ?? {}).some((name) => secrets.has(name));
  const before = hasSecret ? "import os\n\n" : "";
  if (op.queue) given.push(`    queue=${literal(op.queue)}`);
  if (op.tags) given.push(`    tags=${literal(op.tags)}`);
  if (op.name) given.push(`    name=${literal(op.name)}`);
  if (op.steps) given.push(`    steps=${literal(op.steps as Json)}`);
  if (op.cache === false) given.push("    use_cache=False");
  if (op.reuse) given.push("    reuse=True");
  return `${before}from penstock import PipelineController\n\nrun = PipelineController.launch(\n${given.join(",\n")},\n)\nrun.wait()`;
}

/** Return the request that does the same. The key is not written down: it is taken from the environment. */
export function asCurl(op: Launch, secrets = NONE): string {
  const parameters: Record<string, Json> = {};
  for (const [name, value] of Object.entries(op.parameters ?? {}))
    parameters[name] = secrets.has(name) ? mark(name) : (value as Json);
  const apart = Object.keys(op.secrets ?? {});
  const written = Object.fromEntries(apart.map((name) => [name, { text: mark(name) }]));
  let body = quoted(JSON.stringify({ ...op, parameters, ...(apart.length && { secrets: written }) }));
  for (const name of new Set([...secrets, ...apart])) body = body.replaceAll(mark(name), `'"$${variable(name)}"'`);
  const url = new URL(at("api/v1/LaunchRun"), location.origin).href;
  return [
    `curl ${url} \\`,
    `  -H "Authorization: Bearer $PENSTOCK_KEY" -H 'Content-Type: application/json' \\`,
    `  -d ${body}`,
  ].join("\n");
}

/** Return the variable of the environment that a secret is taken from. */
function variable(name: string): string {
  return name.toUpperCase().replace(/^(?=\d)|[^A-Z0-9_]/g, "_");
}

/** What stands in the place of a secret until the rest is quoted. */
function mark(name: string): string {
  return `\u{f8ff}${variable(name)}\u{f8ff}`;
}

function plain(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function literal(value: Json): string {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value)
      .map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`)
      .join(", ")}}`;
  }
  return JSON.stringify(value);
}
