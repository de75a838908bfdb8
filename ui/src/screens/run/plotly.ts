// Plotly, on demand. It may put no styles of its own into the page: metrics.css has those that it needs.
import Plotly from "plotly.js-cartesian-dist-min";
import type { PlotlyFigure } from "./figures";

const CONFIG = { displayModeBar: false, responsive: true, showLink: false, staticPlot: false };

/** Draw a figure in the colours of the page, where it names none of its own. */
export async function draw(
  element: HTMLElement,
  figure: PlotlyFigure,
  colours: { ink: string; line: string },
): Promise<void> {
  const axis = { gridcolor: colours.line, zerolinecolor: colours.line };
  const layout = {
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    margin: { l: 56, r: 16, t: 32, b: 44 },
    height: 300,
    ...figure.layout,
    font: { color: colours.ink, size: 12, ...(figure.layout.font as object | undefined) },
    xaxis: { ...axis, ...(figure.layout.xaxis as object | undefined) },
    yaxis: { ...axis, ...(figure.layout.yaxis as object | undefined) },
    autosize: true,
    width: undefined,
  };
  await Plotly.newPlot(element, figure.data, layout, CONFIG);
}

export function clear(element: HTMLElement): void {
  Plotly.purge(element);
}
