/** Elementwise ops on float32 values, and sums of int32, where no broadcasting is needed, and per-channel affine. */
import { tensorAt } from "../../../ir/module.ts";
import { broadcastIndices } from "../../../ir/semantics/semantics.ts";
import type { TensorData } from "../../../ir/tensor.ts";
import type { Kernel, Site } from "../kernel.ts";

/** A kernel for the commonest elementwise ops on equal float32 shapes; null for any other. */
export function compileElementwise(site: Site): Kernel | null {
  const { op, output, module } = site;
  const [a, b] = site.inputs;
  if (op.kind === "ann.add" && output instanceof Int32Array) return addIntegers(a, b, output);
  if (!(output instanceof Float32Array) || !(a instanceof Float32Array)) return null;
  const n = output.length;
  if (a.length !== n) return null;
  switch (op.kind) {
    case "ann.relu":
      return {
        run() {
          for (let i = 0; i < n; i++) {
            const x = a[i] ?? 0;
            // Written so that NaN stays NaN.
            output[i] = x < 0 ? 0 : x;
          }
        },
      };
    case "ann.clip": {
      const { min, max } = op.attrs;
      return {
        run() {
          for (let i = 0; i < n; i++) output[i] = Math.min(max, Math.max(min, a[i] ?? 0));
        },
      };
    }
    case "ann.add":
      if (!(b instanceof Float32Array) || b.length !== n) return null;
      return {
        run() {
          for (let i = 0; i < n; i++) output[i] = (a[i] ?? 0) + (b[i] ?? 0);
        },
      };
    case "ann.affine": {
      const scale = tensorAt(module, op.attrs.scale);
      const shift = tensorAt(module, op.attrs.shift);
      const at = broadcastIndices(scale.shape, op.type.shape);
      const from = broadcastIndices(shift.shape, op.type.shape);
      const factors = Float32Array.from(at, (i) => scale.data[i] ?? 0);
      const offsets = Float32Array.from(from, (i) => shift.data[i] ?? 0);
      return {
        run() {
          for (let i = 0; i < n; i++)
            output[i] = (a[i] ?? 0) * (factors[i] ?? 0) + (offsets[i] ?? 0);
        },
      };
    }
    default:
      return null;
  }
}

function addIntegers(
  a: TensorData | undefined,
  b: TensorData | undefined,
  output: Int32Array,
): Kernel | null {
  if (!(a instanceof Int32Array) || !(b instanceof Int32Array)) return null;
  const n = output.length;
  if (a.length !== n || b.length !== n) return null;
  return {
    run() {
      for (let i = 0; i < n; i++) output[i] = (a[i] ?? 0) + (b[i] ?? 0);
    },
  };
}
