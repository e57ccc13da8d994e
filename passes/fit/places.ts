/**
 * Places in a layer to look at, and what a synapse receives there. A layer has thousands of places with
 * the same weights; a few of each sample, drawn by counter, say as much as all of them.
 */
import { known } from "../../ir/diagnostic.ts";
import { uniform } from "../../ir/random.ts";
import { type Shape, elementCount, stridesOf } from "../../ir/type.ts";
import type { FittedSynapse } from "./fit-sites.ts";

/** `count` different places out of `all`, ascending; all of them where there are no more. */
export function drawPlaces(all: number, count: number, sample: number, layer: number): Int32Array {
  if (count >= all) return Int32Array.from({ length: all }, (_, i) => i);
  // One out of each of `count` equal stretches.
  return Int32Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * all) / count);
    const to = Math.floor(((i + 1) * all) / count);
    return from + Math.floor(uniform(0, sample, layer, i) * (to - from));
  });
}

/** Reads what one output of a synapse is made of. */
export interface OutputWindow {
  /** Outputs that share weights: pixels of a convolution, rows of a linear layer. */
  readonly places: number;
  /** Operand elements behind each of them, for each group of channels. */
  readonly width: number;
  readonly groups: number;
  /** Output channels of each group. */
  readonly outputs: number;
  /** The operands of one place and group, into `to` from `at`. */
  read(x: ArrayLike<number>, place: number, group: number, to: Float64Array, at: number): void;
  /** The index of output channel `channel` at `place` in the synapse's value. */
  outputAt(place: number, channel: number): number;
}

/** The windows of a synapse on an operand of `shape`, with weights [out, in / groups, …kernel]. */
export function windowOf(synapse: FittedSynapse, shape: Shape, weight: Shape): OutputWindow {
  return synapse.kind === "ann.linear"
    ? rowsOf(synapse.type.shape, weight)
    : patchesOf(synapse.attrs, synapse.type.shape, shape, weight);
}

function rowsOf(outShape: Shape, [outputs = 0, width = 0]: Shape): OutputWindow {
  return {
    places: elementCount(outShape) / outputs,
    width,
    groups: 1,
    outputs,
    read(x, place, _group, to, at) {
      for (let i = 0; i < width; i++) to[at + i] = x[place * width + i] ?? 0;
    },
    outputAt: (place, channel) => place * outputs + channel,
  };
}

function patchesOf(
  attrs: Extract<FittedSynapse, { kind: "ann.conv" }>["attrs"],
  outShape: Shape,
  shape: Shape,
  [outChannels = 0, inputs = 0, ...kernel]: Shape,
): OutputWindow {
  const { groups, strides, padsBegin, dilations } = attrs;
  const plane = shape.slice(2);
  const outPlane = outShape.slice(2);
  const taps = elementCount(kernel);
  const size = elementCount(plane);
  const places = elementCount(outPlane);
  const [planeStrides, outStrides, kernelStrides] = [plane, outPlane, kernel].map(stridesOf);
  const coordinate = (
    index: number,
    strides_: readonly number[] | undefined,
    axis: number,
    extents: Shape,
  ): number => Math.floor(index / (strides_?.[axis] ?? 1)) % (extents[axis] ?? 1);
  /** Element of the plane under a tap of a window; −1 on the padding. */
  const under = (place: number, tap: number): number => {
    let at = 0;
    for (let axis = 0; axis < plane.length; axis++) {
      const position =
        coordinate(place, outStrides, axis, outPlane) * (strides[axis] ?? 1) -
        (padsBegin[axis] ?? 0) +
        coordinate(tap, kernelStrides, axis, kernel) * (dilations[axis] ?? 1);
      if (position < 0 || position >= (plane[axis] ?? 0)) return -1;
      at += position * known(planeStrides?.[axis], "a stride");
    }
    return at;
  };
  const offsets = new Int32Array(taps);
  let offsetsOf = -1;
  return {
    places,
    width: inputs * taps,
    groups,
    outputs: outChannels / groups,
    read(x, place, group, to, at) {
      if (place !== offsetsOf) {
        for (let tap = 0; tap < taps; tap++) offsets[tap] = under(place, tap);
        offsetsOf = place;
      }
      for (let channel = 0; channel < inputs; channel++) {
        const base = (group * inputs + channel) * size;
        for (let tap = 0; tap < taps; tap++) {
          const offset = offsets[tap] ?? -1;
          to[at + channel * taps + tap] = offset < 0 ? 0 : (x[base + offset] ?? 0);
        }
      }
    },
    outputAt: (place, channel) => channel * places + place,
  };
}
