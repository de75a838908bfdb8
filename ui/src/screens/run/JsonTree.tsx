import { useState } from "react";
import type { Json } from "../../api/types";

const MOST = 200;

/** A JSON value to unfold. Only what is unfolded is drawn, and of long lists the first items. */
export function JsonTree({ value, name, depth = 0 }: { value: Json; name?: string; depth?: number }) {
  const [open, setOpen] = useState(depth < 1);
  const [most, setMost] = useState(MOST);
  if (value === null || typeof value !== "object") {
    return (
      <div className="json-leaf">
        {name !== undefined && <span className="json-name">{name}: </span>}
        <code data-type={value === null ? "null" : typeof value}>{JSON.stringify(value)}</code>
      </div>
    );
  }
  const entries = Object.entries(value);
  const [start, end] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return (
    <div className="json">
      <button type="button" className="json-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span aria-hidden="true">{open ? "▾" : "▸"} </span>
        {name !== undefined && <span className="json-name">{name}: </span>}
        <span className="faint">
          {start}
          {entries.length.toLocaleString("en")} {entries.length === 1 ? "item" : "items"}
          {end}
        </span>
      </button>
      {open && (
        <div className="json-inside">
          {entries.slice(0, most).map(([key, one]) => (
            <JsonTree key={key} name={key} value={one} depth={depth + 1} />
          ))}
          {entries.length > most && (
            <button type="button" className="link" onClick={() => setMost(most + 10 * MOST)}>
              {(entries.length - most).toLocaleString("en")} more
            </button>
          )}
        </div>
      )}
    </div>
  );
}
