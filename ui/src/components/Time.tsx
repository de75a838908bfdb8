import { useSyncExternalStore } from "react";
import { clockNow, onTick } from "./clock";
import { agoText, durationText, exactText } from "./time";

/** How long ago something was; the time itself, here and in UTC, when one points at it. */
export function Ago({ at }: { at: number | null | undefined }) {
  const text = useSyncExternalStore(onTick, () => (at ? agoText(at, clockNow()) : "–"));
  if (!at) return <span className="faint">–</span>;
  return (
    <time dateTime={new Date(at * 1_000).toISOString()} title={exactText(at)}>
      {text}
    </time>
  );
}

/** How long something took; it goes on counting while there is no end. */
export function Duration({ from, to }: { from: number | null | undefined; to: number | null | undefined }) {
  const text = useSyncExternalStore(onTick, () => (from ? durationText((to ?? clockNow()) - from) : "–"));
  return <span className={from ? undefined : "faint"}>{text}</span>;
}
