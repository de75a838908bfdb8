import "./steps.css";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useMemo, useRef } from "react";
import { StatusBadge } from "../../components/StatusBadge";
import { durationText } from "../../components/time";
import { seconds } from "../../graph/steps";
import { shortened } from "./GraphCanvas";
import { indented, reasonOf } from "./steps";
import { useNow } from "./use";
import type { StepView } from "./view";

/** The steps as a list: a row each with how long it took and why it stands so. Only rows in view are drawn. */
export function StepList(props: {
  isLive: boolean;
  steps: readonly StepView[];
  chosen?: string | undefined;
  onChoose: (step: string) => void;
  /** In the order of the graph, each as far to the right as it lies deep. */
  indent?: boolean;
}) {
  const { isLive, steps, chosen, onChoose, indent = false } = props;
  const now = useNow(isLive);
  const rows = useMemo(() => (indent ? indented(steps) : steps.map((step) => ({ step, depth: 0 }))), [steps, indent]);
  const longest = Math.max(0.001, ...steps.map((step) => seconds(step, now) ?? 0));
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (matchMedia("(max-width: 700px)").matches ? 60 : 36),
    overscan: 12,
  });
  const place = rows.findIndex(({ step }) => step.name === chosen);
  useEffect(() => {
    if (place >= 0) virtual.scrollToIndex(place);
  }, [place, virtual]);

  const move = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const items = [...(scroller.current?.querySelectorAll<HTMLElement>(".step-row") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    items[Math.max(0, Math.min(items.length - 1, at + by))]?.focus();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys move between the buttons in it
    <div className="step-list" ref={scroller} onKeyDown={move}>
      <ul style={{ height: virtual.getTotalSize() }} aria-label={`${rows.length} steps`}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          const { step, depth } = row;
          const took = seconds(step, now);
          const ran = took !== null && step.status !== "cached" && step.status !== "skipped";
          const reason = reasonOf(step, now);
          return (
            <li key={step.name} style={{ transform: `translateY(${item.start}px)`, height: item.size }}>
              <button
                type="button"
                className="step-row"
                aria-current={step.name === chosen || undefined}
                onClick={() => onChoose(step.name)}
              >
                <span className="step-name" style={{ paddingLeft: Math.min(depth, 12) * 14 }}>
                  <StatusBadge status={step.status} small />
                  <span className="cut" title={step.name}>
                    {shortened(step.name, 44)}
                  </span>
                  {step.attempt > 1 && <span className="faint">↻{step.attempt - 1}</span>}
                </span>
                <span className="step-reason cut quiet" title={reason}>
                  {reason || step.stage || ""}
                </span>
                <span className="step-bar" aria-hidden="true">
                  {ran && (
                    <span
                      data-status={step.status}
                      style={{ width: `${Math.max(1, ((took ?? 0) / longest) * 100)}%` }}
                    />
                  )}
                </span>
                <span className="step-took">{ran ? durationText(took ?? 0) : "–"}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
