import { forwardRef, useEffect, useImperativeHandle, useMemo, useRef } from "react";
import { clockNow } from "../../components/clock";
import { lookOf } from "../../components/status";
import { durationText } from "../../components/time";
import type { Grouping } from "../../graph/group";
import { laid } from "../../graph/laid";
import type { Words } from "../../graph/nodes";
import type { Look, Palette } from "../../graph/paint";
import { GraphView } from "../../graph/render";
import { type Box, planned, type Scene, sceneOf, statusOf } from "../../graph/scene";
import { BY_URGENCY, counted, type GraphStep, type StepStatus, seconds } from "../../graph/steps";
import { useTheme } from "../../theme";
import type { GraphControl } from "./GraphTab";

export interface GraphCanvasProps {
  steps: readonly GraphStep[];
  grouping: Grouping;
  onOpen: (key: string) => void;
  chosen?: string | undefined;
  onChoose: (step: string) => void;
  /** The only steps that are not drawn faintly; null for all. */
  focused: ReadonlySet<string> | null;
  critical: ReadonlySet<string>;
  matches: ReadonlySet<string> | null;
  isLive: boolean;
  onTick: (heard: () => void) => () => void;
  onError: (error: unknown) => void;
}

/** The graph itself. React gives it its place; what is in it is drawn by `graph/render`. */
export const GraphCanvas = forwardRef<GraphControl, GraphCanvasProps>(function GraphCanvas(props, ref) {
  const { steps, grouping, chosen, isLive, onTick, onError } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<GraphView>(null);
  const scene = useRef<Scene>(null);
  const latest = useRef(props);
  latest.current = props;
  const { shown: theme } = useTheme();

  useImperativeHandle(ref, () => ({
    fit: () => view.current?.fit(),
    zoom: (factor) => view.current?.zoom(factor),
    go: (step) => go(view.current, scene.current, latest.current.steps, step),
  }));

  useEffect(() => {
    if (!host.current) return;
    const look = (box: Box) => lookFor(latest.current, box);
    const words = (box: Box) => wordsFor(latest.current.steps, box);
    const onChoose = (box: Box) => choose(latest.current, box);
    const made = new GraphView(host.current, paletteOf(host.current), { look, words, onChoose });
    view.current = made;
    if (scene.current) made.show(scene.current);
    return () => {
      made.destroy();
      view.current = null;
    };
  }, []);

  const structure = useStructure(steps, grouping);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new layout only for a new structure, not for statuses
  useEffect(() => {
    const over = new AbortController();
    const plan = planned(steps, grouping);
    laid(plan.input, over.signal).then(
      (layout) => {
        if (over.signal.aborted) return;
        scene.current = sceneOf(steps, plan, layout);
        view.current?.show(scene.current);
        if (latest.current.chosen) go(view.current, scene.current, latest.current.steps, latest.current.chosen, false);
      },
      (error: unknown) => {
        if (!over.signal.aborted) onError(error);
      },
    );
    return () => over.abort();
  }, [structure, onError]);

  useEffect(() => {
    if (host.current) view.current?.paintWith(paletteOf(host.current));
    void theme;
  }, [theme]);
  const { focused, critical, matches } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each of these changes what boxes look like
  useEffect(() => {
    view.current?.refresh();
  }, [steps, focused, critical, matches]);
  useEffect(() => {
    if (chosen) go(view.current, scene.current, latest.current.steps, chosen, false);
    else view.current?.leave();
  }, [chosen]);
  useEffect(() => (isLive ? onTick(() => view.current?.refresh()) : undefined), [isLive, onTick]);

  return (
    <div className="graph-frame">
      <p id="graph-help" className="unseen">
        Arrow keys walk along the lines, Enter opens a step, F fits the graph, plus and minus zoom. The button As a list
        shows the same steps as a list.
      </p>
      <div
        ref={host}
        className="graph"
        role="group"
        aria-label={`Graph of ${steps.length} steps`}
        aria-describedby="graph-help"
      />
    </div>
  );
});

/** Return what changes when the graph has to be laid out anew. */
function useStructure(steps: readonly GraphStep[], grouping: Grouping): string {
  return useMemo(
    () =>
      JSON.stringify([
        steps.map(({ name, parents, stage, code }) => [name, parents, stage, code]),
        grouping.stages,
        [...grouping.open],
      ]),
    [steps, grouping],
  );
}

function go(view: GraphView | null, scene: Scene | null, steps: readonly GraphStep[], step: string, near = true): void {
  const index = steps.findIndex((one) => one.name === step);
  const key = scene?.boxOf[index];
  if (key !== undefined) view?.go(key, { near });
}

function choose(props: GraphCanvasProps, box: Box): void {
  if (box.kind === "step" || box.kind === "cell") props.onChoose(box.key);
  else props.onOpen(box.key);
}

function lookFor({ steps, focused, critical, matches }: GraphCanvasProps, box: Box): Look {
  const names = box.members.map((member) => steps[member]?.name ?? "");
  const some = (set: ReadonlySet<string>) => names.some((name) => set.has(name));
  return {
    status: safeStatus(steps, box),
    dim: (focused !== null && !some(focused)) || (matches !== null && matches.size > 0 && !some(matches)),
    critical: some(critical),
    match: matches !== null && some(matches),
  };
}

/** Steps may be fewer than the scene shows until the next layout is there. */
function safeStatus(steps: readonly GraphStep[], box: Box): StepStatus {
  return box.members.every((member) => member < steps.length) ? statusOf(steps, box) : "pending";
}

function wordsFor(steps: readonly GraphStep[], box: Box): Words {
  const status = safeStatus(steps, box);
  const look = lookOf(status);
  const members = box.members.filter((member) => member < steps.length);
  const single = members.length === 1 ? steps[members[0] ?? 0] : undefined;
  if (single && box.kind !== "frame") {
    const took = seconds(single, clockNow());
    const again = single.attempt > 1 ? `↻${single.attempt - 1}` : "";
    const time = took === null || status === "cached" || status === "skipped" ? "" : durationText(took);
    return {
      name: shortened(box.label),
      status: look.word,
      glyph: look.glyph,
      note: [again, time].filter(Boolean).join(" "),
      shares: [],
    };
  }
  const counts = counted(steps, members);
  const shares = BY_URGENCY.flatMap((one) => {
    const count = counts.get(one);
    return count ? [[one, count / members.length] as [string, number]] : [];
  });
  const done = (counts.get("completed") ?? 0) + (counts.get("cached") ?? 0);
  const bad = counts.get("failed");
  const note = `${done}/${members.length} done${bad ? `, ${bad} failed` : ""}`;
  const name = `${shortened(box.label)} ×${members.length}`;
  return { name, status: look.word, glyph: box.kind === "frame" ? "▾" : look.glyph, note, shares };
}

/** Return a name cut in its middle: its end tells it from its neighbours. */
export function shortened(name: string, most = 24): string {
  if (name.length <= most) return name;
  const tail = Math.floor(most / 2) - 1;
  return `${name.slice(0, most - tail - 1)}…${name.slice(-tail)}`;
}

function paletteOf(element: HTMLElement): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const [queued, running, completed] = [colour("--queued"), colour("--running"), colour("--completed")];
  const [failed, aborted] = [colour("--failed"), colour("--aborted")];
  const status = { pending: queued, queued, running, completed, cached: completed, failed, aborted, skipped: queued };
  return {
    line: colour("--line-strong"),
    hot: colour("--focus"),
    critical: colour("--ink-2"),
    ground: colour("--surface"),
    ink: colour("--ink"),
    status,
  };
}
