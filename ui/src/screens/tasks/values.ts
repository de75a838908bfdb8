// Values of parameters as texts that somebody edits, and back.
import type { Json } from "../../api/types";

/** What a text cannot be read as. */
export class Unreadable extends Error {}

/** Return a value as a text to edit: a text is itself, all else is JSON. */
export function written(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Return the value that a text stands for.
 *
 * `type` is what a parameter has to be; where it is free, a value stays a text if it was one, and is JSON if it can be.
 *
 * @throws Unreadable
 */
export function readValue(text: string, type: string, before: Json): Json {
  switch (type) {
    case "str":
      return text;
    case "int":
      if (!/^\s*[+-]?\d+\s*$/.test(text)) throw new Unreadable("It has to be a whole number.");
      return Number(text);
    case "float":
      if (text.trim() === "" || !Number.isFinite(Number(text))) throw new Unreadable("It has to be a number, as 1e-4.");
      return Number(text);
    case "bool":
      return readBool(text);
    case "list":
    case "dict":
      return readJson(text, type);
  }
  if (typeof before === "string") return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    if (typeof before === "number" || typeof before === "boolean") {
      throw new Unreadable(`It has to be ${typeof before === "number" ? "a number" : "true or false"}.`);
    }
    return text;
  }
}

function readBool(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (word === "true") return true;
  if (word === "false") return false;
  throw new Unreadable("It has to be true or false.");
}

function readJson(text: string, type: "list" | "dict"): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw new Unreadable("It has to be JSON.");
  }
  const fits =
    type === "list" ? Array.isArray(value) : value !== null && typeof value === "object" && !Array.isArray(value);
  if (!fits) throw new Unreadable(type === "list" ? 'It has to be a list, as ["a", 1].' : 'It has to be as {"a": 1}.');
  return value;
}
