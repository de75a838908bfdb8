import "./timeline.css";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { useOp } from "../../api/queries";
import type { Task } from "../../api/types";
import { isOver, lookOf } from "../../components/status";
import { EmptyState } from "../../components/Text";
import { durationText } from "../../components/time";
import { criticalPath } from "../../graph/paths";
import { type Bar, marks, type Row, type Timeline, type Try, timelineOf } from "../../timeline/rows";
import { shortened } from "./GraphCanvas";
import { useNow } from "./use";
import type { RunView, StepView } from "./view";

const MOST = 20_000;
/** Of more steps the tasks are not asked for, which say when each was queued: their records are large. */
const SMALL = 300;

/** What happened when: a row for each step, a bar for each attempt, the critical path outlined. */
export function TimelineTab(props: { view: RunView; chosen?: string | undefined; onChoose: (step: string) => void }) {
  const { view, chosen, onChoose } = props;
  const { task } = view.run;
  const now = useNow(!isOver(task.status));
  const { steps } = view;
  const isSmall = steps.length <= SMALL;
  const { data } = useOp("ListTasks", { run: task.id, limit: MOST }, { keepPrevious: true, enabled: isSmall });
  const timeline = useMemo(() => {
    const critical = new Set(criticalPath(steps, now));
    const run = { started: task.started ?? task.created, ended: task.ended };
    return timelineOf(steps, data ? data.flatMap(tryOf) : steps.flatMap(triesOf), run, critical, now);
  }, [steps, data, task, now]);
  if (task.started === null) {
    return (
      <EmptyState title="Nothing has begun yet">Bars appear here as soon as the first step is launched.</EmptyState>
    );
  }
  return <Chart timeline={timeline} chosen={chosen} onChoose={onChoose} />;
}

function tryOf(task: Task): Try[] {
  if (!task.step) return [];
  const { id, step, attempt, status, created, started, ended } = task;
  return [{ task: id, step, attempt, status, created, started, ended }];
}

/** Return what the graph knows of the attempts of a step. */
function triesOf(step: StepView): Try[] {
  const latest = {
    attempt: step.attempt,
    task: step.task ?? "",
    status: step.status,
    started: step.started,
    ended: step.ended,
  };
  return [...step.tries, ...(step.attempt > 0 ? [latest] : [])].map((one) => ({
    ...one,
    step: step.name,
    created: one.started ?? 0,
  }));
}

function Chart(props: { timeline: Timeline; chosen?: string | undefined; onChoose: (step: string) => void }) {
  const { timeline, chosen, onChoose } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const element = axis.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const virtual = useVirtualizer({
    count: timeline.rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 30,
    overscan: 10,
  });
  const span = Math.max(0.001, timeline.end - timeline.start);
  const place = (at: number) => `${(Math.max(0, at - timeline.start) / span) * 100}%`;
  return (
    <div className="timeline">
      <div className="timeline-axis">
        <span className="timeline-key quiet" aria-hidden="true">
          <i data-kind="waiting" /> waiting <i data-kind="queued" /> queued{" "}
          <i data-kind="running" data-status="completed" />
          running <i data-kind="critical" /> critical
        </span>
        <div ref={axis} aria-hidden="true">
          {marks(span, Math.max(2, Math.floor(width / 90))).map((mark) => (
            <span key={mark.at} style={{ left: place(timeline.start + mark.at) }}>
              {mark.text}
            </span>
          ))}
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="timeline-rows" ref={scroller} tabIndex={0} aria-label="Timeline">
        <ul style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const row = timeline.rows[item.index];
            if (!row) return null;
            return (
              <li key={row.step} style={{ transform: `translateY(${item.start}px)` }}>
                <button
                  type="button"
                  className="timeline-row"
                  aria-current={row.step === chosen || undefined}
                  data-critical={row.critical || undefined}
                  onClick={() => onChoose(row.step)}
                >
                  <span className="timeline-name cut" title={row.step}>
                    {shortened(row.step, 28)}
                  </span>
                  <span className="unseen">{inWords(row)}</span>
                  <span className="timeline-bars" aria-hidden="true">
                    {row.bars.map((bar) => (
                      <span
                        key={`${bar.attempt}${bar.kind}`}
                        className="timeline-bar"
                        data-kind={bar.kind}
                        data-status={bar.status}
                        title={barText(bar)}
                        style={{ left: place(bar.start), width: `${((bar.end - bar.start) / span) * 100}%` }}
                      />
                    ))}
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
      </section>
    </div>
  );
}

function barText(bar: Bar): string {
  const what = bar.kind === "running" ? lookOf(bar.status).word.toLowerCase() : bar.kind;
  return `attempt ${bar.attempt}: ${what}, ${durationText(bar.end - bar.start)}`;
}

function inWords(row: Row): string {
  return row.bars.length ? row.bars.map(barText).join("; ") : lookOf(row.status).word;
}
