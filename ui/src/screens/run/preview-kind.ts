// How an artifact is shown, decided by its format and the name of its file, never by what its bytes say.

export type Kind = "table" | "image" | "json" | "text" | "html" | "opaque" | "said";

interface Thing {
  format: string;
  size: number;
  hash: string;
  table: unknown;
  metadata: Readonly<Record<string, string>>;
}

const IMAGES = new Set(["png", "jpg", "jpeg", "gif", "webp"]);
const TEXTS = new Set([
  "txt",
  "text",
  "log",
  "csv",
  "tsv",
  "md",
  "py",
  "yaml",
  "yml",
  "toml",
  "ini",
  "cfg",
  "xml",
  "svg",
]);
/** Reading these may run code of whoever wrote them. */
const OPAQUE = new Set(["pickle", "pkl", "joblib", "pt", "pth", "cloudpickle"]);

/** Of texts at most so many bytes are fetched, and of JSON and images at most so many shown. */
export const TEXT_MOST = 200_000;
const JSON_MOST = 2_000_000;
const IMAGE_MOST = 20_000_000;

/** Return how it is shown. */
export function kindOf(artifact: Thing): Kind {
  const ending = endingOf(artifact);
  if (OPAQUE.has(artifact.format) || OPAQUE.has(ending)) return "opaque";
  if (artifact.table) return "table";
  if (!artifact.hash) return "said";
  if (IMAGES.has(ending)) return artifact.size <= IMAGE_MOST ? "image" : "said";
  if (ending === "json") return artifact.size <= JSON_MOST ? "json" : "text";
  if (ending === "html" || ending === "htm") return "html";
  return TEXTS.has(ending) ? "text" : "said";
}

function endingOf({ format, metadata }: Thing): string {
  const name = metadata.file_name;
  return (name?.includes(".") ? name.slice(name.lastIndexOf(".") + 1) : format).toLowerCase();
}
