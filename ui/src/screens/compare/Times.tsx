import { StatusBadge } from "../../components/StatusBadge";
import { EmptyState } from "../../components/Text";
import { durationText } from "../../components/time";
import type { Comparison } from "./Differences";

/** How long each step took in each run, as bars beside each other. */
export function Times({ found }: { found: Comparison }) {
  const longest = Math.max(0.001, ...found.steps.flatMap((one) => one.seconds.map((seconds) => seconds ?? 0)));
  if (!found.steps.length) return <EmptyState title="No steps" />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="compare-panel compare-scroller" aria-label="Step times" tabIndex={0}>
      <table className="table compare-table">
        <caption className="unseen">How long each step took</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            {found.runs.map((run) => (
              <th key={run.task.id} scope="col" title={run.task.name}>
                <span className="cut">{run.task.name}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {found.steps.map((step) => (
            <tr key={step.name}>
              <th scope="row" className="compare-name">
                {step.name}
              </th>
              {found.runs.map((run, place) => {
                const status = step.statuses[place];
                const seconds = step.seconds[place];
                return (
                  <td key={run.task.id}>
                    {!status && <span className="faint">no such step</span>}
                    {status && (
                      <span className="compare-time">
                        <StatusBadge small status={status} />
                        <span className="compare-bar">
                          <span style={{ width: `${(100 * (seconds ?? 0)) / longest}%` }} />
                        </span>
                        <span>{seconds === null || seconds === undefined ? "–" : durationText(seconds)}</span>
                      </span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
