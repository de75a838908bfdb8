import "./logs.css";
import { ArrowDownToLine, ChevronDown, ChevronUp, Download, Search } from "lucide-react";
import {
  Fragment,
  memo,
  useCallback,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { call } from "../../api/call";
import { Button, IconButton } from "../../components/Button";
import { Select } from "../../components/Field";
import { CopyButton, EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { pieces, plain } from "../../logs/ansi";
import { type Level, levelOf } from "../../logs/levels";
import { type LogLine, placeIn, window as windowOf } from "../../logs/lines";
import { ConsoleReader } from "../../logs/reader";
import { save } from "./save";

const LINE = 18; // pixels; every line has this height, so that a million of them need no measuring
const EACH = 1_000; // milliseconds between two looks for new lines
const LONGEST = 4_000; // characters of a line that are drawn

export interface LogViewerProps {
  task: string;
  /** Whether it is a run, with all that its steps print. */
  wholeRun?: boolean;
  /** Whether more may come. */
  isLive: boolean;
  /** Names of the tasks whose lines are merged. */
  nameOf?: (task: string) => string;
  /** The line that the address names. */
  line?: string | undefined;
  onLine: (line: string | undefined) => void;
  /** What a file of it is called. */
  file: string;
}

/** A console: only the lines in view are elements; the rest is text that is searched and filtered. */
export function LogViewer(props: LogViewerProps) {
  const { task, wholeRun = false, isLive, nameOf, line, onLine, file } = props;
  const reader = useReader(task, wholeRun, isLive, line);
  const [text, setText] = useState("");
  const [level, setLevel] = useState<Level | "">("");
  const [follows, setFollows] = useState(line === undefined);
  const [showsTime, setShowsTime] = useState(false);
  const wanted = useDeferredValue(text);
  const { version, lines } = reader;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the lines change in place; the version counts that
  const shown = useMemo(() => (level === "" ? null : lines.atLeast(level)), [lines, level, version]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  const found = useMemo(() => lines.find(wanted), [lines, wanted, version]);
  const [hit, setHit] = useState(0);
  const view = useRef<LinesControl>(null);

  const step = (by: number): void => {
    if (!found.length) return;
    const next = (hit + by + found.length) % found.length;
    setHit(next);
    setFollows(false);
    view.current?.show(found[next] ?? 0);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is looked for moves the view, not new lines
  useEffect(() => {
    setHit(0);
    if (wanted && found.length) {
      setFollows(false);
      view.current?.show(found[0] ?? 0);
    }
  }, [wanted]);

  return (
    <div className="logs">
      <div className="tab-tools">
        <label className="graph-search">
          <Search aria-hidden="true" />
          <span className="unseen">Search in the console</span>
          <input
            className="input"
            type="search"
            placeholder="Search"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => event.key === "Enter" && step(event.shiftKey ? -1 : 1)}
          />
        </label>
        {text && (
          <>
            <span className="faint" role="status">
              {found.length ? `${hit + 1} of ${found.length.toLocaleString("en")}` : "nothing found"}
            </span>
            <IconButton label="Previous match" icon={<ChevronUp />} onClick={() => step(-1)} />
            <IconButton label="Next match" icon={<ChevronDown />} onClick={() => step(1)} />
          </>
        )}
        <Select aria-label="Level" value={level} onChange={(event) => setLevel(event.target.value as Level | "")}>
          <option value="">All lines</option>
          <option value="info">Info and graver</option>
          <option value="warning">Warnings and errors</option>
          <option value="error">Errors</option>
        </Select>
        <button type="button" className="toggle" aria-pressed={showsTime} onClick={() => setShowsTime(!showsTime)}>
          Time
        </button>
        <button type="button" className="toggle" aria-pressed={follows} onClick={() => setFollows(!follows)}>
          Follow
        </button>
        <span className="logs-count faint">
          {lines.length.toLocaleString("en")} {lines.length === 1 ? "line" : "lines"}
          {lines.hasOlder && ", older ones above"}
        </span>
        <CopyButton text={() => lines.text()} what="Copy the lines that are loaded" />
        <IconButton
          label="Save the lines that are loaded"
          icon={<Download />}
          onClick={() => save(`${file}.log`, lines.text())}
        />
      </div>
      {reader.error !== null && <ErrorNote error={reader.error} again={() => void reader.start()} />}
      {reader.isNew && <Skeleton rows={10} />}
      {!reader.isNew && lines.length === 0 && reader.error === null && (
        <EmptyState title="No output yet">
          {isLive ? "Lines appear here as they are printed." : "Nothing was printed."}
        </EmptyState>
      )}
      {lines.length > 0 && (
        <Lines
          reader={reader}
          control={view}
          shown={shown}
          version={version}
          text={wanted}
          hit={found[hit]}
          follows={follows}
          setFollows={setFollows}
          showsTime={showsTime}
          nameOf={wholeRun ? nameOf : undefined}
          marked={line}
          onLine={onLine}
        />
      )}
    </div>
  );
}

function useReader(task: string, wholeRun: boolean, isLive: boolean, line: string | undefined): ConsoleReader {
  const first = useRef(line);
  const reader = useMemo(
    () =>
      new ConsoleReader(async (range) => {
        const chunks = await call("ReadConsole", { task, whole_run: wholeRun, ...range });
        return chunks as unknown as Awaited<ReturnType<ConstructorParameters<typeof ConsoleReader>[0]>>;
      }),
    [task, wholeRun],
  );
  useEffect(() => {
    void reader.start(placeIn(first.current)?.chunk);
  }, [reader]);
  useEffect(() => {
    const look = (): void => {
      if (!document.hidden && !reader.lines.hasNewer) void reader.newer();
    };
    if (!isLive) {
      const last = setTimeout(look, EACH); // what was printed last may arrive after the status
      return () => clearTimeout(last);
    }
    const timer = setInterval(look, EACH);
    return () => clearInterval(timer);
  }, [reader, isLive]);
  useSyncExternalStore(reader.subscribe, () => reader.version);
  return reader;
}

interface LinesControl {
  show: (index: number) => void;
}

interface LinesProps {
  reader: ConsoleReader;
  control: React.RefObject<LinesControl | null>;
  /** Numbers of the lines that are shown; null for all. */
  shown: number[] | null;
  version: number;
  text: string;
  hit: number | undefined;
  follows: boolean;
  setFollows: (follows: boolean) => void;
  showsTime: boolean;
  nameOf: ((task: string) => string) | undefined;
  marked: string | undefined;
  onLine: (line: string | undefined) => void;
}

function Lines(props: LinesProps) {
  const { reader, control, shown, version, text, hit, follows, setFollows, showsTime, nameOf, marked, onLine } = props;
  const { lines } = reader;
  const scroller = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ top: 0, height: 600 });
  const count = shown?.length ?? lines.length;
  const rowOf = useCallback((index: number) => (shown ? shown.findIndex((one) => one >= index) : index), [shown]);

  useEffect(() => {
    control.current = {
      show(index) {
        const element = scroller.current;
        const row = rowOf(index);
        if (element && row >= 0) element.scrollTop = Math.max(0, row * LINE - element.clientHeight / 2);
      },
    };
  }, [control, rowOf]);

  // What is read stays where it is when older lines come or go above it.
  const before = useRef(version);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || before.current === version) return;
    before.current = version;
    if (follows) element.scrollTop = element.scrollHeight;
    else if (reader.shift !== 0 && !shown) element.scrollTop += reader.shift * LINE;
  }, [version, follows, reader, shown]);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && follows) element.scrollTop = element.scrollHeight;
  }, [follows]);

  // The line that the address names is shown once it is there.
  const first = useRef(marked);
  useLayoutEffect(() => {
    const wanted = placeIn(first.current);
    if (!wanted) return;
    const index = lines.indexOf(wanted.chunk, wanted.line);
    if (index === null) return;
    first.current = undefined;
    control.current?.show(index);
  });

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setPlace((one) => ({ ...one, height: element.clientHeight })));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const scrolled = (): void => {
    const element = scroller.current;
    if (!element) return;
    const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - LINE;
    if (follows && !atEnd && element.scrollTop < place.top - 2) setFollows(false);
    setPlace({ top: element.scrollTop, height: element.clientHeight });
    if (element.scrollTop < 40 * LINE) void reader.older();
    if (atEnd && lines.hasNewer) void reader.newer();
  };

  const [from, to] = windowOf(place.top, place.height, LINE, count);
  const rows = Array.from({ length: to - from }, (_, offset) => shown?.[from + offset] ?? from + offset);
  return (
    <div className="logs-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="logs-lines mono" ref={scroller} onScroll={scrolled} tabIndex={0} aria-label="Console">
        <div style={{ height: count * LINE }}>
          <div className="logs-window" style={{ transform: `translateY(${from * LINE}px)` }}>
            {rows.map((index, offset) => {
              const one = lines.at(index);
              if (!one) return null;
              const name = `${one.chunk}.${one.line}`;
              const previous = lines.at(rows[offset - 1] ?? -1);
              const who = nameOf?.(one.task);
              return (
                <LineView
                  key={name}
                  line={one}
                  text={text}
                  isHit={index === hit}
                  isMarked={name === marked}
                  showsTime={showsTime}
                  who={who}
                  repeats={previous?.task === one.task}
                  onLine={onLine}
                />
              );
            })}
          </div>
        </div>
      </section>
      {!follows && (
        <Button className="logs-down" small icon={<ArrowDownToLine />} onClick={() => setFollows(true)}>
          To the end
        </Button>
      )}
    </div>
  );
}

interface LineViewProps {
  line: LogLine;
  text: string;
  isHit: boolean;
  isMarked: boolean;
  showsTime: boolean;
  who: string | undefined;
  repeats: boolean;
  onLine: (line: string | undefined) => void;
}

const LineView = memo(function LineView(props: LineViewProps) {
  const { line, text, isHit, isMarked, showsTime, who, repeats, onLine } = props;
  const name = `${line.chunk}.${line.line}`;
  const cut = line.text.length > LONGEST;
  const level = levelOf(plain(line.text.slice(0, 200)));
  return (
    <div
      className="log-line"
      data-level={level ?? undefined}
      data-stream={line.stream}
      data-hit={isHit || undefined}
      data-marked={isMarked || undefined}
    >
      <button
        type="button"
        className="log-link"
        tabIndex={-1}
        aria-label={`Link to line ${name}`}
        onClick={() => onLine(isMarked ? undefined : name)}
      />
      {showsTime && <time className="faint">{new Date(line.at * 1_000).toLocaleTimeString("en-GB")} </time>}
      {who !== undefined && (
        <span className="log-who" title={who} data-repeats={repeats || undefined}>
          {who}
        </span>
      )}
      <span className="log-text">
        {pieces(cut ? line.text.slice(0, LONGEST) : line.text).map((piece, index) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other name
            key={index}
            className={piece.classes.join(" ") || undefined}
            style={piece.colour || piece.ground ? { color: piece.colour, backgroundColor: piece.ground } : undefined}
          >
            <Marked text={piece.text} wanted={text} />
          </span>
        ))}
        {cut && <span className="faint"> … {(line.text.length - LONGEST).toLocaleString("en")} more characters</span>}
      </span>
    </div>
  );
});

/** A text with what is looked for marked. */
function Marked({ text, wanted }: { text: string; wanted: string }) {
  if (!wanted) return text;
  const parts: string[] = [];
  const lower = text.toLowerCase();
  const search = wanted.toLowerCase();
  let at = 0;
  for (let next = lower.indexOf(search); next >= 0; next = lower.indexOf(search, at)) {
    parts.push(text.slice(at, next), text.slice(next, next + search.length));
    at = next + search.length;
  }
  parts.push(text.slice(at));
  return parts.map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other name
    index % 2 ? <mark key={index}>{part}</mark> : <Fragment key={index}>{part}</Fragment>,
  );
}
