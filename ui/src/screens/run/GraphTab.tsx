import "./graph.css";
import { Maximize2, Minus, Plus, Search } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { Button, IconButton } from "../../components/Button";
import { clockNow, onTick } from "../../components/clock";
import { lookOf } from "../../components/status";
import { ErrorNote } from "../../components/Text";
import type { Grouping } from "../../graph/group";
import { without } from "../../graph/hide";
import { criticalPath, failurePath } from "../../graph/paths";
import { GraphCanvas } from "./GraphCanvas";
import { StepList } from "./StepList";
import { isLive } from "./steps";
import { useNarrow } from "./use";
import type { RunView } from "./view";

const DONE = new Set(["completed", "cached"]);

/** The graph of a run with its tools. On a narrow screen it is the same as a list. */
export function GraphTab({
  view,
  chosen,
  onChoose,
}: {
  view: RunView;
  chosen?: string;
  onChoose: (step: string) => void;
}) {
  const all = view.steps;
  const [text, setText] = useState("");
  const [found, setFound] = useState(0);
  const [focus, setFocus] = useState(false);
  const [critical, setCritical] = useState(true);
  const [hides, setHides] = useState(false);
  const [grouping, setGrouping] = useState<Grouping>({ stages: false, open: new Set() });
  const [asList, setAsList] = useState(false);
  const isNarrow = useNarrow();
  const isList = asList || isNarrow;
  const [error, setError] = useState<unknown>(null);
  const control = useRef<GraphControl>(null);

  const steps = useMemo(() => (hides ? without(all, (step) => DONE.has(step.status)) : all), [all, hides]);
  const failed = useMemo(() => failurePath(steps), [steps]);
  const path = useMemo(() => new Set(critical ? criticalPath(steps, clockNow()) : []), [steps, critical]);
  const matches = useMemo(
    () =>
      matching(
        steps.map(({ name }) => name),
        text,
      ),
    [steps, text],
  );
  const listed = useMemo(() => {
    const found = new Set(matches);
    return steps.filter(({ name }) => (!focus || failed.has(name)) && (!text || found.has(name)));
  }, [steps, focus, failed, text, matches]);
  const counts = useMemo(() => countsOf(all.map(({ status }) => status)), [all]);
  const hasStages = all.some(({ stage }) => stage);

  const search = (event: KeyboardEvent): void => {
    if (event.key === "Escape") setText("");
    if (event.key !== "Enter" || !matches.length) return;
    const next = (found + (event.shiftKey ? matches.length - 1 : 1)) % matches.length;
    setFound(next);
    control.current?.go(matches[next] ?? "");
  };
  useEffect(() => {
    setFound(0);
    if (text && matches[0]) control.current?.go(matches[0]);
  }, [matches, text]);

  return (
    <div className="graph-tab">
      <div className="graph-tools">
        <label className="graph-search">
          <Search aria-hidden="true" />
          <span className="unseen">Find step</span>
          <input
            className="input"
            type="search"
            placeholder="Find step"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={search}
          />
          {text && <span className="faint">{matches.length ? `${found + 1}/${matches.length}` : "none"}</span>}
        </label>
        {failed.size > 0 && (
          <Toggle on={focus} onChange={setFocus}>
            Failure path
          </Toggle>
        )}
        <Toggle ofGraph on={critical} onChange={setCritical}>
          Critical path
        </Toggle>
        <Toggle on={hides} onChange={setHides}>
          Hide done
        </Toggle>
        {hasStages && (
          <Toggle
            ofGraph
            on={grouping.stages}
            onChange={(stages) => setGrouping({ ...grouping, stages, open: new Set() })}
          >
            Stages as one
          </Toggle>
        )}
        {grouping.open.size > 0 && (
          <Button small look="plain" onClick={() => setGrouping({ ...grouping, open: new Set() })}>
            Close groups
          </Button>
        )}
        <Toggle ofGraph on={asList} onChange={setAsList}>
          As a list
        </Toggle>
        <ul className="graph-legend" aria-label="Steps by status">
          {[...counts].map(([status, count]) => (
            <li key={status} data-hue={lookOf(status).hue}>
              <span className="legend-glyph" aria-hidden="true">
                {lookOf(status).glyph}
              </span>
              {count.toLocaleString("en")} {lookOf(status).word.toLowerCase()}
            </li>
          ))}
        </ul>
        {!isList && (
          <div className="graph-zoom">
            <IconButton label="Smaller" icon={<Minus />} onClick={() => control.current?.zoom(0.8)} />
            <IconButton label="Larger" icon={<Plus />} onClick={() => control.current?.zoom(1.25)} />
            <Button small look="plain" icon={<Maximize2 />} onClick={() => control.current?.fit()}>
              Fit
            </Button>
          </div>
        )}
      </div>
      {error !== null && <ErrorNote error={error} />}
      <div className="graph-body">
        {!isList && (
          <GraphCanvas
            ref={control}
            steps={steps}
            grouping={grouping}
            onOpen={(key) => setGrouping((before) => ({ ...before, open: flipped(before.open, key) }))}
            chosen={chosen}
            onChoose={onChoose}
            focused={focus ? failed : null}
            critical={path}
            matches={text ? new Set(matches) : null}
            isLive={isLive(view)}
            onTick={onTick}
            onError={setError}
          />
        )}
        {isList && (
          <div className="graph-list">
            <StepList isLive={isLive(view)} steps={listed} chosen={chosen} onChoose={onChoose} indent />
          </div>
        )}
      </div>
    </div>
  );
}

export interface GraphControl {
  fit: () => void;
  zoom: (factor: number) => void;
  go: (step: string) => void;
}

function Toggle(props: {
  on: boolean;
  onChange: (on: boolean) => void;
  /** Says nothing where the graph is a list. */
  ofGraph?: boolean;
  children: string;
}) {
  const { on, onChange, ofGraph, children } = props;
  return (
    <button
      type="button"
      className={ofGraph ? "toggle of-graph" : "toggle"}
      aria-pressed={on}
      onClick={() => onChange(!on)}
    >
      {children}
    </button>
  );
}

/** Return the names that hold all words of a text, in any order. */
function matching(names: readonly string[], text: string): string[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length ? names.filter((name) => words.every((word) => name.toLowerCase().includes(word))) : [];
}

function countsOf(statuses: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
}

function flipped(keys: ReadonlySet<string>, key: string): Set<string> {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next;
}
