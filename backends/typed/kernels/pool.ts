/** Pooling over space, and the maxima of what was received so far. */
import { type OpOf, isOp } from "../../../ir/op/op.ts";
import { runningMaxPool } from "../../../ir/semantics/over-time.ts";
import type { Kernel, Site } from "../kernel.ts";
import { kernelBy } from "./stepper.ts";
import { type Geometry, windowGeometry } from "./geometry.ts";

/** A kernel for float32 pools and running max-pools; null for any other op. */
export function compilePool(site: Site): Kernel | null {
  const { op, output } = site;
  const input = site.inputs[0];
  const inputType = site.inputOps[0]?.type;
  if (input === undefined || inputType === undefined) return null;
  if (isOp(op, "snn.max-pool", "snn.rehearsed-max-pool")) {
    const { shape } = inputType;
    const g = windowGeometry(op.attrs, op.attrs.kernel, shape, op.type.shape);
    if (g === null) return null;
    const stepper = runningMaxPool(op, shape, (sums, maxima) => maxPool(g, sums, maxima));
    return kernelBy(site, stepper);
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
