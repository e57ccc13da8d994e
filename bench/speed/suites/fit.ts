/**
 * Suite `fit`: measures both kernels of windows over layers, firing rates and arithmetics, fits the
 * constants of `backends/wasm/lower/neurons/cost.ts` to what was measured, and says how often the model
 * then picks the faster kernel on layers that it was not fitted to.
 */
import { blockCount } from "../../../backends/wasm/kernels/neurons/population-form.ts";
import { weightBytes, lanesPerVector } from "../../../backends/wasm/kernels/lanes.ts";
import {
  type WindowCosts,
  type WindowShape,
  eventTerms,
  kernelFor,
  lookUpTerms,
  tableBytes,
  termNames,
  windowCosts,
} from "../../../backends/wasm/lower/neurons/cost.ts";
import { known } from "../../../ir/diagnostic.ts";
import { type Bench, ourName } from "../context.ts";
import { type Equation, residualOf, solve } from "../kernels/fit-solve.ts";
import { type Arithmetic, type Layer, layerName, pixelsOf } from "../kernels/kernel-layer.ts";
import { compileLayer, kernelSteps, runLayer, samplesFor } from "../kernels/kernel-run.ts";
import { rateOf } from "../kernels/meter.ts";
import { type Row, rowOf } from "../rows.ts";

const fittedLayers: readonly Layer[] = [
  convolution(3, 16, 16, 3),
  convolution(8, 8, 16, 3),
  convolution(16, 16, 16, 3),
  convolution(16, 32, 8, 3),
  convolution(24, 48, 8, 3),
  convolution(32, 32, 8, 3),
  convolution(64, 64, 8, 3),
  convolution(64, 128, 4, 3),
  convolution(4, 8, 16, 5),
  convolution(16, 16, 8, 5),
  convolution(16, 64, 8, 1),
  convolution(64, 16, 8, 1),
  linear(100, 10),
  linear(128, 128),
  linear(256, 64),
  linear(512, 512),
];

const heldOutLayers: readonly Layer[] = [
  convolution(12, 24, 8, 3),
  convolution(16, 16, 32, 3),
  convolution(32, 32, 16, 3),
  convolution(48, 48, 8, 3),
  convolution(64, 32, 4, 3),
  convolution(40, 80, 4, 3),
  convolution(20, 12, 8, 5),
  convolution(8, 16, 16, 5),
  convolution(32, 64, 8, 1),
  linear(128, 10),
  linear(300, 100),
];

function convolution(inputs: number, outputs: number, extent: number, kernel: number): Layer {
  return { inputs, outputs, extent, kernel };
}

function linear(inputs: number, outputs: number): Layer {
  return { inputs, outputs, extent: 0, kernel: 1 };
}

const rates = [0.02, 0.06, 0.15, 0.35];

/** Integers of 32 bits cost what floats cost. */
const fittedArithmetics: readonly Arithmetic[] = ["f32", "i16"];

/** A measurement of two kernels takes this part of the time that others take. */
const partsOfTime = 40;

interface Point {
  readonly shape: WindowShape;
  readonly arithmetic: Arithmetic;
  /** Nanoseconds per pixel, block and timestep. */
  readonly events: number;
  readonly tables: number;
}

export async function fitSuite(bench: Bench): Promise<Row[]> {
  const fitted = await pointsOf(fittedLayers, bench);
  const heldOut = await pointsOf(heldOutLayers, bench);
  const { factors, residual } = solve(fitted.flatMap(equationsOf));
  const costs = costsOf(factors);
  const counted = `${fitted.length} pairs of kernels on ${fittedLayers.length} layers`;
  const figure = (name: string, metric: string, value: number, note: string): Row =>
    rowOf({
      suite: "fit",
      case: name,
      metric,
      better: "lower",
      subject: { name: ourName(bench.settings), values: [value] },
      baseline: null,
      note,
    });
  return [
    ...neuronNames.map((name, i) => figure(name, "ns", factors[i] ?? 0, "left out of the choice")),
    ...(["events", "tables"] as const).flatMap((kernel) =>
      termNames[kernel].map((name, i) =>
        figure(
          `${kernel}: ${name}`,
          "ns",
          costs[kernel][i] ?? 0,
          `${windowCosts[kernel][i] ?? 0} in cost.ts`,
        ),
      ),
    ),
    figure("residual", "rms of relative errors", residual, `of ${counted}`),
    figure(
      "residual held out",
      "rms of relative errors",
      residualOf(heldOut.flatMap(equationsOf), factors),
      `of ${heldOut.length} pairs on ${heldOutLayers.length} other layers`,
    ),
    ...choicesOf(heldOut, costs, "fitted just now", figure),
    ...choicesOf(heldOut, windowCosts, "of cost.ts", figure),
  ];
}

/** What neurons cost in any case. */
const neuronNames = ["pixel and block", "vector of 32 bits", "vector widened from 16 bits"];

function neuronTerms({ shape, arithmetic }: Point): number[] {
  const wide = (shape.vectors * lanesPerVector(arithmetic)) / 4;
  return [1, wide, arithmetic === "i16" ? wide : 0];
}

function equationsOf(point: Point): Equation[] {
  const [walked, lookedUp] = [eventTerms(point.shape), lookUpTerms(point.shape)];
  const none = (terms: readonly number[]): number[] => terms.map(() => 0);
  const events = {
    terms: [...neuronTerms(point), ...walked, ...none(lookedUp)],
    value: point.events,
  };
  // Larger tables are never taken, and have times of their own.
  if (tableBytes(point.shape) > mostTableBytes) return [events];
  const tables = {
    terms: [...neuronTerms(point), ...none(walked), ...lookedUp],
    value: point.tables,
  };
  return [events, tables];
}

const mostTableBytes = 2 ** 20;

function costsOf(factors: readonly number[]): WindowCosts {
  const first = neuronNames.length;
  const second = first + termNames.events.length;
  return { events: factors.slice(first, second), tables: factors.slice(second) };
}

/** How often the faster kernel is chosen, and what the wrong choices cost in all. */
function choicesOf(
  points: readonly Point[],
  costs: WindowCosts,
  which: string,
  figure: (name: string, metric: string, value: number, note: string) => Row,
): Row[] {
  const overheads = points.map((point) => {
    const chosen = point[kernelFor(point.shape, costs)];
    return chosen / Math.min(point.events, point.tables);
  });
  const right = overheads.filter((overhead) => overhead === 1).length / points.length;
  const mean = overheads.reduce((a, b) => a + b, 0) / points.length;
  const note = `on the ${points.length} pairs held out, with constants ${which}`;
  return [
    figure(`faster kernel chosen, ${which}`, "share", right, note),
    figure(`time over the faster kernel's, ${which}`, "mean ratio", mean, note),
    figure(`time over the faster kernel's, ${which}`, "worst ratio", Math.max(...overheads), note),
  ];
}

async function pointsOf(layers: readonly Layer[], bench: Bench): Promise<Point[]> {
  const points: Point[] = [];
  for (const layer of layers) {
    for (const arithmetic of fittedArithmetics) {
      bench.status(`fit: ${layerName(layer)}, ${arithmetic}`);
      points.push(...(await measure(layer, arithmetic, bench)));
    }
  }
  return points;
}

/** Both kernels in turns, in rounds, at each rate. */
async function measure(
  layer: Layer,
  arithmetic: Arithmetic,
  { settings }: Bench,
): Promise<Point[]> {
  const events = await compileLayer(layer, arithmetic, "events");
  const tables = await compileLayer(layer, arithmetic, "tables");
  const width = known(tables.blockWidth, "tables");
  const blocks = blockCount(layer.outputs, width);
  const taps = layer.kernel ** 2;
  const cells = pixelsOf(layer) * blocks * kernelSteps;
  const seconds = settings.seconds / partsOfTime;
  return rates.map((rate): Point => {
    const samples = samplesFor(layer);
    const [walk, lookUp] = [runLayer(events, rate, samples), runLayer(tables, rate, samples)];
    const times: [number[], number[]] = [[], []];
    for (let round = -1; round < settings.rounds; round++) {
      [walk, lookUp].forEach(({ run }, i) => {
        const nanoseconds = 1e9 / rateOf({ work: cells, run }, seconds);
        if (round >= 0) times[i]?.push(nanoseconds);
      });
    }
    // At the rim spikes meet fewer windows than inside.
    const met = walk.operations / (taps * layer.inputs * layer.outputs);
    return {
      arithmetic,
      shape: {
        taps,
        inputs: layer.inputs,
        vectors: width / lanesPerVector(arithmetic),
        rowBytes: width * weightBytes(arithmetic),
        blocks,
        rate: met / pixelsOf(layer) / kernelSteps,
        sharedTaps: false,
      },
      // The least disturbed round: what disturbs one of two kernels would be fitted otherwise.
      events: Math.min(...times[0]),
      tables: Math.min(...times[1]),
    };
  });
}
