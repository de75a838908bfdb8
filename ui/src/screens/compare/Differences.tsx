import { useState } from "react";
import type { Answer } from "../../api/call";
import type { Json } from "../../api/types";
import { Chip } from "../../components/Chip";
import { EmptyState } from "../../components/Text";
import { inOneLine } from "../run/values";

export type Comparison = Answer<"CompareRuns">;
type Difference = Comparison["differences"][number];
type Aspect = Difference["aspect"];

const WORDS: Readonly<Record<Aspect, string>> = {
  fact: "Facts",
  parameter: "Parameters",
  configuration: "Configuration",
  metric: "Metrics",
  package: "Packages",
  code: "Code",
  parents: "Graph",
};

/** In what the runs differ, and nothing else; a value that is not that of the first run stands out. */
export function Differences({ found }: { found: Comparison }) {
  const [only, setOnly] = useState<Aspect | null>(null);
  const aspects = (Object.keys(WORDS) as Aspect[]).filter((one) => countOf(found, one) > 0);
  const alike = Object.values(found.alike).reduce((sum, one) => sum + one, 0);
  const shown = aspects.filter((one) => only === null || one === only);
  return (
    <div className="compare-panel">
      <div className="filters">
        {aspects.map((one) => (
          <Chip key={one} on={only === one} onChange={(on) => setOnly(on ? one : null)}>
            {`${WORDS[one]} ${countOf(found, one)}`}
          </Chip>
        ))}
        <span className="count">{alike} things are alike in all of them</span>
      </div>
      {found.cut && <p className="compare-cut quiet">There are more differences than are shown.</p>}
      {found.differences.length === 0 && (
        <EmptyState title="They do not differ">Not in anything that was recorded.</EmptyState>
      )}
      {found.differences.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
        <section className="compare-scroller" aria-label="Differences" tabIndex={0}>
          <table className="table compare-table">
            <caption className="unseen">Differences</caption>
            <thead>
              <tr>
                <th scope="col">What</th>
                {found.runs.map((run) => (
                  <th key={run.task.id} scope="col" title={run.task.name}>
                    <span className="cut">{run.task.name}</span>
                  </th>
                ))}
              </tr>
            </thead>
            {shown.map((aspect) => (
              <tbody key={aspect}>
                <tr className="compare-aspect">
                  <th scope="rowgroup" colSpan={found.runs.length + 1}>
                    {WORDS[aspect]}
                  </th>
                </tr>
                {found.differences
                  .filter((one) => one.aspect === aspect)
                  .map((one) => (
                    <Row key={one.name} difference={one} />
                  ))}
              </tbody>
            ))}
          </table>
        </section>
      )}
    </div>
  );
}

function Row({ difference }: { difference: Difference }) {
  const texts = difference.values.map((one) => textOf(one as Json, difference.aspect));
  return (
    <tr>
      <th scope="row" className="compare-name">
        {difference.name}
      </th>
      {texts.map((text, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a column has its place and nothing else
        <td key={place} data-other={text !== texts[0] || undefined}>
          {text === null ? <span className="faint">–</span> : <code title={text}>{text}</code>}
        </td>
      ))}
    </tr>
  );
}

function textOf(value: Json, aspect: Aspect): string | null {
  if (value === null) return null;
  if (aspect === "metric" && typeof value === "number") return Number(value.toPrecision(6)).toString();
  return typeof value === "string" ? value : inOneLine(value);
}

function countOf(found: Comparison, aspect: Aspect): number {
  return found.differences.filter((one) => one.aspect === aspect).length;
}
