/** The integers of one layer, from what it is to amount to and what it receives. */
import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { known } from "../../../ir/diagnostic.ts";
import { type Module, tensorAt } from "../../../ir/module.ts";
import type { FitLoops } from "../../../ir/run/loops.ts";
import { addTransposedProduct, product, transposed } from "../../fit/products.ts";
import type { RoundedWeights, Rounding } from "../round.ts";
import type { Floats, Layer, Received } from "./seen.ts";
import { curvatureOf, nearestPlane, roundTogether } from "./together.ts";

/** Operands whose moments are looked at together: of longer rows each part is rounded by itself. */
const mostTogether = 1152;
/** Share of the mean variance of operands by which weights are held near those that were trained. */
const hold = 0.03;
/** And more where there are few places: so many times the share of operands in them. */
const few = 3;

/** A unit that is better for the row of weights that goes into a unit, by the error of each; null to keep it. */
export type TuneUnit = (id: number, errorIn: (unit: number) => number) => number | null;

/** What rounds a layer: who chooses units, and loops that save time and change no bit. */
export interface RoundingTools {
  readonly tune: TuneUnit;
  readonly loops: FitLoops | null;
}

/** The integers of a layer, and by how much its sums are too large on average. */
export function roundLayer(
  module: Module,
  { site: { synapse }, window }: Layer,
  rounding: Rounding,
  { operands, places, added }: Received,
  { own, whole }: Floats,
  { tune, loops }: RoundingTools,
): RoundedWeights {
  const { inputs, units, source } = rounding;
  const { width, groups, outputs } = window;
  const { shape, data } = tensorAt(module, synapse.attrs.weight);
  const perInput = shape[1] ?? 1;
  const taps = width / perInput;
  const rounded = new Float64Array(data.length);
  const shifts = new Float64Array(groups * outputs);
  const everywhere = groups * outputs;
  const valueAt = (samples: readonly Float32Array[], row: number, channel: number): number => {
    const perSample = (samples[0]?.length ?? 0) / everywhere;
    const sample = samples[Math.floor(row / Math.max(1, perSample))];
    return sample?.[(row % Math.max(1, perSample)) * everywhere + channel] ?? 0;
  };
  for (let group = 0; group < groups; group++) {
    const x = known(operands[group], "operands");
    const mean = centre(x, width);
    const unitOf = (i: number): number =>
      inputs[(group * perInput + Math.floor(i / taps)) % inputs.length] ?? 0;
    // What is wanted behind the weights, centred, [place, output], and its mean without what is added.
    const z = new Float64Array(places * outputs);
    const means = new Float64Array(outputs);
    for (let row = 0; row < places; row++) {
      for (let o = 0; o < outputs; o++) {
        const channel = group * outputs + o;
        const alone = valueAt(own, row, channel);
        z[row * outputs + o] =
          added.length === 0 ? alone : valueAt(whole, row, channel) - valueAt(added, row, channel);
        means[o] = (means[o] ?? 0) + alone / places;
      }
    }
    centre(z, outputs);
    const weights = new Float64Array(outputs * width);
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < width; i++) {
        weights[o * width + i] = (data[(group * outputs + o) * width + i] ?? 0) * unitOf(i);
      }
    }
    for (let from = 0; from < width; from += mostTogether) {
      const part = columns({ data: x, width }, from, Math.min(width, from + mostTogether));
      const moments = secondMoments(part, places, loops);
      const curvature = curvatureOf(moments, part.width);
      const all = columns({ data: weights, width }, from, from + part.width);
      // In parts nothing can be said of what is missing: the parts would each make up for all of it.
      const better =
        part.width === width
          ? refit(all.data, { x: part, z, outputs, moments, places }, loops)
          : all.data;
      for (let o = 0; o < outputs; o++) {
        const channel = group * outputs + o;
        const isWhole = source.isWhole(channel);
        const given = (isWhole ? all.data : better).subarray(o * part.width, (o + 1) * part.width);
        const limits = { least: -source.levels - (isWhole ? 1 : 0), most: source.levels };
        const errorIn = (unit: number): number => {
          const scaled = given.map((w) => w / unit);
          return nearestPlane(scaled, curvature, limits).form * unit ** 2;
        };
        const before = units[channel] ?? 0;
        if (before === 0) continue;
        const tuned = part.width === width ? tune(source.ids.data[channel] ?? -1, errorIn) : null;
        const unit = tuned ?? before;
        const row = roundTogether(
          given.map((w) => w / unit),
          curvature,
          limits,
        );
        row.forEach((k, i) => {
          rounded[channel * width + from + i] = k;
          shifts[channel] = (shifts[channel] ?? 0) + k * unit * (mean[from + i] ?? 0);
        });
      }
    }
    for (let o = 0; o < outputs; o++) {
      const channel = group * outputs + o;
      shifts[channel] = (shifts[channel] ?? 0) - (means[o] ?? 0);
    }
  }
  return { rounded, shifts };
}

interface Columns {
  readonly data: Float64Array;
  readonly width: number;
}

function columns({ data, width }: Columns, from: number, to: number): Columns {
  if (from === 0 && to === width) return { data, width };
  const count = data.length / width;
  const part = new Float64Array(count * (to - from));
  for (let row = 0; row < count; row++) {
    part.set(data.subarray(row * width + from, row * width + to), row * (to - from));
  }
  return { data: part, width: to - from };
}

/** Takes the mean of each column away; returns the means. */
function centre(data: Float64Array, width: number): Float64Array {
  const mean = new Float64Array(width);
  const count = Math.max(1, data.length / width);
  for (let i = 0; i < data.length; i++) {
    const at = i % width;
    mean[at] = (mean[at] ?? 0) + (data[i] ?? 0) / count;
  }
  for (let i = 0; i < data.length; i++) data[i] = (data[i] ?? 0) - (mean[i % width] ?? 0);
  return mean;
}

/** Means of products of two columns. */
function secondMoments(
  { data, width }: Columns,
  count: number,
  loops: FitLoops | null,
): Float64Array {
  const rows = { data, count, width };
  const moments = new Float64Array(width * width);
  addTransposedProduct(moments, rows, rows, { symmetric: true, loops });
  return moments.map((sum) => sum / Math.max(1, count));
}

interface Targets {
  readonly x: Columns;
  /** [place, output], centred. */
  readonly z: Float64Array;
  readonly outputs: number;
  readonly moments: Float64Array;
  readonly places: number;
}

/** argmin Σ |V·x − z|² / places + hold · s · |V − W|², with s the mean variance of the operands; [output, operand]. */
function refit(
  weights: Float64Array,
  { x, z, outputs, moments, places }: Targets,
  loops: FitLoops | null,
): Float64Array {
  const { width } = x;
  let trace = 0;
  for (let i = 0; i < width; i++) trace += moments[i * width + i] ?? 0;
  if (trace === 0) return weights;
  const wanted = new Float64Array(width * outputs);
  addTransposedProduct(
    wanted,
    { data: x.data, count: places, width },
    { data: z, count: places, width: outputs },
    { loops },
  );
  const square = { data: moments, count: width, width };
  const there = product(square, transposed({ data: weights, count: outputs, width }), loops);
  const right = new Matrix(width, outputs);
  const left = Matrix.from1DArray(width, width, moments);
  for (let i = 0; i < width; i++) {
    for (let o = 0; o < outputs; o++) {
      const at = i * outputs + o;
      right.set(i, o, (wanted[at] ?? 0) / places - (there.data[at] ?? 0));
    }
  }
  for (let i = 0; i < width; i++)
    left.set(i, i, left.get(i, i) + ((hold + (few * width) / places) * trace) / width);
  const change = new CholeskyDecomposition(left).solve(right);
  return weights.map((w, at) => w + change.get(at % width, Math.floor(at / width)));
}
