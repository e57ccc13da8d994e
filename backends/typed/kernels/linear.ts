/**
 * Fully connected layers driven by the non-zero elements of their input: one event adds one
 * contiguous row of the transposed weights.
 */
import { tensorAt } from "../../../ir/module.ts";
import { type Kernel, type Site, synapseArrays } from "../kernel.ts";

/** A kernel for float32 or integer `ann.linear`; null for any other op. */
export function compileLinear(site: Site): Kernel | null {
  const { op } = site;
  const arrays = synapseArrays(site);
  if (op.kind !== "ann.linear" || arrays === null) return null;
  const { input, output } = arrays;
  const weight = tensorAt(site.module, op.attrs.weight);
  const [outCount = 0, inCount = 0] = weight.shape;
  const bias = op.attrs.bias === null ? null : tensorAt(site.module, op.attrs.bias).data;
  const rows = inCount === 0 ? 0 : input.length / inCount;
  const transposed = site.packing.pack(op, op.attrs.weight, inCount * outCount, (into) => {
    for (let o = 0; o < outCount; o++) {
      for (let i = 0; i < inCount; i++) into[i * outCount + o] = weight.data[o * inCount + i] ?? 0;
    }
  });
  const sums = new Float64Array(outCount);
  return {
    run() {
      for (let row = 0; row < rows; row++) {
        sums.fill(0);
        for (let i = 0; i < inCount; i++) {
          const x = input[row * inCount + i] ?? 0;
          if (x === 0) continue;
          for (let o = 0, w = i * outCount; o < outCount; o++, w++) {
            sums[o] = (sums[o] ?? 0) + x * (transposed[w] ?? 0);
          }
        }
        for (let o = 0; o < outCount; o++) {
          output[row * outCount + o] = (sums[o] ?? 0) + (bias?.[o] ?? 0);
        }
      }
    },
  };
}
