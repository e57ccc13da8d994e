/** Pooling over space, and the two ops that look back over time: running max-pool and read-out. */
import { type OpOf, isOp } from "../../../ir/op/op.ts";
import { changeOf } from "../../../ir/semantics/spiking.ts";
import type { TensorData } from "../../../ir/tensor.ts";
import type { Kernel, Site } from "../kernel.ts";
import { type Geometry, windowGeometry } from "./geometry.ts";

/** A kernel for float32 pools, running max-pools and `snn.readout`; null for any other op. */
export function compilePool(site: Site): Kernel | null {
  const { op, output } = site;
  const input = site.inputs[0];
  const inputType = site.inputOps[0]?.type;
  if (input === undefined || inputType === undefined) return null;
  if (op.kind === "snn.readout") return compileReadout(op, input, output);
  if (op.kind === "snn.max-pool") {
    const g = windowGeometry(op.attrs, op.attrs.kernel, inputType.shape, op.type.shape);
    return g === null ? null : compileRunningMaxPool(g, input, output);
  }
  if (!(input instanceof Float32Array) || !(output instanceof Float32Array)) return null;
  if (!isOp(op, "ann.max-pool", "ann.average-pool")) return null;
  const g = windowGeometry(op.attrs, op.attrs.kernel, inputType.shape, op.type.shape);
  if (g === null) return null;
  switch (op.kind) {
    case "ann.max-pool":
      return { run: () => maxPool(g, input, output) };
    case "ann.average-pool":
      return compileAveragePool(op, g, input, output);
  }
}

/** output[c, oy, ox] = the greatest element of the window, −∞ where the window is empty. */
function maxPool(g: Geometry, input: ArrayLike<number>, output: Float32Array | Float64Array): void {
  for (let c = 0, to = 0; c < g.channels; c++) {
    const plane = c * g.height * g.width;
    for (let oy = 0; oy < g.outHeight; oy++) {
      for (let ox = 0; ox < g.outWidth; ox++) {
        let best = -Infinity;
        for (let ky = 0; ky < g.kernelHeight; ky++) {
          const iy = oy * g.strideY - g.padTop + ky * g.dilationY;
          if (iy < 0 || iy >= g.height) continue;
          for (let kx = 0; kx < g.kernelWidth; kx++) {
            const ix = ox * g.strideX - g.padLeft + kx * g.dilationX;
            if (ix < 0 || ix >= g.width) continue;
            const x = input[plane + iy * g.width + ix] ?? 0;
            // A NaN wins, and stays: nothing is greater.
            if (x > best || Number.isNaN(x)) best = x;
          }
        }
        output[to++] = best;
      }
    }
  }
}

function compileRunningMaxPool(g: Geometry, input: TensorData, output: TensorData): Kernel {
  const sums = new Float64Array(input.length);
  const before = new Float64Array(output.length);
  const pooled = new Float64Array(output.length);
  return {
    reset() {
      sums.fill(0);
      before.fill(0);
    },
    run() {
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (input[i] ?? 0);
      maxPool(g, sums, pooled);
      for (let i = 0; i < pooled.length; i++) {
        output[i] = changeOf(pooled[i] ?? 0, before[i] ?? 0);
      }
      before.set(pooled);
    },
  };
}

function compileReadout(op: OpOf<"snn.readout">, input: TensorData, output: TensorData): Kernel {
  const { start } = op.attrs;
  const all = new Float64Array(input.length);
  const late = new Float64Array(input.length);
  let t = 0;
  return {
    reset() {
      t = 0;
      all.fill(0);
      late.fill(0);
    },
    run() {
      t++;
      const settled = t >= 2 * start;
      for (let i = 0; i < input.length; i++) {
        const x = input[i] ?? 0;
        all[i] = (all[i] ?? 0) + x;
        if (t > start) late[i] = (late[i] ?? 0) + x;
        output[i] = settled ? (late[i] ?? 0) / (t - start) : (all[i] ?? 0) / t;
      }
    },
  };
}

function compileAveragePool(
  op: OpOf<"ann.average-pool">,
  g: Geometry,
  input: Float32Array,
  output: Float32Array,
): Kernel | null {
  // What padding counts for in ceil mode is the interpreter's business.
  if (op.attrs.ceilMode && op.attrs.countIncludePad) return null;
  const full = g.kernelHeight * g.kernelWidth;
  return {
    run() {
      for (let c = 0, to = 0; c < g.channels; c++) {
        const plane = c * g.height * g.width;
        for (let oy = 0; oy < g.outHeight; oy++) {
          for (let ox = 0; ox < g.outWidth; ox++) {
            let sum = 0;
            let inside = 0;
            for (let ky = 0; ky < g.kernelHeight; ky++) {
              const iy = oy * g.strideY - g.padTop + ky * g.dilationY;
              if (iy < 0 || iy >= g.height) continue;
              for (let kx = 0; kx < g.kernelWidth; kx++) {
                const ix = ox * g.strideX - g.padLeft + kx * g.dilationX;
                if (ix < 0 || ix >= g.width) continue;
                inside++;
                sum += input[plane + iy * g.width + ix] ?? 0;
              }
            }
            output[to++] = sum / (op.attrs.countIncludePad ? full : inside);
          }
        }
      }
    },
  };
}
