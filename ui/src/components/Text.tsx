import "./text.css";
import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import { shown } from "../api/errors";
import { Button, IconButton } from "./Button";

/** A name cut in its middle where it is too long, as its end tells it from its neighbours: `layered_…_649`. */
export function Middle({ text, tail = 8 }: { text: string; tail?: number }) {
  if (text.length <= tail + 6) return <span className="middle">{text}</span>;
  const at = text.length - tail;
  return (
    <span className="middle" title={text}>
      <span className="unseen">{text}</span>
      <span className="middle-head" aria-hidden="true">
        {text.slice(0, at)}
      </span>
      <span className="middle-tail" aria-hidden="true">
        {text.slice(at)}
      </span>
    </span>
  );
}

/** Puts a text into the clipboard. */
export async function copy(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea"); // a page over plain http has no clipboard
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** A button that copies. With words it is a button with words, else an icon. */
export function CopyButton({
  text,
  what = "Copy",
  words,
}: {
  text: string | (() => string);
  what?: string;
  words?: string;
}) {
  const [done, setDone] = useState(false);
  const go = (): void => {
    void copy(typeof text === "string" ? text : text()).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 1_500);
    });
  };
  const icon = done ? <Check /> : <Copy />;
  if (words) {
    return (
      <Button small icon={icon} onClick={go}>
        {done ? "Copied" : words}
      </Button>
    );
  }
  return <IconButton label={done ? "Copied" : what} icon={icon} onClick={go} />;
}

/** Code to read and copy. */
export function Code({ text, label }: { text: string; label: string }) {
  return (
    <figure className="code" aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} words="Copy" />
    </figure>
  );
}

/** Says that something is empty, why, and what would fill it. */
export function EmptyState({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children && <div className="quiet">{children}</div>}
      {action}
    </div>
  );
}

/** Says what went wrong, and what to do about it. */
export function ErrorNote({ error, again }: { error: unknown; again?: () => void }) {
  const found = shown(error);
  return (
    <div className="error-note" role="alert">
      <p className="strong">{found.message}</p>
      {found.hint && <p className="quiet">{found.hint}</p>}
      {again && (
        <Button small onClick={again}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Grey bars where something will be; they are seen only if it takes longer than 150 ms. */
export function Skeleton({ rows = 3, height = 14 }: { rows?: number; height?: number }) {
  return (
    <div className="skeleton" role="status">
      <span className="unseen">Loading</span>
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: all alike
        <span key={index} className="skeleton-bar" style={{ height, width: `${88 - ((index * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

/** A key to press. */
export function Key({ children }: { children: ReactNode }) {
  return <kbd className="key">{children}</kbd>;
}

/** A tag of a run, a task or a model. */
export function Tag({ text }: { text: string }) {
  return <span className="tag">{text}</span>;
}
