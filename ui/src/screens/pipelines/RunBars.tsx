import { useNavigate } from "@tanstack/react-router";
import type { Answer } from "../../api/call";
import { lookOf } from "../../components/status";
import { agoText, durationText } from "../../components/time";

type Bar = Answer<"ListPipelines">["rows"][number]["runs"][number];

const MOST = 20;
const WIDTH = 8; // of one bar with its gap
const HEIGHT = 26;
const LEAST = 5;

/** The newest runs of a pipeline as bars: the newest at the right, each as high as they took long, in the hue of how they ended. */
export function RunBars({ runs }: { runs: readonly Bar[] }) {
  const navigate = useNavigate();
  const took = (one: Bar): number => (one.started ? Math.max(0, (one.ended ?? Date.now() / 1_000) - one.started) : 0);
  const longest = Math.max(...runs.map(took), 0.001);
  const counts = new Map<string, number>();
  for (const one of runs) {
    const word = lookOf(one.status).word.toLowerCase();
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const words = [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
  const now = Date.now() / 1_000;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a shortcut for who points; the runs are a link away by keyboard
    <svg
      className="run-bars"
      role="img"
      aria-label={`Last runs: ${words}`}
      width={MOST * WIDTH}
      height={HEIGHT}
      onClick={(event) => {
        const run = event.target instanceof Element ? event.target.getAttribute("data-id") : null;
        if (run) void navigate({ to: "/runs/$run", params: { run } });
      }}
    >
      {runs.map((one, index) => {
        const look = lookOf(one.status);
        const height = Math.round(LEAST + (HEIGHT - LEAST) * Math.sqrt(took(one) / longest));
        const x = (runs.length - 1 - index) * WIDTH;
        return (
          <g key={one.id} data-hue={look.hue}>
            <rect x={x} y={HEIGHT - height} width={WIDTH - 2} height={height} rx={1.5} />
            {look.hue === "failed" && <path d={`M${x + 1} ${HEIGHT - 5}l4 4m0-4l-4 4`} />}
            <rect className="run-bar-target" data-id={one.id} x={x} y={0} width={WIDTH} height={HEIGHT}>
              <title>
                {`${look.glyph} ${one.number ? `#${one.number} ` : ""}${look.word}, ${durationText(took(one))}, ${agoText(one.created, now)}`}
              </title>
            </rect>
          </g>
        );
      })}
    </svg>
  );
}
