/** Neurons: state and parameters spread out to one number per neuron, updated in one loop. */
import { tensorAt } from "../../../ir/module.ts";
import type { OpOf } from "../../../ir/op/op.ts";
import { broadcastIndices } from "../../../ir/semantics/semantics.ts";
import type { TensorRef } from "../../../ir/tensor.ts";
import type { NeuronKernel, Site } from "../kernel.ts";

/** A kernel for `snn.if`; null for any other op. The update is the one in `ir/op/attrs/neurons.ts`. */
export function compileNeuron(site: Site): NeuronKernel | null {
  const { op, output } = site;
  const input = site.inputs[0];
  if (op.kind !== "snn.if") return null;
  if (input instanceof Int32Array && output instanceof Int8Array) {
    return integerNeurons(site, op, input, output);
  }
  if (input instanceof Float32Array && output instanceof Float32Array) {
    return floatNeurons(site, op, input, output);
  }
  return null;
}

function floatNeurons(
  { module }: Site,
  op: OpOf<"snn.if">,
  input: Float32Array,
  output: Float32Array,
): NeuronKernel {
  const spread = (ref: TensorRef): Float32Array => {
    const parameter = tensorAt(module, ref);
    const indices = broadcastIndices(parameter.shape, op.type.shape);
    return Float32Array.from(indices, (i) => parameter.data[i] ?? 0);
  };
  const threshold = spread(op.attrs.threshold);
  const amplitude = spread(op.attrs.amplitude);
  const vInit = spread(op.attrs.vInit);
  const v = Float32Array.from(vInit);
  const subtract = op.attrs.reset === "subtract";
  const fired = new Uint8Array(v.length);
  return {
    membranePotential: v,
    spikesOfEach: () => fired,
    bitsOfEach: () => fired,
    reset: () => v.set(vInit),
    run() {
      for (let i = 0; i < v.length; i++) {
        const u = Math.fround((v[i] ?? 0) + (input[i] ?? 0));
        const th = threshold[i] ?? 1;
        if (u >= th) {
          fired[i] = 1;
          v[i] = subtract ? u - th : 0;
          output[i] = amplitude[i] ?? 0;
        } else {
          fired[i] = 0;
          v[i] = u;
          output[i] = 0;
        }
      }
    },
  };
}

function integerNeurons(
  { module }: Site,
  op: OpOf<"snn.if">,
  input: Int32Array,
  output: Int8Array,
): NeuronKernel {
  const spread = (ref: TensorRef): Int32Array => {
    const parameter = tensorAt(module, ref);
    const indices = broadcastIndices(parameter.shape, op.type.shape);
    return indices.map((i) => parameter.data[i] ?? 0);
  };
  const threshold = spread(op.attrs.threshold);
  const amplitude = spread(op.attrs.amplitude);
  const vInit = spread(op.attrs.vInit);
  const v = Int32Array.from(vInit);
  const subtract = op.attrs.reset === "subtract";
  const fired = new Uint8Array(v.length);
  return {
    membranePotential: v,
    spikesOfEach: () => fired,
    bitsOfEach: () => fired,
    reset: () => v.set(vInit),
    run() {
      for (let i = 0; i < v.length; i++) {
        const u = ((v[i] ?? 0) + (input[i] ?? 0)) | 0;
        const th = threshold[i] ?? 1;
        if (u >= th) {
          fired[i] = 1;
          v[i] = subtract ? u - th : 0;
          output[i] = amplitude[i] ?? 0;
        } else {
          fired[i] = 0;
          v[i] = u;
          output[i] = 0;
        }
      }
    },
  };
}
