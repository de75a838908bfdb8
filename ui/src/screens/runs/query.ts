// The query box of lists: what people write, as conditions that the server understands.
//
//   status:failed            a fact of the record; several values are written failed|aborted
//   lr>1e-4  Args/lr>1e-4    a parameter; its section is Args unless it is said
//   loss:train:min<0.1       a metric: its last value, unless min or max follows
//   tag:best  tags!=debug    a tag that is there, or is not
//   started>2d  duration>10m within the last two days; longer than ten minutes
//   iris  "two words"        letters in a name, a pipeline, a project, a comment or a tag
import type { Schemas } from "../../api/call";

export type Condition = Schemas["ConditionInput"];
export type Column = Condition["column"];
export type Extra = Exclude<Column, { type: "fact" }>;
type Value = Condition["values"][number];

export const FACTS = [
  "name",
  "status",
  "project",
  "user",
  "comment",
  "id",
  "created",
  "started",
  "ended",
  "duration",
  "tags",
  "text",
  "pipeline",
  "version",
  "number",
] as const;
const TIMES = new Set(["created", "started", "ended"]);
const ALIASES: Readonly<Record<string, string>> = { tag: "tags", is: "status", took: "duration" };
const STATUSES: Readonly<Record<string, string>> = {
  running: "in_progress",
  aborted: "stopped",
  draft: "created",
  pending: "queued",
};
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
const SIDES = new Set(["last", "min", "max"]);

/** What cannot be read, with the part that it is about. */
export class QueryError extends Error {}

/** Return a text as its parts: what stands between quotation marks stays together. */
export function parts(text: string): string[] {
  return text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
}

/**
 * Return the conditions that a text means.
 *
 * @param now Seconds since 1970, for what is said relative to it.
 * @throws QueryError
 */
export function parse(text: string, now: number): Condition[] {
  return parts(text).map((part) => condition(part, now));
}

function condition(part: string, now: number): Condition {
  const found = /^([^"=!<>~]+?)(!=|<=|>=|=|<|>|~)(.*)$/s.exec(part);
  if (found) {
    const [, name = "", test = "=", value = ""] = found;
    return made(columnOf(name), test as Condition["test"], bare(value), part, now);
  }
  const [, name = "", value = ""] = /^([a-z]+):(.+)$/s.exec(part) ?? [];
  const fact = factOf(name);
  if (fact) return made({ type: "fact", name: fact }, fact === "text" ? "~" : "=", bare(value), part, now);
  return made({ type: "fact", name: "text" }, "~", bare(part), part, now);
}

function made(column: Column, test: Condition["test"], text: string, part: string, now: number): Condition {
  if (!text) throw new QueryError(`${part}: a value is missing`);
  const values = test === "=" || test === "!=" || test === "~" ? text.split("|") : [text];
  return { column, test, values: values.map((one) => valueIn(column, test, one, part, now)) };
}

function valueIn(column: Column, test: Condition["test"], text: string, part: string, now: number): Value {
  if (column.type === "fact") {
    if (column.name === "status") return STATUSES[text] ?? text;
    if (TIMES.has(column.name)) return timeOf(text, part, now);
    if (column.name === "duration") return secondsOf(text, part);
    if (column.name === "number") return numberOf(text, part);
    return text;
  }
  if (column.type === "metric") return numberOf(text, part);
  if (test === "~") return text;
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text.trim() && Number.isFinite(number) ? number : text;
}

function numberOf(text: string, part: string): number {
  const found = Number(text);
  if (!text.trim() || !Number.isFinite(found)) throw new QueryError(`${part}: ${text} is no number`);
  return found;
}

function secondsOf(text: string, part: string): number {
  const [, amount, unit = "s"] = /^([\d.e+-]+)([smhdw]?)$/.exec(text) ?? [];
  if (amount === undefined) throw new QueryError(`${part}: write a duration as 90, 90s, 10m, 2h or 1d`);
  return numberOf(amount, part) * (UNITS[unit || "s"] ?? 1);
}

function timeOf(text: string, part: string, now: number): number {
  if (/^[\d.]+[smhdw]$/.test(text)) return now - secondsOf(text, part);
  const at = Date.parse(text.length === 10 ? `${text}T00:00` : text);
  if (Number.isNaN(at)) throw new QueryError(`${part}: write a time as 2d (two days ago) or 2026-11-20`);
  return at / 1_000;
}

function factOf(name: string): string | undefined {
  const full = ALIASES[name] ?? name;
  return (FACTS as readonly string[]).includes(full) ? full : undefined;
}

/** Return the column that a name means: a fact, `Section/name` or `name` of a parameter, `title:series[:min]`. */
export function columnOf(name: string): Column {
  const plain = bare(name);
  const fact = factOf(plain);
  if (fact) return { type: "fact", name: fact };
  const slash = plain.indexOf("/");
  const colon = plain.indexOf(":");
  if (colon > 0 && (slash < 0 || colon < slash)) {
    const pieces = plain.split(":");
    const last = pieces.at(-1) ?? "";
    const side = pieces.length > 2 && SIDES.has(last) ? pieces.pop() : undefined;
    const [title = "", ...series] = pieces;
    return { type: "metric", title, series: series.join(":"), value: (side ?? "last") as "last" | "min" | "max" };
  }
  if (slash > 0) return { type: "parameter", section: plain.slice(0, slash), name: plain.slice(slash + 1) };
  return { type: "parameter", section: "Args", name: plain };
}

/** Return a column as people write it. */
export function written(column: Column): string {
  if (column.type === "fact") return column.name;
  if (column.type === "parameter") return `${column.section}/${column.name}`;
  const side = column.value && column.value !== "last" ? `:${column.value}` : "";
  return `${column.title}:${column.series}${side}`;
}

function bare(text: string): string {
  return text.replaceAll('"', "").trim();
}

/** Return a text with a part added, or taken out where it is there. */
export function toggled(text: string, part: string): string {
  const all = parts(text);
  return (all.includes(part) ? all.filter((one) => one !== part) : [...all, part]).join(" ");
}
