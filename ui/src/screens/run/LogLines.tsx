import { ArrowDownToLine } from "lucide-react";
import { Fragment, memo, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Button } from "../../components/Button";
import { pieces, plain } from "../../logs/ansi";
import { levelOf } from "../../logs/levels";
import { type LogLine, placeIn, window as windowOf } from "../../logs/lines";
import type { ConsoleReader } from "../../logs/reader";
import type { Place } from "../../logs/search";

const LINE = 18; // pixels; every line has this height, so that a million of them need no measuring
const LONGEST = 4_000; // characters of a line that are drawn

export interface LinesControl {
  /** Bring a line into view; what is around it is read first where it is not here. */
  show: (place: Place) => void;
}

interface LinesProps {
  reader: ConsoleReader;
  control: React.RefObject<LinesControl | null>;
  /** Numbers of the lines that are shown; null for all. */
  shown: number[] | null;
  version: number;
  text: string;
  /** The line that the search has come to, as links name it. */
  hit: string | undefined;
  follows: boolean;
  setFollows: (follows: boolean) => void;
  showsTime: boolean;
  nameOf: ((task: string) => string) | undefined;
  marked: string | undefined;
  onLine: (line: string | undefined) => void;
}

/** The lines of a console: only those in view are elements. */
export function Lines(props: LinesProps) {
  const { reader, control, shown, version, text, hit, follows, setFollows, showsTime, nameOf, marked, onLine } = props;
  const { lines } = reader;
  const scroller = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ top: 0, height: 600 });
  const count = shown?.length ?? lines.length;
  const rowOf = useCallback((index: number) => (shown ? shown.findIndex((one) => one >= index) : index), [shown]);

  // The line that the address names, or the search has come to, is shown once it is here.
  const due = useRef(placeIn(marked));
  const bring = useCallback((): void => {
    const element = scroller.current;
    const index = due.current && lines.indexOf(due.current.chunk, due.current.line);
    if (!element || index === null) return;
    due.current = null;
    const row = rowOf(index);
    if (row >= 0) element.scrollTop = Math.max(0, row * LINE - element.clientHeight / 2);
  }, [lines, rowOf]);
  useEffect(() => {
    control.current = {
      show(place) {
        due.current = place;
        if (lines.indexOf(place.chunk, place.line) === null) void reader.start(place.chunk);
        else bring();
      },
    };
  }, [control, reader, lines, bring]);

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

  useLayoutEffect(bring);

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
                  isHit={name === hit}
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
