import "uplot/dist/uPlot.min.css";
import { keepPreviousData, useQueries } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { opQuery } from "../../api/queries";
import { useTheme } from "../../theme";
import type { Recorder } from "./records";
import { aligned, type Line, numberText } from "./series";

const AGAIN = 3_000;
const POINTS = 2_000; // of each line: more than there are pixels to draw them in
const HEIGHT = 220;
/** So far apart in hue and lightness that ten lines can be told from each other; dashes tell the next ten. */
const COLOURS = {
  light: ["#1972e9", "#a81900", "#006046", "#8a2a9e", "#9b6d36", "#00616f", "#c2185b", "#4f5865", "#5b7a00", "#3d2fb0"],
  dark: ["#a2bcff", "#f0684a", "#74fed9", "#e3a3f5", "#eec93c", "#7fe3f2", "#ff8ab8", "#b0b8c3", "#c3e05a", "#b9aaff"],
};

/** One chart: all series of a title, of one task or of several. Drag to zoom, double-click to see all again. */
export function Chart(props: { title: string; tasks: readonly Recorder[]; count: number; isLive: boolean }) {
  const { title, tasks, count, isLive } = props;
  const place = useRef<HTMLDivElement>(null);
  const [log, setLog] = useState(false);
  const { shown: theme } = useTheme();
  const answers = useQueries({
    queries: tasks.map((task) => ({
      ...opQuery("GetScalars", { task: task.id, titles: [title], max_points: POINTS }),
      refetchInterval: isLive ? AGAIN : (false as const),
      placeholderData: keepPreviousData,
    })),
  });
  const stamp = answers.map((one) => one.dataUpdatedAt).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the answers are new each time; the stamp says when they are
  const lines = useMemo(
    () =>
      tasks.flatMap((task, index) =>
        (answers[index]?.data ?? []).map((series): Line => {
          const label = [task.name, series.series].filter(Boolean).join(" · ");
          return { label, points: series.points as unknown as Line["points"] };
        }),
      ),
    [tasks, stamp],
  );
  const labels = lines.map(({ label }) => label).join("\0");
  const chart = useRef<uPlot>(null);
  const data = useMemo(() => aligned(lines) as unknown as uPlot.AlignedData, [lines]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another chart only for other lines, not for more points
  useEffect(() => {
    const element = place.current;
    if (!element || !lines.length) return;
    const made = new uPlot(optionsFor(element, lines, log, theme), data, element);
    made.root.querySelector(".u-legend")?.setAttribute("tabindex", "0"); // what scrolls has to be reached by keyboard
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [labels, log, theme]);
  useEffect(() => {
    chart.current?.setData(data);
  }, [data]);

  return (
    <figure className="chart" aria-label={title}>
      <figcaption>
        <h3 className="cut" title={title}>
          {title}
        </h3>
        <span className="faint">{count.toLocaleString("en")} points</span>
        <button type="button" className="toggle" aria-pressed={log} onClick={() => setLog(!log)}>
          log
        </button>
      </figcaption>
      <div ref={place} className="chart-place" />
      <ul className="unseen">
        {lines.map((line) => (
          <li key={line.label}>
            {line.label}: last value {numberText(line.points.at(-1)?.[1])}
          </li>
        ))}
      </ul>
    </figure>
  );
}

function optionsFor(
  element: HTMLElement,
  lines: readonly Line[],
  log: boolean,
  theme: "light" | "dark",
): uPlot.Options {
  const style = getComputedStyle(element);
  const ink = style.getPropertyValue("--ink-3").trim();
  const grid = { stroke: style.getPropertyValue("--line-soft").trim(), width: 1 };
  const font = `11px ${style.fontFamily}`;
  const axis: uPlot.Axis = { stroke: ink, grid, ticks: grid, font };
  const colours = COLOURS[theme];
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    scales: { x: { time: false }, y: log ? { distr: 3 } : {} },
    axes: [axis, { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => numberText(tick)) }],
    cursor: { drag: { x: true, y: false }, points: { size: 6 } },
    legend: { live: true, show: lines.length <= 30 },
    series: [
      { label: "iteration" },
      ...lines.map(
        (line, index): uPlot.Series => ({
          label: line.label,
          stroke: colours[index % colours.length] ?? ink,
          width: 1.5,
          ...(index >= colours.length && { dash: [6, 4] }),
          points: { show: line.points.length < 40 },
          value: (_, value) => numberText(value),
        }),
      ),
    ],
  };
}
