/** `snn.if`: integrate, fire (a tie fires), reset, as `ir/op/op.ts` has it. */
import type { OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Shape } from "../../type.ts";
import { resultOf } from "../semantics.ts";
import { type Cell, counted, isInteger, perNeuron } from "./cell.ts";

export function integrateAndFire(op: OpOf<"snn.if">, shape: Shape, tensors: TensorLookup): Cell {
  const integer = isInteger(op);
  // What a sum is rounded to: float32, or nothing but the width of an integer.
  const stored = integer ? (u: number): number => u | 0 : Math.fround;
  const threshold = perNeuron(op.attrs.threshold, shape, tensors, integer);
  const amplitude = perNeuron(op.attrs.amplitude, shape, tensors, integer);
  const v = perNeuron(op.attrs.vInit, shape, tensors, integer);
  const neurons = counted(v, "digits");
  return {
    neurons,
    step(x) {
      neurons.spikesOfEach.fill(0);
      const y = new Float64Array(v.length);
      for (let i = 0; i < v.length; i++) {
        const u = stored((v[i] ?? 0) + (x.data[i] ?? 0));
        const theta = threshold[i] ?? 0;
        if (u >= theta) {
          neurons.spikesOfEach[i] = 1;
          v[i] = op.attrs.reset === "subtract" ? u - theta : 0;
          y[i] = amplitude[i] ?? 0;
        } else {
          v[i] = u;
        }
      }
      return resultOf(op, y);
    },
  };
}
