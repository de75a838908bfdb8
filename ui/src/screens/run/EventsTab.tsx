import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import { useOp } from "../../api/queries";
import { Input } from "../../components/Field";
import { StatusBadge } from "../../components/StatusBadge";
import { lookOf } from "../../components/status";
import { EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { exactText } from "../../components/time";
import { eventsOf } from "./events";
import type { RunView } from "./view";

/** Everything that happened in the run and was decided, in its order. */
export function EventsTab({ view, onChoose }: { view: RunView; onChoose: (step: string) => void }) {
  const { id } = view.run.task;
  const changes = useOp("ListChanges", { run: id, limit: 10_000 });
  const decisions = useOp("ListDecisions", { run: id });
  const [text, setText] = useState("");
  const events = useMemo(() => eventsOf(changes.data ?? [], decisions.data ?? []), [changes.data, decisions.data]);
  const wanted = text.toLowerCase();
  const shown = useMemo(
    () => events.filter((one) => `${one.step} ${one.what} ${one.why}`.toLowerCase().includes(wanted)),
    [events, wanted],
  );
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 32,
    overscan: 12,
  });
  if (changes.error) return <ErrorNote error={changes.error} />;
  if (!changes.data) return <Skeleton rows={8} />;
  return (
    <div className="steps-tab">
      <div className="tab-tools">
        <Input
          aria-label="Filter events"
          placeholder="Filter events"
          type="search"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <span className="faint">{shown.length.toLocaleString("en")} events</span>
      </div>
      {shown.length === 0 && <EmptyState title="No events" />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="events" ref={scroller} tabIndex={0} aria-label="Events">
        <ol style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const event = shown[item.index];
            if (!event) return null;
            return (
              <li key={item.key} className="event" style={{ transform: `translateY(${item.start}px)` }}>
                <time className="faint mono" title={exactText(event.at)}>
                  {new Date(event.at * 1_000).toLocaleTimeString("en-GB")}
                </time>
                {event.isStatus ? <StatusBadge status={event.what} small /> : <span />}
                {event.step ? (
                  <button type="button" className="link cut" onClick={() => onChoose(event.step)} title={event.step}>
                    {event.step}
                  </button>
                ) : (
                  <span className="quiet">run</span>
                )}
                <span className="cut" title={event.why}>
                  {event.isStatus ? lookOf(event.what).word.toLowerCase() : event.what}
                  {event.attempt > 1 && ` (attempt ${event.attempt})`}
                  {event.why && <span className="quiet">: {event.why}</span>}
                </span>
              </li>
            );
          })}
        </ol>
      </section>
    </div>
  );
}
