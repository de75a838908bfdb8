import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Answer } from "../../api/call";
import { Button } from "../../components/Button";
import { StatusBadge } from "../../components/StatusBadge";
import { Ago } from "../../components/Time";

type Failure = Answer<"ListFailures">[number];
const AT_FIRST = 3;

/** What failed in the last day, with why in a line: the newest failure of each pipeline. */
export function Attention({ failures }: { failures: readonly Failure[] }) {
  const [all, setAll] = useState(false);
  const newest = [
    ...new Map([...failures].reverse().map((one) => [`${one.project}\0${one.pipeline}`, one])).values(),
  ].reverse();
  if (!newest.length) return null;
  const shown = all ? newest : newest.slice(0, AT_FIRST);
  const counts = (one: Failure): number =>
    failures.filter((other) => other.pipeline === one.pipeline && other.project === one.project).length;
  return (
    <section className="attention" aria-labelledby="attention">
      <h2 id="attention">Needs attention</h2>
      <ul>
        {shown.map((one) => (
          <li key={one.run}>
            <StatusBadge status="failed" small />
            <Link to="/runs/$run" params={{ run: one.run }} className="strong attention-name">
              {one.name}
            </Link>
            <span className="attention-why">
              {one.step && <span className="quiet">{one.step}: </span>}
              <span className="mono">{one.error}</span>
            </span>
            <span className="quiet attention-more">
              {counts(one) > 1 && <span className="attention-count">{counts(one)} times in a day, </span>}
              <Ago at={one.ended} />
            </span>
            <Link to="/new" search={{ source: one.run }} className="button small">
              New run<span className="unseen"> of {one.name}</span>
            </Link>
          </li>
        ))}
      </ul>
      {newest.length > shown.length && (
        <Button small look="plain" onClick={() => setAll(true)}>
          {newest.length - shown.length} more
        </Button>
      )}
    </section>
  );
}
