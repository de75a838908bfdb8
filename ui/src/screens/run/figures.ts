// What tasks reported as plots, read with care: whatever does not have the form that it should have is null.

export interface PlotlyFigure {
  data: Record<string, unknown>[];
  layout: Record<string, unknown>;
}

/** Return a figure in Plotly's form. */
export function figureOf(text: string): PlotlyFigure | null {
  const found = parsed(text);
  if (!isRecord(found) || !Array.isArray(found.data)) return null;
  return { data: found.data.filter(isRecord), layout: isRecord(found.layout) ? found.layout : {} };
}

/** Return a table: JSON of rows, the first of which are the names of its columns, or an object with both. */
export function tableOf(text: string): { head: string[]; rows: string[][] } | null {
  const found = parsed(text);
  const rows = Array.isArray(found)
    ? found
    : isRecord(found)
      ? [found.columns, ...asList(found.rows ?? found.data)]
      : [];
  const texts = rows.filter(Array.isArray).map((row) => row.map(cell));
  const [head, ...rest] = texts;
  return head ? { head, rows: rest } : null;
}

export interface Media {
  kind: "audio" | "video" | "image" | "text" | "other";
  name: string;
  url: string;
  text: string;
}

/** The only types that are shown; everything else is saved to a file. An SVG in an `img` runs no script. */
const SHOWN =
  /^(?:(audio|video)\/[a-z0-9.+-]+|(image)\/(?:png|jpeg|gif|webp|svg\+xml)|(text)\/(?:plain|csv|markdown))$/;

/** Return a media file as an address of its own; the bytes are in the record. */
export function mediaOf(text: string): Media | null {
  const found = parsed(text);
  if (!isRecord(found) || typeof found.data !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(found.data)) return null;
  const type = typeof found.type === "string" ? found.type : "";
  const name = typeof found.name === "string" ? found.name : "file";
  const match = SHOWN.exec(type);
  const kind = (match?.[1] ?? match?.[2] ?? match?.[3] ?? "other") as Media["kind"];
  const bytes = Uint8Array.from(atob(found.data), (one) => one.charCodeAt(0));
  const url = `data:${match ? type : "application/octet-stream"};base64,${found.data}`;
  return { kind, name, url, text: kind === "text" ? new TextDecoder().decode(bytes) : "" };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function cell(value: unknown): string {
  return value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}
