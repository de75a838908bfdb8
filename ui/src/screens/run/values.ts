// What a step was given: its arguments as the definition says them, beside the values that its attempt recorded.
import type { Json, Parameter, RunDetail } from "../../api/types";

export type StepDefinition = RunDetail["definition"]["steps"][number];

export interface Reference {
  /** As it was written: `${load.data}`. */
  text: string;
  /** The step that it refers to; null for the pipeline itself. */
  step: string | null;
}

export interface Argument {
  name: string;
  value: Json;
  /** Whether the value is known: a reference has none before the step is launched. */
  isKnown: boolean;
  references: Reference[];
}

/** The sections in which the arguments of functions are recorded, by value and by the artifact that holds it. */
const SECTIONS = ["kwargs", "kwargs_artifacts"];

/** Return the arguments of a step with what became of them, and the parameters that are none. */
export function argumentsOf(
  definition: Pick<StepDefinition, "arguments" | "overrides" | "configurations">,
  recorded: readonly Parameter[],
): { given: Argument[]; others: Parameter[] } {
  const named = new Set<Parameter>();
  const given = Object.entries(definition.arguments).map(([name, argument]): Argument => {
    const own = recorded.find(
      (one) => (SECTIONS.includes(one.section) && one.name === name) || `${one.section}/${one.name}` === name,
    );
    if (own) named.add(own);
    const references = [...referencesIn(argument.value as Json), ...argument.references.flatMap(referencesIn)];
    const value = own ? (own.value as Json) : (argument.value as Json);
    const isKnown = own !== undefined || (references.length === 0 && argument.artifact === null);
    return { name, value, isKnown, references };
  });
  return { given, others: recorded.filter((one) => !named.has(one)) };
}

/** Return the references in a value, each once. `$${` is no reference but these characters. */
export function referencesIn(value: Json): Reference[] {
  const found = new Map<string, Reference>();
  const look = (one: Json): void => {
    if (Array.isArray(one)) one.forEach(look);
    else if (one !== null && typeof one === "object") Object.values(one).forEach(look);
    else if (typeof one === "string") {
      for (const [text, escaped, step] of one.matchAll(/(\$?)\$\{([^.{}]+)[^{}]*\}/g)) {
        if (escaped) continue;
        found.set(text, { text, step: step === "pipeline" ? null : (step ?? null) });
      }
    }
  };
  look(value);
  return [...found.values()];
}

/** Return a value in one line, as code has it. */
export function inOneLine(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
