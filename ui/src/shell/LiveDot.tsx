import { useLiveState } from "../live/live";

const SAID = {
  connecting: ["Connecting", "The page asks the server what is new."],
  live: ["Live", "What changes is shown at once."],
  reconnecting: ["Reconnecting", "The server does not answer. The page tries again, and shows what it knew last."],
} as const;

/** Whether what is shown is true now. */
export function LiveDot() {
  const state = useLiveState();
  const [word, more] = SAID[state];
  return (
    <span className="live" data-state={state} title={more} role="status">
      <span className="live-dot" aria-hidden="true" />
      {word}
    </span>
  );
}
