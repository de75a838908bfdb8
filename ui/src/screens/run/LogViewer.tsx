import "./logs.css";
import { ChevronDown, ChevronUp, Download, Search } from "lucide-react";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { call } from "../../api/call";
import { IconButton } from "../../components/Button";
import { Select } from "../../components/Field";
import { EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { toastError } from "../../components/Toast";
import type { Level } from "../../logs/levels";
import { type Chunk, placeIn } from "../../logs/lines";
import { ConsoleReader, type Read, readAll } from "../../logs/reader";
import { ConsoleSearch, type Look } from "../../logs/search";
import { Lines, type LinesControl } from "./LogLines";
import { saved } from "./log-file";
import { save } from "./save";

const EACH = 1_000; // milliseconds between two looks for new lines
const SOON = 200; // milliseconds without a key after which the console is searched

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

/** A console: only the lines in view are elements, only some are here, and all of them are searched and saved. */
export function LogViewer(props: LogViewerProps) {
  const { task, wholeRun = false, isLive, nameOf, line, onLine, file } = props;
  const { reader, read } = useReader(task, wholeRun, isLive, line);
  const [level, setLevel] = useState<Level | "">("");
  const [follows, setFollows] = useState(line === undefined);
  const [showsTime, setShowsTime] = useState(false);
  const view = useRef<LinesControl>(null);
  const stay = useCallback(() => setFollows(false), []);
  const find = useFind({ task, wholeRun, isLive, view, stay });
  const { version, lines } = reader;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the lines change in place; the version counts that
  const shown = useMemo(() => (level === "" ? null : lines.atLeast(level)), [lines, level, version]);
  const follow = (wanted: boolean): void => {
    setFollows(wanted);
    if (wanted && lines.hasNewer) void reader.start();
  };

  return (
    <div className="logs">
      <div className="tab-tools">
        <FindBox find={find} />
        <Select aria-label="Level" value={level} onChange={(event) => setLevel(event.target.value as Level | "")}>
          <option value="">All lines</option>
          <option value="info">Info and graver</option>
          <option value="warning">Warnings and errors</option>
          <option value="error">Errors</option>
        </Select>
        <button type="button" className="toggle" aria-pressed={showsTime} onClick={() => setShowsTime(!showsTime)}>
          Time
        </button>
        <button type="button" className="toggle" aria-pressed={follows} onClick={() => follow(!follows)}>
          Follow
        </button>
        <span className="logs-count faint">{countText(lines)}</span>
        <SaveAll read={read} file={file} nameOf={wholeRun ? nameOf : undefined} withTime={showsTime} />
      </div>
      {reader.error !== null && <ErrorNote error={reader.error} again={() => void reader.start()} />}
      {find.error !== null && <ErrorNote error={find.error} again={find.again} />}
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
          text={find.wanted}
          hit={find.name}
          follows={follows}
          setFollows={follow}
          showsTime={showsTime}
          nameOf={wholeRun ? nameOf : undefined}
          marked={line}
          onLine={onLine}
        />
      )}
    </div>
  );
}

function countText(lines: ConsoleReader["lines"]): string {
  const count = lines.length.toLocaleString("en");
  if (lines.hasOlder || lines.hasNewer) {
    const where = !lines.hasNewer ? "above" : lines.hasOlder ? "above and below" : "below";
    return `${count} lines here, more ${where}`;
  }
  return lines.length === 1 ? "1 line" : `${count} lines`;
}

function useReader(task: string, wholeRun: boolean, isLive: boolean, line: string | undefined) {
  const first = useRef(line);
  const read = useCallback<Read>(
    async (range) => {
      const chunks = await call("ReadConsole", { task, whole_run: wholeRun, ...range });
      return chunks as unknown as readonly Chunk[];
    },
    [task, wholeRun],
  );
  const reader = useMemo(() => new ConsoleReader(read), [read]);
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
  return { reader, read };
}

interface Find {
  text: string;
  setText: (text: string) => void;
  /** What is looked for now: it follows the text when nobody types. */
  wanted: string;
  /** Where the search stands, in words; empty while nothing is looked for. */
  says: string;
  /** The place that it has come to, as links name it. */
  name: string | undefined;
  step: (by: number) => void;
  error: unknown;
  again: () => void;
}

/** Look for text in all of a console, and go from place to place. */
function useFind(props: {
  task: string;
  wholeRun: boolean;
  isLive: boolean;
  view: React.RefObject<LinesControl | null>;
  stay: () => void;
}): Find {
  const { task, wholeRun, isLive, view, stay } = props;
  const [text, setText] = useState("");
  const [hit, setHit] = useState(0);
  const search = useMemo(() => new ConsoleSearch(lookIn(task, wholeRun)), [task, wholeRun]);
  useSyncExternalStore(search.subscribe, () => search.version);
  const { places, text: wanted, isLooking } = search;
  useEffect(() => {
    if (text === search.text) return;
    const timer = setTimeout(() => void search.start(text), text ? SOON : 0);
    return () => clearTimeout(timer);
  }, [text, search]);
  useEffect(() => () => void search.start(""), [search]);
  useEffect(() => {
    if (!isLive || wanted === "") return;
    const timer = setInterval(() => !document.hidden && void search.more(), 2 * EACH);
    return () => clearInterval(timer);
  }, [search, isLive, wanted]);
  const show = (place: number): void => {
    const found = places[place];
    if (!found) return;
    setHit(place);
    stay();
    view.current?.show(found);
  };
  const isFound = places.length > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new text, and its first place, move the view
  useEffect(() => show(0), [wanted, isFound]);
  const total = `${places.length.toLocaleString("en")}${search.isFull || isLooking ? "+" : ""}`;
  const at = places[hit];
  return {
    text,
    setText,
    wanted,
    says: wanted && (isFound ? `${(hit + 1).toLocaleString("en")} of ${total}` : isLooking ? "looking…" : "not found"),
    name: at && `${at.chunk}.${at.line}`,
    step: (by) => show((hit + by + places.length) % Math.max(1, places.length)),
    error: search.error,
    again: () => void search.more(),
  };
}

function lookIn(task: string, wholeRun: boolean): Look {
  return async (text, after, signal) => {
    const found = await call("SearchConsole", { task, whole_run: wholeRun, text, after, limit: 1_000 }, signal);
    return { places: found.matches.map((one) => one.place), place: found.place, isOver: found.is_over };
  };
}

function FindBox({ find }: { find: Find }) {
  const keyed = (event: KeyboardEvent): void => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    find.step(event.shiftKey ? -1 : 1);
  };
  return (
    <>
      <label className="graph-search">
        <Search aria-hidden="true" />
        <span className="unseen">Search in the console</span>
        <input
          className="input"
          type="search"
          placeholder="Search"
          value={find.text}
          onChange={(event) => find.setText(event.target.value)}
          onKeyDown={keyed}
        />
      </label>
      {find.text && (
        <>
          <span className="logs-found faint" role="status">
            {find.says}
          </span>
          <IconButton label="Previous match" icon={<ChevronUp />} onClick={() => find.step(-1)} />
          <IconButton label="Next match" icon={<ChevronDown />} onClick={() => find.step(1)} />
        </>
      )}
    </>
  );
}

/** Saves all that was printed, whatever of it is here. */
function SaveAll(props: {
  read: Read;
  file: string;
  nameOf: ((task: string) => string) | undefined;
  withTime: boolean;
}) {
  const { read, file, nameOf, withTime } = props;
  const [count, setCount] = useState<number | null>(null);
  const go = async (): Promise<void> => {
    const parts: string[] = [];
    let lines = 0;
    setCount(0);
    try {
      for await (const chunks of readAll(read)) {
        for (const chunk of chunks) {
          parts.push(saved(chunk, nameOf?.(chunk.task), withTime));
          lines += chunk.lines.length;
        }
        setCount(lines);
      }
      save(file.endsWith(".log") ? file : `${file}.log`, parts);
    } catch (error) {
      toastError(error);
    }
    setCount(null);
  };
  return (
    <>
      {count !== null && count > 0 && (
        <span className="faint" role="status">
          {count.toLocaleString("en")} lines read
        </span>
      )}
      <IconButton label="Save the whole log" icon={<Download />} disabled={count !== null} onClick={() => void go()} />
    </>
  );
}
