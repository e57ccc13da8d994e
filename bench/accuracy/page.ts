/** `npm run accuracy -- --html FILE`: one page with curves and tables, for all models. */
import type { Markish, PlotOptions } from "@observablehq/plot";
import { labelsOf, logTicks, shortNumber } from "../../calibrate/report/format.ts";
import { type Html, html, trusted } from "../../calibrate/report/markup.ts";
import { styleSheet } from "../../calibrate/report/style.ts";
import { known } from "../../ir/diagnostic.ts";
import { printable } from "../../ir/text/printable.ts";
import {
  type Comparison,
  type Row,
  cellsOf,
  cellsOfComparison,
  groupedBy,
  headOfComparisons,
  headOfTable,
  percentText,
} from "./rows.ts";

/**
 * Colours of curves on light and on dark: at least 3 to 1 against what they are drawn on. Twelve, and
 * from there on with dashes.
 */
export const curveColours = {
  light: [
    "#0b62b0",
    "#c24f00",
    "#007a58",
    "#b0528a",
    "#8f6a00",
    "#2f86bd",
    "#7547b5",
    "#b3261e",
    "#4c7700",
    "#00737c",
    "#87583d",
    "#66707c",
  ],
  dark: [
    "#6db3f2",
    "#ff9e66",
    "#2fc79a",
    "#e79ac6",
    "#e0b040",
    "#a8e0ff",
    "#b89af0",
    "#ff8a80",
    "#a6cf52",
    "#4fd0d8",
    "#d0a184",
    "#a4adb8",
  ],
} as const;

const curveCount = curveColours.light.length;

function coloursAs(scheme: keyof typeof curveColours): string {
  return curveColours[scheme].map((colour, i) => `--curve-${i}: ${colour};`).join(" ");
}

const ownStyle = `
:root { ${coloursAs("light")} }
@media (prefers-color-scheme: dark) { :root { ${coloursAs("dark")} } }
.legend .line { width: 22px; height: 0; border-top: 3px solid; border-radius: 0; vertical-align: middle; }
.legend .dashed { border-top-style: dashed; }
.names th, .names td { text-align: left; }
.names td:nth-child(n + 5) { min-width: 18ch; white-space: normal; overflow-wrap: normal; }
`;

interface Page {
  readonly rows: readonly Row[];
  readonly compared: readonly Comparison[];
  readonly machine: { readonly processor: string };
}

/** The whole page. */
export async function renderPage({ rows, compared, machine }: Page): Promise<string> {
  const draw = await drawing(rows);
  const models = [...groupedBy(rows, (row) => row.model)];
  const title = "Conversion loss against timesteps and spikes";
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${trusted(styleSheet + ownStyle)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          <p class="muted">
            ${machine.processor}. Thresholds and corrections are chosen on training images only. A
            spike is one word, whatever its size; bits are the binary digits set in it. A loss has
            the standard error of the paired difference. Events are words times weights; over the
            multiply-accumulates of the ANN, products on what is not a spike are counted with them.
            Energy is arithmetic over that of the ANN. Heavy lines are ours.
          </p>
          ${legend(rows)}
          ${models.map(([model, own]) => {
            const [first] = own;
            return html`<section>
              <h2>${model}</h2>
              <p>ANN ${percentText(first?.annAccuracy)} on ${first?.samples ?? 0} samples</p>
              <div class="figures">
                <figure>
                  <figcaption>Accuracy lost, in points</figcaption>
                  ${trusted(draw.loss(own))}
                </figure>
                <figure>
                  <figcaption>
                    Relative logit error against bits sent per neuron
                    <small>a point for each T; down and to the left is better</small>
                  </figcaption>
                  ${trusted(draw.error(own))}
                </figure>
              </div>
              <details>
                <summary>Figures</summary>
                ${table(headOfTable, own.map(cellsOf))}
              </details>
            </section>`;
          })}
          <h2>Which method wins where, in (logit error, spikes per neuron, bits per neuron)</h2>
          <p>
            At equal latency, among methods whose neurons send the same words, with constant or
            shrinking steps.
          </p>
          ${table(headOfComparisons, compared.map(cellsOfComparison), "names")}
        </main>
      </body>
    </html> `;
  return page.text;
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  kind: "numbers" | "names" = "numbers",
): Html {
  return html`<div class="scroll">
    <table class="${kind}">
      <thead>
        <tr>
          ${head.map((text) => html`<th scope="col">${text}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map((text) => html`<td>${text}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

function legend(rows: readonly Row[]): Html {
  const items = methodsIn(rows).map(
    (method, i) =>
      html`<li>
        <span
          class="line${i < curveCount ? "" : " dashed"}"
          style="border-color: ${colourOf(i)}"
        ></span
        >${method}
      </li>`,
  );
  return html`<ul class="legend">
    ${items}
  </ul>`;
}

function methodsIn(rows: readonly Row[]): string[] {
  return [...new Set(rows.map((row) => row.method))];
}

function colourOf(index: number): string {
  return `var(--curve-${index % curveCount})`;
}

/** Drawn at a phone's width, as the figures of a report. */
const width = 400;
const longestName = 16;
const nameHeight = 17;
const margin = { left: 58, top: 30, bottom: 40 } as const;

interface Drawing {
  loss(rows: readonly Row[]): string;
  error(rows: readonly Row[]): string;
}

/** Loads the plotting library. Methods have their colours from all rows, the same in each figure. */
async function drawing(all: readonly Row[]): Promise<Drawing> {
  const [Plot, { parseHTML }] = await Promise.all([
    import("@observablehq/plot"),
    import("linkedom"),
  ]);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const names = methodsIn(all);
  const labels = labelsOf(names.map(printable), longestName);

  /** A curve for each method, and its name in a column at the right, at its end's height if there is room. */
  const draw = (
    rows: readonly Row[],
    x: "timesteps" | "bitsPerNeuron",
    y: "loss" | "relativeLogitError",
    options: PlotOptions,
  ): string => {
    const curves = [...groupedBy(rows, (row) => row.method)].map(([method, own]) => {
      const index = names.indexOf(method);
      const points = own.toSorted((a, b) => a.timesteps - b.timesteps);
      const name = labels[index] ?? method;
      const dash = index < curveCount ? {} : { strokeDasharray: "5 3" };
      return { points, name, dash, stroke: colourOf(index), heavy: own.some((row) => row.ours) };
    });
    const longest = Math.max(0, ...curves.map(({ name }) => Array.from(name).length));
    const marginRight = 24 + longest * 9;
    const height = Math.max(300, margin.top + margin.bottom + nameHeight * curves.length);
    const plot = (marks: Markish[]): ReturnType<typeof Plot.plot> =>
      Plot.plot({
        document,
        width,
        height,
        marginLeft: margin.left,
        marginTop: margin.top,
        marginBottom: margin.bottom,
        marginRight,
        style: { background: "none", fontFamily: "inherit", fontSize: "14px", overflow: "hidden" },
        ...options,
        marks: [...(options.marks ?? []), ...marks],
      });
    const lines = curves.flatMap(({ points, stroke, dash, heavy }) => [
      Plot.line(points, { x, y, stroke, strokeWidth: heavy ? 3 : 1.5, ...dash }),
      Plot.dot(points, { x, y, fill: stroke, r: heavy ? 3.5 : 2.5 }),
    ]);
    // Where curves end in pixels is known once they are drawn.
    const scales = plot(lines);
    const [across, down] = [scales.scale("x"), scales.scale("y")];
    const ends = curves.flatMap((curve) => {
      const last = curve.points.at(-1);
      if (last === undefined || across === undefined || down === undefined) return [];
      return [{ ...curve, x: Number(across.apply(last[x])), y: Number(down.apply(last[y])) }];
    });
    const places = spread(
      ends.map((end) => end.y),
      nameHeight,
      margin.top + nameHeight / 2,
      height - margin.bottom - nameHeight / 2,
    );
    const column = width - marginRight + 18;
    const figure = plot([
      ...lines,
      ...ends.flatMap(({ name, stroke, heavy, ...end }, i) => {
        const at = known(places[i], "a place");
        return [
          () => leader(document, [end.x + 4, end.y, column - 9, at, column - 3, at], stroke),
          () => nameAt(document, column, at, name, heavy),
        ];
      }),
    ]);
    figure.setAttribute("role", "img");
    return figure.outerHTML;
  };

  return {
    loss(rows) {
      const steps = [...new Set(rows.map((row) => row.timesteps))].sort((a, b) => a - b);
      return draw(rows, "timesteps", "loss", {
        ariaLabel: "Accuracy lost against timesteps",
        x: {
          type: "log",
          base: 2,
          label: "timesteps T →",
          labelAnchor: "right",
          ticks: thinned(steps, 5),
          tickFormat: (t: number) => String(t),
        },
        // Small losses are what matters, and some are below 0.
        y: {
          type: "symlog",
          constant: 0.5,
          grid: true,
          label: "↑ points lost",
          ticks: lossTicks(rows.map((row) => row.loss)),
          tickFormat: (points: number) => String(points).replace("-", "−"),
        },
        marks: [Plot.ruleY([0], { stroke: "currentColor" })],
      });
    },
    error(rows) {
      const shown = rows.filter((row) => row.relativeLogitError > 0 && row.bitsPerNeuron > 0);
      const axis = (values: readonly number[]): { ticks: number[] } => ({
        ticks: logTicks([Math.min(...values), Math.max(...values)]),
      });
      return draw(shown, "bitsPerNeuron", "relativeLogitError", {
        ariaLabel: "Relative logit error against bits sent per neuron",
        x: {
          type: "log",
          grid: true,
          label: "bits per neuron →",
          labelAnchor: "right",
          tickFormat: shortNumber,
          ...axis(shown.map((row) => row.bitsPerNeuron)),
        },
        y: {
          type: "log",
          grid: true,
          label: "↑ relative logit error",
          tickFormat: shortNumber,
          ...axis(shown.map((row) => row.relativeLogitError)),
        },
      });
    },
  };
}

function leader(document: Document, path: readonly number[], stroke: string): SVGElement {
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", path.map((x) => x.toFixed(1)).join(" "));
  line.setAttribute("fill", "none");
  line.setAttribute("stroke", stroke);
  line.setAttribute("stroke-width", "0.75");
  return line;
}

function nameAt(
  document: Document,
  x: number,
  y: number,
  name: string,
  heavy: boolean,
): SVGElement {
  const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
  text.setAttribute("x", String(x));
  text.setAttribute("y", y.toFixed(1));
  text.setAttribute("dy", "0.32em");
  text.setAttribute("text-anchor", "start");
  text.setAttribute("fill", "currentColor");
  if (heavy) text.setAttribute("font-weight", "700");
  text.textContent = name;
  return text;
}

/**
 * Places near those wanted, in their order, at least `gap` apart and within bounds that have room for
 * them all: first pushed down by those above, then up by the lower bound.
 */
export function spread(
  wanted: readonly number[],
  gap: number,
  least: number,
  most: number,
): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const places = [...wanted];
  let free = least;
  for (const i of order) {
    places[i] = Math.max(free, wanted[i] ?? 0);
    free = (places[i] ?? 0) + gap;
  }
  free = most;
  for (const i of order.toReversed()) {
    places[i] = Math.min(free, places[i] ?? 0);
    free = (places[i] ?? 0) - gap;
  }
  return places;
}

/** At most so many of them, at even distances from the first. */
function thinned<T>(values: readonly T[], most: number): T[] {
  const every = Math.ceil(values.length / most);
  return values.filter((_, i) => i % every === 0);
}

/** Points of accuracy: near 0 each half, further off by decades, as the axis is logarithmic there. */
function lossTicks(losses: readonly number[]): number[] {
  const [low, high] = [Math.min(0, ...losses), Math.max(0, ...losses)];
  const sizes = high - low > 8 ? [1, 5, 20, 100] : [0.1, 0.5, 1, 2, 5];
  const shown = high - low < 0.6 ? [0.05, 0.1, 0.2, 0.5] : sizes;
  const ticks = [...shown.map((x) => -x), 0, ...shown];
  return ticks.filter((x) => x >= low && x <= high);
}
