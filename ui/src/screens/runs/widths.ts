// How wide the columns of the table are, and which stay at its left edge: as the address says, or as is usual.
import type { TableColumn } from "./columns";

export const NARROWEST = 48;
export const WIDEST = 1_200;
const CHECK = 40; // pixels of the column of boxes

export interface LaidColumn extends TableColumn {
  /** Pixels from the left edge at which it stays; undefined for one that scrolls. */
  left?: number;
}

/** Return columns in the order in which they stand, those that stay at the left edge first. */
export function laidOut(
  columns: readonly TableColumn[],
  widths: Readonly<Record<string, number>>,
  pins: readonly string[],
): LaidColumn[] {
  const pinned = columns.filter((one) => pins.includes(one.name));
  const others = columns.filter((one) => !pins.includes(one.name));
  let left = CHECK;
  const first = pinned.map((one) => {
    const width = widths[one.name] ?? usual(one.width);
    left += width;
    return { ...one, width: `${width}px`, left: left - width };
  });
  const rest = others.map((one) => {
    const width = widths[one.name];
    return width === undefined ? one : { ...one, width: `${width}px` };
  });
  return [...first, ...rest];
}

/** Return the tracks of a row, and the pixels that it takes at least. */
export function tracksOf(columns: readonly TableColumn[]): { tracks: string[]; minWidth: number } {
  const tracks = [`${CHECK}px`, ...columns.map((one) => one.width)];
  return { tracks, minWidth: tracks.reduce((sum, one) => sum + Number(/\d+/.exec(one)?.[0] ?? 0), 0) };
}

/** Return a width that a column may have. */
export function allowed(width: number): number {
  return Math.round(Math.max(NARROWEST, Math.min(WIDEST, width)));
}

/** Return the widths of an address, without what is none. */
export function widthsOf(given: unknown): Record<string, number> | undefined {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined;
  const found = Object.entries(given).flatMap(([name, width]) =>
    typeof width === "number" && Number.isFinite(width) ? [[name, allowed(width)] as const] : [],
  );
  return found.length ? Object.fromEntries(found.slice(0, 50)) : undefined;
}

/** Return the pixels of a column that would otherwise share what is left: it cannot while others scroll below it. */
function usual(width: string): number {
  const [least = NARROWEST] = /\d+/.exec(width)?.map(Number) ?? [];
  return width.startsWith("minmax") ? 2 * least : least;
}
