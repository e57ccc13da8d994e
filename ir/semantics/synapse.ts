/**
 * What synapses compute: sums of operand elements times weights, plus a bias. Summed in double
 * precision and rounded once, which for integers is exact: a product of i32 and i8 has 38 bits, so
 * that 2^15 of them fit.
 */
import type { OpOf } from "../op/op.ts";
import type { TensorLookup } from "../op/table.ts";
import type { SynapseKind } from "../op/families/synapse.ts";
import type { Tensor, TensorRef } from "../tensor.ts";
import { elementCount } from "../type.ts";
import { connectionRows, windowsOf } from "../analysis/window.ts";
import { type SemanticsTable, broadcastIndices, doubles, operand, resultOf } from "./semantics.ts";

export const synapseSemantics: SemanticsTable<SynapseKind> = {
  "ann.conv": (op, inputs, tensors) => conv(op, operand(inputs, 0), tensors),
  "ann.conv-transpose": (op, inputs, tensors) => convTranspose(op, operand(inputs, 0), tensors),
  "ann.linear": (op, inputs, tensors) => linear(op, operand(inputs, 0), tensors),
  "ann.affine": (op, inputs, tensors) => {
    const x = operand(inputs, 0);
    const scale = tensors(op.attrs.scale);
    const shift = tensors(op.attrs.shift);
    const scaleAt = broadcastIndices(scale.shape, x.shape);
    const shiftAt = broadcastIndices(shift.shape, x.shape);
    const y = doubles(x).map(
      (value, i) => value * (scale.data[scaleAt[i] ?? 0] ?? 0) + (shift.data[shiftAt[i] ?? 0] ?? 0),
    );
    return resultOf(op, y);
  },
  "ann.average-pool": (op, inputs) => averagePool(op, operand(inputs, 0)),
};

function conv(op: OpOf<"ann.conv">, x: Tensor, tensors: TensorLookup): Tensor {
  const weight = tensors(op.attrs.weight);
  const kernel = weight.shape.slice(2);
  const windows = windowsOf(op.attrs, kernel, x.shape.length);
  const rows = connectionRows(x.shape.slice(2), op.type.shape.slice(2), windows);
  const [batch = 0, channels = 0, ...spatial] = x.shape;
  const [, outChannels = 0, ...outSpatial] = op.type.shape;
  const channelsPerGroup = channels / op.attrs.groups;
  const outPerGroup = outChannels / op.attrs.groups;
  const plane = elementCount(spatial);
  const outPlane = elementCount(outSpatial);
  const taps = elementCount(kernel);
  const from = doubles(x);
  const w = doubles(weight);
  const y = biases(op.attrs.bias, tensors, batch, outChannels, outPlane);

  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outChannels; o++) {
      const group = Math.floor(o / outPerGroup);
      const target = (n * outChannels + o) * outPlane;
      for (let c = 0; c < channelsPerGroup; c++) {
        const source = (n * channels + group * channelsPerGroup + c) * plane;
        const firstTap = (o * channelsPerGroup + c) * taps;
        for (const { tap, input, window, count, stride } of rows) {
          const factor = w[firstTap + tap] ?? 0;
          let i = source + input;
          for (let j = target + window; j < target + window + count; j++) {
            y[j] = (y[j] ?? 0) + factor * (from[i] ?? 0);
            i += stride;
          }
        }
      }
    }
  }
  return resultOf(op, y);
}

function convTranspose(op: OpOf<"ann.conv-transpose">, x: Tensor, tensors: TensorLookup): Tensor {
  const weight = tensors(op.attrs.weight);
  const kernel = weight.shape.slice(2);
  const windows = windowsOf(op.attrs, kernel, x.shape.length);
  // Each operand element is a window over the result, in the convolution that this op transposes.
  const rows = connectionRows(op.type.shape.slice(2), x.shape.slice(2), windows);
  const [batch = 0, channels = 0, ...spatial] = x.shape;
  const [, outChannels = 0, ...outSpatial] = op.type.shape;
  const channelsPerGroup = channels / op.attrs.groups;
  const outPerGroup = outChannels / op.attrs.groups;
  const plane = elementCount(spatial);
  const outPlane = elementCount(outSpatial);
  const taps = elementCount(kernel);
  const from = doubles(x);
  const w = doubles(weight);
  const y = biases(op.attrs.bias, tensors, batch, outChannels, outPlane);

  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      const group = Math.floor(c / channelsPerGroup);
      const source = (n * channels + c) * plane;
      for (let o = 0; o < outPerGroup; o++) {
        const target = (n * outChannels + group * outPerGroup + o) * outPlane;
        const firstTap = (c * outPerGroup + o) * taps;
        for (const { tap, input, window, count, stride } of rows) {
          const factor = w[firstTap + tap] ?? 0;
          let j = target + input;
          for (let i = source + window; i < source + window + count; i++) {
            y[j] = (y[j] ?? 0) + factor * (from[i] ?? 0);
            j += stride;
          }
        }
      }
    }
  }
  return resultOf(op, y);
}

function linear(op: OpOf<"ann.linear">, x: Tensor, tensors: TensorLookup): Tensor {
  const weight = tensors(op.attrs.weight);
  const [outs = 0, ins = 0] = weight.shape;
  const rows = elementCount(x.shape.slice(0, -1));
  const from = doubles(x);
  const w = doubles(weight);
  const y = biases(op.attrs.bias, tensors, rows, outs, 1);
  for (let row = 0; row < rows; row++) {
    for (let o = 0; o < outs; o++) {
      let sum = y[row * outs + o] ?? 0;
      for (let i = 0; i < ins; i++) sum += (w[o * ins + i] ?? 0) * (from[row * ins + i] ?? 0);
      y[row * outs + o] = sum;
    }
  }
  return resultOf(op, y);
}

/** Accumulators [batch, channels, plane] that start at the bias of their channel. */
function biases(
  ref: TensorRef | null,
  tensors: TensorLookup,
  batch: number,
  channels: number,
  plane: number,
): Float64Array {
  const y = new Float64Array(batch * channels * plane);
  if (ref === null) return y;
  const bias = tensors(ref);
  for (let row = 0; row < batch * channels; row++) {
    y.fill(bias.data[row % channels] ?? 0, row * plane, (row + 1) * plane);
  }
  return y;
}

function averagePool(op: OpOf<"ann.average-pool">, x: Tensor): Tensor {
  const [batch = 0, channels = 0, ...spatial] = x.shape;
  const outSpatial = op.type.shape.slice(2);
  const windows = windowsOf(op.attrs, op.attrs.kernel, x.shape.length);
  const rows = connectionRows(spatial, outSpatial, windows);

  // What a window divides by: its elements, or its taps within the padded extents; never the
  // overhang of ceil mode.
  const counted = op.attrs.countIncludePad
    ? connectionRows(
        spatial.map(
          (extent, i) => extent + (windows[i]?.padBegin ?? 0) + (windows[i]?.padEnd ?? 0),
        ),
        outSpatial,
        windows.map((axis) => ({ ...axis, padBegin: 0, padEnd: 0 })),
      )
    : rows;
  const outPlane = elementCount(outSpatial);
  const counts = new Float64Array(outPlane);
  for (const { window, count } of counted) {
    for (let j = window; j < window + count; j++) counts[j] = (counts[j] ?? 0) + 1;
  }

  const plane = elementCount(spatial);
  const from = doubles(x);
  const y = new Float64Array(batch * channels * outPlane);
  for (let p = 0; p < batch * channels; p++) {
    for (const { input, window, count, stride } of rows) {
      for (let j = 0; j < count; j++) {
        const at = p * outPlane + window + j;
        y[at] = (y[at] ?? 0) + (from[p * plane + input + j * stride] ?? 0);
      }
    }
  }
  return resultOf(
    op,
    y.map((sum, i) => sum / (counts[i % outPlane] ?? 1)),
  );
}
