// Rows of the table as a file that spreadsheets read.
import type { TableColumn } from "./columns";
import type { Row } from "./useRuns";

/** Return the rows as CSV, with the id and the columns that are shown. */
export function csv(rows: readonly Row[], columns: readonly TableColumn[], extras: readonly string[]): string {
  const head = ["id", ...columns.map((one) => one.name)];
  const lines = rows.map((row) => [
    row.run.task.id,
    ...columns.map((one) => one.text(row, row.values[extras.indexOf(one.name)])),
  ]);
  return [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
}

/** Return a text as a cell. One that begins like a formula would be carried out by a spreadsheet: it gets a mark. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Have the browser save a text to a file. */
export function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
