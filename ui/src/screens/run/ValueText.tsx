import type { Json } from "../../api/types";
import { JsonTree } from "./JsonTree";
import { inOneLine } from "./values";

/** A value: in one line where it is short, else as a tree. */
export function ValueText({ value }: { value: unknown }) {
  const json = value as Json;
  const text = inOneLine(json);
  if (json !== null && typeof json === "object" && text.length > 60) return <JsonTree value={json} />;
  return <code className="value">{text}</code>;
}
