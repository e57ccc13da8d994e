/**
 * Convolution driven by the non-zero elements of its input, one and two spatial axes.
 *
 * The non-zero elements of each input pixel are listed once per timestep. Then, for each output
 * pixel and each eight output channels, eight sums stay in local variables while the events of the
 * receptive field stream past: a weight is loaded once per event and no sum is stored on the way. A
 * dense image is the case in which every element is an event.
 */
import { tensorAt } from "../../../ir/module.ts";
import type { TensorData, TensorRef } from "../../../ir/tensor.ts";
import { type Kernel, type Numbers, type Site, type SumArray, synapseArrays } from "../kernel.ts";
import { type Geometry, windowGeometry } from "./geometry.ts";

/** Output channels summed at a time; weights are padded to a multiple of it. */
const block = 8;

/** Runs the synapses. */
type Convolve = () => void;

/** A kernel for float32 or integer `ann.conv` over [1, C, W] or [1, C, H, W]; null for any other op. */
export function compileConv(site: Site): Kernel | null {
  const { op } = site;
  const arrays = synapseArrays(site);
  const inputType = site.inputOps[0]?.type;
  if (op.kind !== "ann.conv" || inputType === undefined || arrays === null) return null;
  const { input, output } = arrays;
  const weight = tensorAt(site.module, op.attrs.weight);
  const g = windowGeometry(op.attrs, weight.shape.slice(2), inputType.shape, op.type.shape);
  if (g === null) return null;
  const { groups } = op.attrs;
  // One entry more than needed for every block, so that a block never reads past the end.
  const bias = new Float64Array(g.outChannels + block);
  if (op.attrs.bias !== null) bias.set(tensorAt(site.module, op.attrs.bias).data);
  const isDepthwise = g.channels === groups && g.outChannels === groups;
  const run = isDepthwise
    ? depthwise(g, weight.data, bias, input, output)
    : eventDriven(g, groups, packedWeights(site, g, groups, op.attrs.weight), bias, input, output);
  return { run };
}

/** Weights [out, in/groups, …kernel] as [group][tap][in][out, padded to a block]. */
function packedWeights(site: Site, g: Geometry, groups: number, ref: TensorRef): Float32Array {
  const taps = g.kernelHeight * g.kernelWidth;
  const inPer = g.channels / groups;
  const outPer = g.outChannels / groups;
  const padded = Math.ceil(outPer / block) * block;
  return site.packing.pack(site.op, ref, groups * taps * inPer * padded, (packed) => {
    const weight = tensorAt(site.module, ref).data;
    for (let o = 0; o < g.outChannels; o++) {
      const group = Math.floor(o / outPer);
      for (let c = 0; c < inPer; c++) {
        for (let tap = 0; tap < taps; tap++) {
          const to = ((group * taps + tap) * inPer + c) * padded + (o % outPer);
          packed[to] = weight[(o * inPer + c) * taps + tap] ?? 0;
        }
      }
    }
  });
}

function eventDriven(
  g: Geometry,
  groups: number,
  packed: Float32Array,
  bias: Float64Array,
  input: Numbers,
  output: SumArray,
): Convolve {
  const inPer = g.channels / groups;
  const outPer = g.outChannels / groups;
  const padded = Math.ceil(outPer / block) * block;
  const pixels = g.height * g.width;
  const eventStart = new Int32Array(pixels + 1);
  const eventChannel = new Int32Array(pixels * inPer);
  // Of the operand's own kind: a float32 does not hold every integer of 32 bits.
  const count = pixels * inPer;
  const eventValue = input instanceof Int32Array ? new Int32Array(count) : new Float32Array(count);

  const listEvents = (group: number): void => {
    let n = 0;
    for (let p = 0; p < pixels; p++) {
      eventStart[p] = n;
      for (let c = 0, i = group * inPer * pixels + p; c < inPer; c++, i += pixels) {
        const x = input[i] ?? 0;
        if (x !== 0) {
          eventChannel[n] = c * padded;
          eventValue[n++] = x;
        }
      }
    }
    eventStart[pixels] = n;
  };

  return () => {
    for (let group = 0; group < groups; group++) {
      listEvents(group);
      const groupWeights = group * g.kernelHeight * g.kernelWidth * inPer * padded;
      const groupOutput = group * outPer * g.outHeight * g.outWidth;
      gather(g, outPer, inPer * padded, groupWeights, group * outPer, groupOutput);
    }
  };

  function gather(
    shape: Geometry,
    outCount: number,
    tapStride: number,
    weightBase: number,
    biasBase: number,
    outputBase: number,
  ): void {
    const outPixels = shape.outHeight * shape.outWidth;
    for (let oy = 0; oy < shape.outHeight; oy++) {
      for (let ox = 0; ox < shape.outWidth; ox++) {
        const left = ox * shape.strideX - shape.padLeft;
        const top = oy * shape.strideY - shape.padTop;
        const pixel = outputBase + oy * shape.outWidth + ox;
        for (let first = 0; first < outCount; first += block) {
          let a0 = bias[biasBase + first] ?? 0;
          let a1 = bias[biasBase + first + 1] ?? 0;
          let a2 = bias[biasBase + first + 2] ?? 0;
          let a3 = bias[biasBase + first + 3] ?? 0;
          let a4 = bias[biasBase + first + 4] ?? 0;
          let a5 = bias[biasBase + first + 5] ?? 0;
          let a6 = bias[biasBase + first + 6] ?? 0;
          let a7 = bias[biasBase + first + 7] ?? 0;
          for (let ky = 0; ky < shape.kernelHeight; ky++) {
            const iy = top + ky * shape.dilationY;
            if (iy < 0 || iy >= shape.height) continue;
            for (let kx = 0; kx < shape.kernelWidth; kx++) {
              const ix = left + kx * shape.dilationX;
              if (ix < 0 || ix >= shape.width) continue;
              const p = iy * shape.width + ix;
              const tap = weightBase + (ky * shape.kernelWidth + kx) * tapStride + first;
              const end = eventStart[p + 1] ?? 0;
              const begin = eventStart[p] ?? 0;
              for (let e = begin; e < end; e++) {
                const x = eventValue[e] ?? 0;
                const w = tap + (eventChannel[e] ?? 0);
                a0 += x * (packed[w] ?? 0);
                a1 += x * (packed[w + 1] ?? 0);
                a2 += x * (packed[w + 2] ?? 0);
                a3 += x * (packed[w + 3] ?? 0);
                a4 += x * (packed[w + 4] ?? 0);
                a5 += x * (packed[w + 5] ?? 0);
                a6 += x * (packed[w + 6] ?? 0);
                a7 += x * (packed[w + 7] ?? 0);
              }
            }
          }
          let to = pixel + first * outPixels;
          const left8 = outCount - first;
          output[to] = a0;
          if (left8 > 1) output[(to += outPixels)] = a1;
          if (left8 > 2) output[(to += outPixels)] = a2;
          if (left8 > 3) output[(to += outPixels)] = a3;
          if (left8 > 4) output[(to += outPixels)] = a4;
          if (left8 > 5) output[(to += outPixels)] = a5;
          if (left8 > 6) output[(to += outPixels)] = a6;
          if (left8 > 7) output[(to += outPixels)] = a7;
        }
      }
    }
  }
}

/** One input and one output channel per group: plain loops over a plane, skipping zero elements. */
function depthwise(
  g: Geometry,
  weight: TensorData,
  bias: Float64Array,
  input: Numbers,
  output: SumArray,
): Convolve {
  const taps = g.kernelHeight * g.kernelWidth;
  return () => {
    for (let c = 0; c < g.channels; c++) {
      const plane = c * g.height * g.width;
      let to = c * g.outHeight * g.outWidth;
      for (let oy = 0; oy < g.outHeight; oy++) {
        for (let ox = 0; ox < g.outWidth; ox++) {
          let sum = bias[c] ?? 0;
          for (let ky = 0; ky < g.kernelHeight; ky++) {
            const iy = oy * g.strideY - g.padTop + ky * g.dilationY;
            if (iy < 0 || iy >= g.height) continue;
            for (let kx = 0; kx < g.kernelWidth; kx++) {
              const ix = ox * g.strideX - g.padLeft + kx * g.dilationX;
              if (ix < 0 || ix >= g.width) continue;
              const x = input[plane + iy * g.width + ix] ?? 0;
              if (x === 0) continue;
              sum += x * (weight[c * taps + ky * g.kernelWidth + kx] ?? 0);
            }
          }
          output[to++] = sum;
        }
      }
    }
  };
}
