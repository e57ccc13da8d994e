/**
 * Windows that slide: convolutions and pools. Every op is brought to three spatial axes, the first
 * ones of extent 1 if it has fewer.
 */
import type { Formula, Site, Synapse } from "../operation.ts";
import { at, type Op, type Shape, sizeOf } from "../types.ts";

/** One axis: where the taps of each window lie, and which of them are within the operand. */
interface Axis {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  /** The place in the input of tap k of window p, at p · kernel + k; −1 where it is outside. */
  readonly places: Int32Array;
}

/**
 * For a transposed convolution the windows are those of the operand: places are then the elements
 * of the operand, if any, that reach result p by tap k.
 */
function axesOf(op: Op, source: Shape, kernel: Shape, transposed: boolean): Axis[] {
  const missing = 3 - kernel.length;
  return [0, 1, 2].map((index) => {
    const axis = index - missing;
    const one = axis < 0;
    const attribute = (name: string): number =>
      one ? (name === "padsBegin" ? 0 : 1) : (op.attributes.numbers(name)[axis] ?? 0);
    const input = one ? 1 : (source[axis + 2] ?? 1);
    const output = one ? 1 : (op.type.shape[axis + 2] ?? 1);
    const taps = one ? 1 : (kernel[axis] ?? 1);
    const stride = attribute("strides");
    const places = new Int32Array(output * taps).map((_, i) => {
      const p = Math.floor(i / taps);
      const reach = (i % taps) * attribute("dilations") - attribute("padsBegin");
      const place = transposed ? (p - reach) / stride : p * stride + reach;
      return Number.isInteger(place) && place >= 0 && place < input ? place : -1;
    });
    return { input, output, kernel: taps, places };
  });
}

/** Calls `visit` with (window, place in the input, tap) for each tap within bounds, row-major. */
type Visit = (place: number, tap: number) => void;
function eachTap([z, y, x]: readonly Axis[], window: readonly number[], visit: Visit): void {
  if (z === undefined || y === undefined || x === undefined) return;
  const [wz = 0, wy = 0, wx = 0] = window;
  for (let i = 0; i < z.kernel; i += 1) {
    const pz = z.places[wz * z.kernel + i] ?? -1;
    if (pz < 0) continue;
    for (let j = 0; j < y.kernel; j += 1) {
      const py = y.places[wy * y.kernel + j] ?? -1;
      if (py < 0) continue;
      for (let k = 0; k < x.kernel; k += 1) {
        const px = x.places[wx * x.kernel + k] ?? -1;
        if (px >= 0) visit((pz * y.input + py) * x.input + px, (i * y.kernel + j) * x.kernel + k);
      }
    }
  }
}

interface Windows {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  /** Taps within bounds of window w: from begin[w] to begin[w + 1] in `places` and `taps`. */
  readonly begin: Int32Array;
  readonly places: Int32Array;
  readonly taps: Int32Array;
  /** In how many windows each element of the operand is. */
  readonly reached: Float64Array;
}

function windowsOf(op: Op, source: Shape, kernel: Shape, transposed = false): Windows {
  const axes = axesOf(op, source, kernel, transposed);
  const [outZ = 1, outY = 1, outX = 1] = axes.map(({ output }) => output);
  const inputs = axes.reduce((product, { input }) => product * input, 1);
  const reached = new Float64Array(inputs);
  const begin: number[] = [0];
  const places: number[] = [];
  const taps: number[] = [];
  for (let w = 0; w < outZ * outY * outX; w += 1) {
    const window = [Math.floor(w / (outY * outX)), Math.floor(w / outX) % outY, w % outX];
    eachTap(axes, window, (place, tap) => {
      places.push(place);
      taps.push(tap);
      reached[place] = (reached[place] ?? 0) + 1;
    });
    begin.push(places.length);
  }
  return {
    ...{ inputs, outputs: outZ * outY * outX, kernel: sizeOf(kernel), reached },
    ...{ begin: Int32Array.from(begin), places: Int32Array.from(places) },
    taps: Int32Array.from(taps),
  };
}

/** Each channel of each sample has windows of its own. */
const planesOf = (shape: Shape): number => (shape[0] ?? 1) * (shape[1] ?? 1);

function fanOutOf({ reached }: Windows, planes: number, times: number): Float64Array {
  const n = reached.length;
  return new Float64Array(planes * n).map((_, i) => (reached[i % n] ?? 0) * times);
}

export function convolution({ op, types }: Site): Synapse | undefined {
  const transposed = op.kind === "ann.conv-transpose";
  if (!transposed && op.kind !== "ann.conv") return undefined;
  const source = at(types, 0).shape;
  const weight = op.attributes.tensor("weight");
  const bias = op.attributes.tensorOrNone("bias");
  const groups = op.attributes.number("groups");
  const windows = windowsOf(op, source, weight.shape.slice(2), transposed);
  const [samples = 1, inChannels = 1] = source;
  const outChannels = op.type.shape[1] ?? 1;
  const [inGroup, outGroup] = [inChannels / groups, outChannels / groups];
  const { inputs, outputs, kernel, begin, places, taps } = windows;
  const compute = ([x = new Float64Array()]: readonly Float64Array[]): Float64Array => {
    const result = new Float64Array(samples * outChannels * outputs);
    for (let plane = 0; plane < samples * outChannels; plane += 1) {
      const o = plane % outChannels;
      const group = Math.floor(o / outGroup);
      const first = Math.floor(plane / outChannels) * inChannels + group * inGroup;
      for (let w = 0; w < outputs; w += 1) {
        let sum = bias?.values[o] ?? 0;
        const end = begin[w + 1] ?? 0;
        for (let c = 0; c < inGroup; c += 1) {
          const row = transposed
            ? ((group * inGroup + c) * outGroup + (o % outGroup)) * kernel
            : (o * inGroup + c) * kernel;
          const start = (first + c) * inputs;
          for (let i = begin[w] ?? 0; i < end; i += 1) {
            sum += (weight.values[row + (taps[i] ?? 0)] ?? 0) * (x[start + (places[i] ?? 0)] ?? 0);
          }
        }
        result[plane * outputs + w] = sum;
      }
    }
    return result;
  };
  const products = samples * outChannels * inGroup * places.length;
  const rest = bias === undefined ? {} : { additions: samples * outChannels * outputs };
  return {
    ...{ compute, cost: { ...rest, multiplyAccumulates: products }, operand: 0, products, rest },
    fanOut: fanOutOf(windows, planesOf(source), outGroup),
  };
}

export function averagePool({ op, types }: Site): Synapse | undefined {
  if (op.kind !== "ann.average-pool") return undefined;
  const source = at(types, 0).shape;
  const kernel = op.attributes.numbers("kernel");
  const windows = windowsOf(op, source, kernel);
  const planes = planesOf(source);
  const divisors = op.attributes.flag("countIncludePad")
    ? paddedCounts(op, source, kernel)
    : Float64Array.from({ length: windows.outputs }, (_, w) => tapsOf(windows, w));
  const compute = ([x = new Float64Array()]: readonly Float64Array[]): Float64Array =>
    eachWindow(windows, planes, (w, start) => {
      let sum = 0;
      for (let i = windows.begin[w] ?? 0; i < (windows.begin[w + 1] ?? 0); i += 1) {
        sum += x[start + (windows.places[i] ?? 0)] ?? 0;
      }
      return sum / (divisors[w] ?? 1);
    });
  const products = planes * windows.places.length;
  return {
    ...{ compute, cost: { multiplyAccumulates: products }, operand: 0, products, rest: {} },
    fanOut: fanOutOf(windows, planes, 1),
  };
}

const tapsOf = ({ begin }: Windows, w: number): number => (begin[w + 1] ?? 0) - (begin[w] ?? 0);

function eachWindow(
  { inputs, outputs }: Windows,
  planes: number,
  result: (window: number, start: number) => number,
): Float64Array {
  return new Float64Array(planes * outputs).map((_, i) =>
    result(i % outputs, Math.floor(i / outputs) * inputs),
  );
}

/** Of each window the taps within the operand and its padding, not over the end of that. */
function paddedCounts(op: Op, source: Shape, kernel: Shape): Float64Array {
  const spatial = op.type.shape.slice(2);
  const counts = new Float64Array(sizeOf(spatial));
  return counts.map((_, w) => {
    let product = 1;
    for (let axis = spatial.length - 1, rest = w; axis >= 0; axis -= 1) {
      const extent = spatial[axis] ?? 1;
      const number = (name: string): number => op.attributes.numbers(name)[axis] ?? 0;
      const end = (source[axis + 2] ?? 1) + number("padsEnd");
      let within = 0;
      for (let k = 0; k < (kernel[axis] ?? 1); k += 1) {
        const place = (rest % extent) * number("strides") + k * number("dilations");
        if (place - number("padsBegin") < end) within += 1;
      }
      product *= within;
      rest = Math.floor(rest / extent);
    }
    return product;
  });
}

/** Maxima over windows: NaN wins, padding never does. Ops over time take it too. */
export function maxPool(op: Op, source: Shape): Formula {
  const windows = windowsOf(op, source, op.attributes.numbers("kernel"));
  const planes = planesOf(source);
  return {
    compute: ([x = new Float64Array()]) =>
      eachWindow(windows, planes, (w, start) => {
        let largest = -Infinity;
        for (let i = windows.begin[w] ?? 0; i < (windows.begin[w + 1] ?? 0); i += 1) {
          largest = Math.max(largest, x[start + (windows.places[i] ?? 0)] ?? 0);
        }
        return largest;
      }),
    cost: { comparisons: planes * windows.places.length },
  };
}
