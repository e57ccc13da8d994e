/** The page of plots of suite `growth`: one figure per thing that grows, beside linear growth. */
import { figure, table } from "../../../calibrate/report/tables.ts";
import { html, trusted } from "../../../calibrate/report/markup.ts";
import { styleSheet } from "../../../calibrate/report/style.ts";
import { digits } from "../rows.ts";

export interface Point {
  readonly x: number;
  readonly milliseconds: number;
  /** What linear growth from the first point would give. */
  readonly linear: number;
}

export interface Curve {
  readonly axis: string;
  readonly metric: string;
  /** What the dashed line is proportional to. */
  readonly linearIn: string;
  readonly points: readonly Point[];
}

/** One HTML file that needs no network and runs no script. */
export async function drawGrowth(curves: readonly Curve[], subject: string): Promise<string> {
  const [Plot, { parseHTML }] = await Promise.all([
    import("@observablehq/plot"),
    import("linkedom"),
  ]);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");

  const draw = ({ axis, metric, points }: Curve): string => {
    // Growth by any power is a straight line where both axes are logarithmic.
    const ticks = points.map(({ x }) => x);
    const plain = (value: number): string => String(Number(value.toPrecision(value >= 1 ? 4 : 2)));
    const plot = Plot.plot({
      document,
      width: 400,
      height: 280,
      marginLeft: 60,
      marginBottom: 50,
      ariaLabel: `${metric} against ${axis}`,
      style: { background: "none", fontFamily: "inherit", fontSize: "14px" },
      x: { type: "log", label: `${axis} →`, labelOffset: 46, ticks, tickFormat: plain },
      y: { type: "log", label: `↑ ${metric}`, grid: true, ticks: 4, tickFormat: plain },
      marks: [
        Plot.line(points, { x: "x", y: "linear", stroke: "var(--ann)", strokeDasharray: "6 4" }),
        Plot.line(points, { x: "x", y: "milliseconds", stroke: "var(--snn)", strokeWidth: 2.5 }),
        Plot.dot(points, { x: "x", y: "milliseconds", fill: "var(--snn)", r: 3.5 }),
      ],
    });
    plot.setAttribute("role", "img");
    return plot.outerHTML;
  };

  const figures = curves.map((curve) =>
    figure({
      svg: curve.points.length < 2 ? null : draw(curve),
      caption: `Time against ${curve.axis}`,
      note: `${curve.metric}; dashed: linear in ${curve.linearIn}, from the first point`,
      table: table(
        `Time against ${curve.axis}`,
        [curve.axis, curve.metric, "linear growth"],
        curve.points.map(({ x, milliseconds, linear }) => [
          digits(x),
          digits(milliseconds),
          digits(linear),
        ]),
      ),
    }),
  );
  const title = `How time grows: ${subject}`;
  return html`<!doctype html>
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
          <div class="figures">${figures}</div>
        </main>
      </body>
    </html> `.text;
}
