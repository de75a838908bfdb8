// Saves what the page holds as a file on this person's machine.

/** Save a text, or bytes, or parts of one, under a name. */
export function save(name: string, content: BlobPart | BlobPart[], type = "text/plain"): void {
  const url = URL.createObjectURL(new Blob(Array.isArray(content) ? content : [content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
