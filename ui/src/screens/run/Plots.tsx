import "./metrics.css";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Schemas } from "../../api/call";
import { opQuery } from "../../api/queries";
import { Input } from "../../components/Field";
import { Table } from "../../components/Table";
import { EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { useTheme } from "../../theme";
import { imageOf, useBlob } from "./blobs";
import { figureOf, mediaOf, tableOf } from "./figures";
import { TextBlock } from "./TextBlock";

type Plot = Schemas["Plot"];
const AGAIN = 5_000;

/** The figures, tables, images and texts that a task reported: of each the newest, and the earlier ones by iteration. */
export function Plots({ task, isLive }: { task: string; isLive: boolean }) {
  const { data, error } = useQuery({ ...opQuery("ListPlots", { task }), refetchInterval: isLive ? AGAIN : false });
  const groups = useMemo(() => {
    const found = new Map<string, Plot[]>();
    for (const plot of data ?? []) {
      const name = plot.series && plot.series !== plot.title ? `${plot.title} / ${plot.series}` : plot.title;
      const known = found.get(name) ?? [];
      known.push(plot);
      found.set(name, known);
    }
    return [...found];
  }, [data]);
  if (error) return <ErrorNote error={error} />;
  if (!data) return <Skeleton rows={6} />;
  if (!groups.length)
    return <EmptyState title="No plots">Figures, tables and images that are reported appear here.</EmptyState>;
  return (
    <div className="plots">
      {groups.map(([name, plots]) => (
        <Group key={name} name={name} plots={plots.toSorted((a, b) => a.iteration - b.iteration)} />
      ))}
    </div>
  );
}

function Group({ name, plots }: { name: string; plots: Plot[] }) {
  const [place, setPlace] = useState<number | null>(null);
  const at = Math.min(place ?? plots.length - 1, plots.length - 1);
  const plot = plots[at];
  if (!plot) return null;
  return (
    <figure className="plot" aria-label={name}>
      <figcaption>
        <h3 className="cut" title={name}>
          {name}
        </h3>
        {plots.length > 1 && (
          <span className="plot-iteration">
            <span className="faint">iteration {plot.iteration}</span>
            <Input
              type="range"
              aria-label={`Iteration of ${name}`}
              min={0}
              max={plots.length - 1}
              value={at}
              onChange={(event) => setPlace(Number(event.target.value))}
            />
          </span>
        )}
      </figcaption>
      <PlotBody plot={plot} name={name} />
    </figure>
  );
}

function PlotBody({ plot, name }: { plot: Plot; name: string }) {
  switch (plot.kind) {
    case "plotly":
    case "histogram":
      return <Figure text={plot.data} name={name} />;
    case "table":
      return <TableOf text={plot.data} name={name} />;
    case "image":
      return <Image hash={plot.data} name={name} />;
    case "media":
      return <Media text={plot.data} name={name} />;
    default:
      return <p className="quiet">A {plot.kind}, which this page cannot show.</p>;
  }
}

/** A figure, drawn by Plotly, which is loaded when the first one is looked at. */
function Figure({ text, name }: { text: string; name: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState("");
  const { shown: theme } = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours
  useEffect(() => {
    const element = place.current;
    const figure = figureOf(text);
    if (!element) return;
    if (!figure) {
      setFailed("This is no figure in Plotly's form.");
      return;
    }
    let over = false;
    const style = getComputedStyle(element);
    const colours = { ink: style.getPropertyValue("--ink"), line: style.getPropertyValue("--line-soft") };
    const drawn = import("./plotly").then(async (plotly) => {
      if (!over) await plotly.draw(element, figure, colours);
      return plotly;
    });
    drawn.catch((error: unknown) => {
      if (!over) setFailed(`It cannot be drawn: ${String(error)}`);
    });
    return () => {
      over = true;
      drawn.then((plotly) => plotly.clear(element)).catch(() => undefined);
    };
  }, [text, theme]);
  return (
    <>
      {failed && <p className="quiet">{failed}</p>}
      <div ref={place} className="plot-figure" role="img" aria-label={name} />
    </>
  );
}

function TableOf({ text, name }: { text: string; name: string }) {
  const found = tableOf(text);
  if (!found) return <p className="quiet">This table cannot be read.</p>;
  return (
    <Table label={name} compact>
      <thead>
        <tr>
          {found.head.map((cell, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: columns have no other name
            <th key={index}>{cell}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {found.rows.slice(0, 500).map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name
          <tr key={index}>
            {row.map((cell, column) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: cells have no other name
              <td key={column}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Image({ hash, name }: { hash: string; name: string }) {
  const { data, error } = useBlob(hash, imageOf);
  if (error) return <ErrorNote error={error} />;
  if (!data) return <Skeleton rows={4} />;
  return <img className="plot-image" src={data} alt={name} />;
}

function Media({ text, name }: { text: string; name: string }) {
  const media = useMemo(() => mediaOf(text), [text]);
  if (!media) return <p className="quiet">This file cannot be read.</p>;
  // biome-ignore lint/a11y/useMediaCaption: a task that records sound does not record captions
  if (media.kind === "audio") return <audio controls src={media.url} aria-label={name} />;
  // biome-ignore lint/a11y/useMediaCaption: as above
  if (media.kind === "video") return <video controls src={media.url} aria-label={name} className="plot-image" />;
  if (media.kind === "image") return <img className="plot-image" src={media.url} alt={name} />;
  if (media.kind === "text") {
    return <TextBlock label={name}>{media.text}</TextBlock>;
  }
  return (
    <a href={media.url} download={media.name}>
      Save {media.name}
    </a>
  );
}
