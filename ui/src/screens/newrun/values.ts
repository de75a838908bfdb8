// The values of a form: what stands in a control, whether it can be read in the parameter's type, and what is sent.
import type { Schemas } from "../../api/call";
import type { Json } from "../../api/types";

export type FormField = Schemas["Field"];

/** What stands in a control: a text, or on and off. */
export type Draft = string | boolean;

export type Control = "switch" | "choice" | "secret" | "date" | "datetime" | "place" | "code" | "lines" | "text";

const STRUCTURES = new Set(["list", "tuple", "dict"]);

/** Return which control a parameter has. */
export function controlOf(field: FormField): Control {
  if (field.secret) return "secret";
  if (field.choices.length) return "choice";
  if (field.type === "bool") return "switch";
  if (field.type === "date") return "date";
  if (field.type === "datetime") return "datetime";
  if (field.type === "path") return "place";
  if (STRUCTURES.has(field.type) || (typeof field.value === "object" && field.value !== null)) return "code";
  return typeof field.value === "string" && field.value.includes("\n") ? "lines" : "text";
}

/** Return how a value stands in its control. */
export function draftOf(field: FormField, value: Json): Draft {
  if (controlOf(field) === "switch") return value === true;
  if (controlOf(field) === "secret") return ""; // what it was stays with the server, until another one is written
  if (controlOf(field) === "choice") return JSON.stringify(value);
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (typeof value !== "object") return String(value);
  const line = JSON.stringify(value);
  return line.length < 60 ? line : JSON.stringify(value, null, 2);
}

/** Return what is wrong with what stands in a control, in a sentence; null when nothing is. */
export function wrongWith(field: FormField, draft: Draft): string | null {
  if (typeof draft === "boolean" || controlOf(field) === "choice" || controlOf(field) === "secret") return null;
  const text = draft.trim();
  if (text === "")
    return field.value === null || field.type === "str" || field.type === "" ? null : "A value is missing.";
  if (field.type === "int" && !/^[+-]?\d+(_\d+)*$/.test(text)) return `${text} is no whole number, such as 3.`;
  if (field.type === "float" && !isFloat(text)) return `${text} is no number, such as 0.001 or 1e-4.`;
  if (controlOf(field) === "code") return wrongStructure(field, text);
  if (field.type === "path" && text.includes("://") && !URL.canParse(text))
    return "This is no URL, such as s3://bucket/train.csv.";
  if (field.type === "date" && !/^\d{4}-\d{2}-\d{2}$/.test(text)) return "Write a date as 2026-01-31.";
  if (field.type === "datetime" && Number.isNaN(Date.parse(text))) return "Write a time as 2026-01-31T12:00.";
  return null;
}

function isFloat(text: string): boolean {
  return /^[+-]?(\d+(_\d+)*\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || /^[+-]?(inf|infinity|nan)$/i.test(text);
}

function wrongStructure(field: FormField, text: string): string | null {
  try {
    const found: unknown = JSON.parse(text);
    const isList = Array.isArray(found);
    if (field.type === "dict" && (isList || typeof found !== "object" || !found)) return 'Write it as {"name": value}.';
    if ((field.type === "list" || field.type === "tuple") && !isList) return "Write it as [1, 2].";
    return null;
  } catch (error) {
    return error instanceof Error ? `This is no JSON: ${error.message}` : "This is no JSON.";
  }
}

/** Return the value that is sent. Texts of numbers are read by the server, which keeps every digit. */
export function valueIn(field: FormField, draft: Draft): Json {
  if (typeof draft === "boolean") return draft;
  if (controlOf(field) === "choice") return JSON.parse(draft) as Json;
  if (draft.trim() === "" && field.value === null) return null;
  if (controlOf(field) === "code") return JSON.parse(draft) as Json;
  if (field.type === "" && typeof field.value === "number" && isFloat(draft.trim())) return Number(draft);
  if (field.type === "" && typeof field.value === "boolean") return draft.trim() === "true";
  return field.type === "str" || field.type === "" || field.type === "path" ? draft : draft.trim();
}

/** Return whether two values are the same to a person. */
export function same(one: Json, other: Json): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What differs from the run that the form was taken from. A secret travels apart from the other parameters. */
export interface Changed {
  parameters: Record<string, Json>;
  secrets: Record<string, { text: string }>;
}

/** Return what differs from the run that the form was taken from. A secret that nobody touched is kept, and not sent. */
export function changed(fields: readonly FormField[], drafts: Readonly<Record<string, Draft>>): Changed {
  const found: Changed = { parameters: {}, secrets: {} };
  for (const field of fields) {
    const draft = drafts[field.name];
    if (draft === undefined || draft === draftOf(field, field.value as Json)) continue;
    if (field.type === "secret") found.secrets[field.name] = { text: String(draft) };
    else found.parameters[field.name] = valueIn(field, draft);
  }
  return found;
}
