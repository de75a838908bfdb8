// What becomes of the order of a queue when one of its tasks is moved: drawn at once, before the server has said so.

/** Return a list with the item of this place at another place; places outside of the list mean its ends. */
export function moved<Item>(items: readonly Item[], from: number, to: number): Item[] {
  const rest = items.toSpliced(from, 1);
  const item = items[from];
  return item === undefined ? [...items] : rest.toSpliced(Math.max(0, Math.min(rest.length, to)), 0, item);
}

/** Return by how many places an item stands aside while another one is dragged from one place to another. */
export function stepAside(place: number, from: number, to: number): -1 | 0 | 1 {
  if (from < place && place <= to) return -1;
  if (to <= place && place < from) return 1;
  return 0;
}
