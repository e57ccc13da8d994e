/** Neurons: state and parameters spread out to one number per neuron, updated in one loop. */
import { tensorAt } from "../../../ir/module.ts";
import { broadcastIndices } from "../../../ir/semantics/semantics.ts";
import type { TensorRef } from "../../../ir/tensor.ts";
import type { NeuronKernel, Site } from "../kernel.ts";

/** A kernel for `snn.if`; null for any other op. The update is the one in `ir/op.ts`. */
export function compileNeuron(site: Site): NeuronKernel | null {
  const { op, output, module } = site;
  const input = site.inputs[0];
  if (op.kind !== "snn.if") return null;
  if (!(input instanceof Float32Array) || !(output instanceof Float32Array)) return null;
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
  let spikes = 0;
  return {
    membranePotential: v,
    spikeCount: () => spikes,
    reset: () => v.set(vInit),
    run() {
      spikes = 0;
      for (let i = 0; i < v.length; i++) {
        const u = Math.fround((v[i] ?? 0) + (input[i] ?? 0));
        const th = threshold[i] ?? 1;
        if (u >= th) {
          spikes++;
          v[i] = subtract ? u - th : 0;
          output[i] = amplitude[i] ?? 0;
        } else {
          v[i] = u;
          output[i] = 0;
        }
      }
    },
  };
}
