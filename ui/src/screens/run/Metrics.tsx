import "./metrics.css";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { Input } from "../../components/Field";
import { LongTable } from "../../components/LongTable";
import { EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { type Recorder, useRecords } from "./records";
import { named, numberText, type Single, type Titled, titlesOf } from "./series";

const Chart = lazy(() => import("./Chart").then((one) => ({ default: one.Chart })));

const AGAIN = 3_000; // milliseconds between two looks while more may come: points are no changes of the feed
/** So many steps are drawn in one chart: more lines than these cannot be told from each other. */
const MOST_DRAWN = 20;
const MANY = 4;

/** Everything that tasks measured: single values as a table, series as charts. */
export function Metrics(props: {
  tasks: readonly Recorder[];
  isLive: boolean;
  /** What the tasks are. */
  unit?: "steps" | "runs";
}) {
  const { tasks, isLive, unit = "steps" } = props;
  const [text, setText] = useState("");
  const [step, setStep] = useState("");
  const { found, error, isPending } = useRecords("scalars", tasks, isLive, AGAIN);
  const all = useMemo(() => titlesOf(found.map(({ task, items }) => ({ task, summaries: items }))), [found]);
  const { titles, singles } = useMemo(() => named(all, text, step), [all, text, step]);
  if (error) return <ErrorNote error={error} />;
  if (isPending && !all.titles.length) return <Skeleton rows={6} />;
  if (!all.titles.length && !all.singles.length) {
    return (
      <EmptyState title="No metrics">
        {isLive ? "Lines appear here as soon as something is reported." : "Nothing was reported."} A step reports by
        Logger.current_logger().report_scalar(…).
      </EmptyState>
    );
  }
  return (
    <div className="metrics">
      {(all.titles.length > MANY || all.singles.length > MANY || found.length > MANY) && (
        <div className="metric-filters">
          <Filter label="Filter metrics" text={text} onChange={setText} />
          {found.length > MANY && <Filter label={`Filter ${unit}`} text={step} onChange={setStep} />}
          <span className="faint" role="status">
            {found.length > 1 && `${found.length.toLocaleString("en")} ${unit} measured something`}
          </span>
        </div>
      )}
      {!titles.length && !singles.length && <p className="quiet">Nothing that was measured is called so.</p>}
      {singles.length > 0 && <Singles singles={singles} />}
      <div className="metric-charts">
        {titles.map((one) => (
          <InView key={one.title}>
            <Drawn titled={one} isLive={isLive} unit={unit} />
          </InView>
        ))}
      </div>
    </div>
  );
}

function Filter({ label, text, onChange }: { label: string; text: string; onChange: (text: string) => void }) {
  return (
    <Input
      aria-label={label}
      placeholder={label}
      type="search"
      value={text}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

function Singles({ singles }: { singles: readonly Single[] }) {
  return (
    <div className="metric-singles" data-long={singles.length > 12 || undefined}>
      <LongTable
        label="Single values"
        columns={2}
        head={
          <>
            <th>Metric</th>
            <th className="number">Value</th>
          </>
        }
        rows={singles}
        keyOf={(one) => `${one.task}\0${one.title}\0${one.series}`}
        cells={(one) => (
          <>
            <td>
              {one.name && <span className="faint">{one.name} · </span>}
              {one.title === one.series ? one.title : `${one.title} / ${one.series}`}
            </td>
            <td className="number">{numberText(one.value)}</td>
          </>
        )}
      />
    </div>
  );
}

function Drawn({ titled, isLive, unit }: { titled: Titled; isLive: boolean; unit: string }) {
  const { title, tasks, counts } = titled;
  const count = counts.reduce((sum, one) => sum + one, 0);
  const drawn = useMemo(() => tasks.slice(0, MOST_DRAWN), [tasks]);
  return (
    <Suspense fallback={<Skeleton rows={4} />}>
      <Chart title={title} tasks={drawn} count={count} isLive={isLive} />
      {tasks.length > drawn.length && (
        <p className="metric-more faint">
          The first {MOST_DRAWN} of {tasks.length.toLocaleString("en")} {unit} are drawn: filter them to see others.
        </p>
      )}
    </Suspense>
  );
}

/** What is made only once it comes near the part that is seen: a chart fetches its points. */
function InView({ children }: { children: React.ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const observer = new IntersectionObserver(
      ([one]) => {
        if (!one?.isIntersecting) return;
        setSeen(true);
        observer.disconnect();
      },
      { rootMargin: "300px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={place} className="metric-place" data-empty={!seen || undefined}>
      {seen && children}
    </div>
  );
}
