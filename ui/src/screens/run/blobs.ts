// Bytes that tasks stored, fetched to be shown. What may hold scripts is never made a part of this page: such things are
// shown by the second origin.
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { errorOf } from "../../api/errors";
import { at } from "../../place";

/** Larger things are saved to a file, and not shown. */
export const LARGEST = 20_000_000;

/** Fetch bytes by their hash; with `most`, only so many from the beginning. */
export async function fetchBlob(hash: string, signal?: AbortSignal, most?: number): Promise<ArrayBuffer> {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error("these bytes have no address here");
  const response = await fetch(at(`api/v1/blobs/${hash}`), {
    signal: signal ?? null,
    headers: most ? { Range: `bytes=0-${most - 1}` } : {},
  });
  if (!response.ok) throw await errorOf(response);
  return response.arrayBuffer();
}

/** Return bytes as something to show. They never change, so they are fetched once. */
export function useBlob<T>(hash: string, read: (bytes: ArrayBuffer) => T, most?: number): UseQueryResult<T> {
  return useQuery({
    queryKey: ["blob", hash, most ?? 0, read.name],
    queryFn: async ({ signal }) => read(await fetchBlob(hash, signal, most)),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  }) as UseQueryResult<T>;
}

const MAGIC: readonly (readonly [type: string, ...starts: number[]])[] = [
  ["image/png", 0x89, 0x50, 0x4e, 0x47],
  ["image/jpeg", 0xff, 0xd8, 0xff],
  ["image/gif", 0x47, 0x49, 0x46, 0x38],
  ["image/webp", 0x52, 0x49, 0x46, 0x46],
];

/** Return the type of an image by its first bytes; null when it is none that is shown. */
export function imageType(bytes: ArrayBuffer): string | null {
  const start = new Uint8Array(bytes, 0, Math.min(4, bytes.byteLength));
  return MAGIC.find(([, ...magic]) => magic.every((one, index) => start[index] === one))?.[0] ?? null;
}

/** Return an address of an image that was fetched. */
export function imageOf(bytes: ArrayBuffer): string {
  const type = imageType(bytes);
  if (type === null) throw new Error("this is no image that a browser shows");
  return URL.createObjectURL(new Blob([bytes], { type }));
}

/** Return bytes as text. */
export function textOf(bytes: ArrayBuffer): string {
  return new TextDecoder().decode(bytes);
}

/** Return a size as people say it. */
export function sizeText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let [size, unit] = [bytes, 0];
  for (; size >= 1_000 && unit < units.length - 1; unit++) size /= 1_000;
  return `${unit === 0 ? size : size.toPrecision(3)} ${units[unit]}`;
}
