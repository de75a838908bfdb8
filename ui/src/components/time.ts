// Times and durations in words. Times come from the server as seconds since 1970.

/** Return a duration in at most two units: `0.4 s`, `12 s`, `2 m 10 s`, `3 h 5 m`, `2 d 4 h`. */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, seconds);
  if (whole < 9.95) return `${whole < 0.1 && whole > 0 ? whole.toFixed(2) : whole.toFixed(1)} s`;
  const rounded = Math.round(whole);
  if (rounded < 60) return `${rounded} s`;
  if (rounded < 3_600) return `${Math.floor(rounded / 60)} m ${rounded % 60} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
  const hours = Math.round(whole / 3_600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Return how long ago something was: `just now`, `12 s ago`, `4 m ago`, `3 h ago`, `2 d ago`, then its date. */
export function agoText(at: number, now: number): string {
  const seconds = Math.max(0, now - at);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  if (seconds < 14 * 86_400) return `${Math.floor(seconds / 86_400)} d ago`;
  return new Date(at * 1_000).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}

/** Return a time as this person's clock has it, and in UTC, for a tooltip. */
export function exactText(at: number): string {
  const date = new Date(at * 1_000);
  const utc = `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  return `${date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })}\n${utc}`;
}
