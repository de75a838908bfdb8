import "./status.css";
import { lookOf } from "./status";

/** A status as glyph and word in its hue. `small` is the glyph alone, with the word for screen readers. */
export function StatusBadge({ status, small = false, note }: { status: string; small?: boolean; note?: string }) {
  const look = lookOf(status);
  const classes = ["status", look.hollow && "hollow", look.dashed && "dashed", look.hatched && "hatched"];
  return (
    <span className={classes.filter(Boolean).join(" ")} data-hue={look.hue} data-status={status} title={note}>
      <span className="status-glyph" aria-hidden="true">
        {look.glyph}
      </span>
      <span className={small ? "unseen" : "status-word"}>{look.word}</span>
    </span>
  );
}
