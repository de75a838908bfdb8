import "./actions.css";
import type { ReactNode } from "react";
import { Button } from "../../../components/Button";
import { Dialog } from "../../../components/Overlay";
import { ErrorNote, Skeleton } from "../../../components/Text";

export interface Affected {
  step: string;
  /** What becomes of it, in a word: `runs`, `is reused`, `is aborted`. */
  what: string;
  why?: string;
  /** Whether something happens to it; the others are listed below those. */
  changes: boolean;
}

const MOST = 300;

/** Says what an action does with each step, before it does it. */
export function AffectedDialog(props: {
  title: string;
  description: ReactNode;
  /** Undefined while it is being found out. */
  affected: readonly Affected[] | undefined;
  notes?: readonly string[];
  error: unknown;
  act: string;
  look?: "primary" | "danger";
  busy: boolean;
  onAct: () => void;
  onClose: () => void;
}) {
  const { title, description, affected, notes = [], error, act, look = "primary", busy, onAct, onClose } = props;
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={description}
      wide
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look={look} busy={busy} disabled={affected === undefined} onClick={onAct}>
            {act}
          </Button>
        </>
      }
    >
      {error !== null && error !== undefined && <ErrorNote error={error} />}
      {affected === undefined && !error && <Skeleton rows={4} />}
      {affected && <Listed affected={affected} notes={notes} />}
    </Dialog>
  );
}

/** Return how many steps what becomes of: `1 step runs, 4 are reused`. */
function countsOf(words: ReadonlyMap<string, number>): string {
  return [...words]
    .map(([what, count], index) => {
      const said =
        count === 1 ? what : (PLURALS[what.split(" ")[0] ?? ""] ?? "do") + what.slice(what.split(" ")[0]?.length);
      const steps = index > 0 ? "" : count === 1 ? " step" : " steps";
      return `${count.toLocaleString("en")}${steps} ${said}`;
    })
    .join(", ");
}
const PLURALS: Readonly<Record<string, string>> = { is: "are", runs: "run", stays: "stay" };

function Listed({ affected, notes }: { affected: readonly Affected[]; notes: readonly string[] }) {
  const sorted = affected.toSorted((a, b) => Number(b.changes) - Number(a.changes));
  const words = new Map<string, number>();
  for (const one of sorted) words.set(one.what, (words.get(one.what) ?? 0) + 1);
  return (
    <>
      <p className="affected-counts">{affected.length === 0 ? "No step is affected." : countsOf(words)}</p>
      {notes.map((note) => (
        <p key={note} className="quiet">
          {note}
        </p>
      ))}
      <ul className="affected">
        {sorted.slice(0, MOST).map((one) => (
          <li key={one.step} data-changes={one.changes || undefined}>
            <span className="cut strong" title={one.step}>
              {one.step}
            </span>
            <span>{one.what}</span>
            <span className="quiet">{one.why}</span>
          </li>
        ))}
        {sorted.length > MOST && <li className="faint">and {sorted.length - MOST} more</li>}
      </ul>
    </>
  );
}
