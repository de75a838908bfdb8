import { Search } from "lucide-react";
import { forwardRef, type KeyboardEvent, useEffect, useId, useState } from "react";
import { useWritten } from "../../components/written";
import { useNames } from "./names";
import { parts } from "./query";
import type { Row } from "./useRuns";

const FIXED = [
  "status:failed",
  "status:running",
  "status:completed",
  "status:queued",
  "status:aborted",
  "status:draft",
  "tag:",
  "pipeline:",
  "project:",
  "user:",
  "version:",
  "name~",
  "started>1d",
  "started>7d",
  "duration>10m",
];
const PAUSE = 250; // milliseconds without a key after which the table follows

/** The box in which one writes what is looked for; it offers what may be written. */
export const QueryBox = forwardRef<
  HTMLInputElement,
  { text: string; error: string | null; onChange: (text: string) => void; rows: readonly Row[] }
>(function QueryBox({ text, error, onChange, rows }, ref) {
  const { written, write, tell } = useWritten(text, onChange);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const id = useId();
  const { parameters, metrics } = useNames(rows, open);
  useEffect(() => {
    if (written === text) return undefined;
    const timer = setTimeout(() => tell(written), PAUSE);
    return () => clearTimeout(timer);
  }, [written, text, tell]);

  const begun = written.endsWith(" ") ? "" : (parts(written).at(-1) ?? "");
  const known = [...FIXED, ...parameters.map((one) => `${one}>`), ...metrics.map((one) => `${one}>`)];
  const offered = open
    ? known.filter((one) => one !== begun && one.toLowerCase().includes(begun.toLowerCase())).slice(0, 9)
    : [];
  const take = (one: string): void => {
    write(written.slice(0, written.length - begun.length) + one);
    setAt(-1);
    setOpen(!/[:~>]$/.test(one) ? false : open);
  };
  const press = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === "ArrowDown" && offered.length) setAt((at + 1) % offered.length);
    else if (event.key === "ArrowUp" && offered.length) setAt((at - 1 + offered.length) % offered.length);
    else if (event.key === "Enter") {
      const one = offered[at];
      if (one) take(one);
      else tell(written);
      if (!one) setOpen(false);
    } else if (event.key === "Escape") {
      if (offered.length) setOpen(false);
      else event.currentTarget.blur();
    } else {
      setOpen(true);
      return;
    }
    event.preventDefault();
  };

  return (
    <div className="query">
      <Search aria-hidden="true" />
      <input
        ref={ref}
        className="input"
        type="text"
        role="combobox"
        aria-label="Filter runs"
        aria-expanded={offered.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? `${id}-error` : undefined}
        placeholder="status:failed  lr>1e-4  tag:best  text"
        value={written}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => write(event.target.value)}
        onKeyDown={press}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
      />
      {error && (
        <p className="query-error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
      <div
        className="menu query-menu"
        id={`${id}-list`}
        role="listbox"
        aria-label="What may be written"
        hidden={!offered.length}
      >
        {offered.map((one, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are heard by the box
          <div
            key={one}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            className="menu-item mono"
            data-highlighted={index === at || undefined}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(one)}
          >
            {one}
          </div>
        ))}
      </div>
    </div>
  );
});
