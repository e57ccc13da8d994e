/** `npm run accuracy -- --html FILE`: one page with curves and tables, for all models. */
import { type Html, html, trusted } from "../../calibrate/report/markup.ts";
import { styleSheet } from "../../calibrate/report/style.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Comparison, type Row, cellsOf, groupedBy, headOfTable, percentText } from "./rows.ts";

/** Told apart on light and on dark; twelve, and from there on with dashes. */
const colours = [
  "#0b62b0",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#b8860b",
  "#56b4e9",
  "#8a5cc2",
  "#b3261e",
  "#5b8c00",
  "#00808a",
  "#9a6b4f",
  "#7f8894",
] as const;

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
          ${trusted(styleSheet)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          <p class="muted">
            ${machine.processor}. Thresholds and corrections are chosen on training images only.
            Spikes are binary ones: a word counts as many as it has bits set. Heavy lines are ours.
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
                    Relative logit error against spikes per neuron
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
          <h2>What dominates what in (logit error, spikes per neuron)</h2>
          ${table(
            ["model", "family", "T", "ours", "dominates", "is dominated by", "neither"],
            compared.map((each) => [
              each.model,
              each.family,
              String(each.timesteps),
              each.ours ?? "none in this family",
              each.dominated.join(", "),
              each.dominating.join(", "),
              each.undecided.join(", "),
            ]),
          )}
        </main>
      </body>
    </html> `;
  return page.text;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): Html {
  return html`<div class="scroll">
    <table>
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
    (method, i) => html`<li><span style="background: ${colourOf(i)}"></span>${method}</li>`,
  );
  return html`<ul class="legend">
    ${items}
  </ul>`;
}

function methodsIn(rows: readonly Row[]): string[] {
  return [...new Set(rows.map((row) => row.method))];
}

function colourOf(index: number): string {
  return known(colours[index % colours.length], "a colour");
}

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
  const style = {
    background: "none",
    fontFamily: "inherit",
    fontSize: "13px",
    overflow: "visible",
  };
  const marksOf = (rows: readonly Row[], x: keyof Row, y: keyof Row) =>
    [...groupedBy(rows, (row) => row.method)].flatMap(([method, own]) => {
      const index = names.indexOf(method);
      const stroke = colourOf(index);
      const heavy = own.some((row) => row.ours);
      const sorted = own.toSorted((a, b) => a.timesteps - b.timesteps);
      const dashed = index < colours.length ? {} : { strokeDasharray: "5 3" };
      return [
        Plot.line(sorted, { x, y, stroke, strokeWidth: heavy ? 3 : 1.5, ...dashed }),
        Plot.dot(sorted, { x, y, fill: stroke, r: heavy ? 3.5 : 2.5 }),
        Plot.text(sorted.slice(-1), {
          x,
          y,
          text: () => method,
          fill: stroke,
          textAnchor: "start",
          dx: 6,
          fontWeight: heavy ? 700 : 400,
        }),
      ];
    });
  const shared = { document, width: 480, height: 340, marginLeft: 58, marginRight: 84, style };
  return {
    loss(rows) {
      const steps = [...new Set(rows.map((row) => row.timesteps))].sort((a, b) => a - b);
      const figure = Plot.plot({
        ...shared,
        ariaLabel: "Accuracy lost against timesteps",
        x: {
          type: "log",
          base: 2,
          label: "timesteps T →",
          ticks: steps,
          tickFormat: (t: number) => String(t),
        },
        // Small losses are what matters, and some are below 0.
        y: { type: "symlog", constant: 0.5, grid: true, label: "↑ points lost" },
        marks: [Plot.ruleY([0], { stroke: "currentColor" }), ...marksOf(rows, "timesteps", "loss")],
      });
      figure.setAttribute("role", "img");
      return figure.outerHTML;
    },
    error(rows) {
      const shown = rows.filter((row) => row.relativeLogitError > 0 && row.spikesPerNeuron > 0);
      const figure = Plot.plot({
        ...shared,
        ariaLabel: "Relative logit error against spikes per neuron",
        x: { type: "log", grid: true, label: "spikes per neuron →", ticks: 4, tickFormat: "~g" },
        y: { type: "log", grid: true, label: "↑ relative logit error", ticks: 6, tickFormat: "~g" },
        marks: marksOf(shown, "spikesPerNeuron", "relativeLogitError"),
      });
      figure.setAttribute("role", "img");
      return figure.outerHTML;
    },
  };
}
