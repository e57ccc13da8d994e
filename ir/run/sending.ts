/** How long the neurons of a network have something to send, as far as its parameters say. */
import { isNeuron } from "../op/known.ts";
import { type Module, tensorAt } from "../module.ts";
import { isOp } from "../op/op.ts";
import { elementCount } from "../type.ts";

/**
 * The last timestep with a finer step than the one before: 1 or more. A neuron of differential code that
 * has sent the nearest multiple of its step holds half a step at most, and sends no more until the step
 * shrinks or something arrives; so behind this timestep nothing is sent but what spikes could not reach
 * before. Null where the parameters do not say it: in other codes, and where steps shrink by a formula.
 */
export function lastFinerStep(module: Module): number | null {
  if (module.code !== "differential") return null;
  let last = 1;
  for (const op of module.ops) {
    if (!isNeuron(op)) continue;
    if (!isOp(op, "snn.graded") || op.attrs.shares === null) return null;
    const { shape, data } = tensorAt(module, op.attrs.shares);
    const [rows = 1, ...rest] = shape;
    const size = elementCount(rest);
    for (let row = rows - 1; row >= last; row--) {
      const differs = Array.from({ length: size }, (_, i) => row * size + i).some(
        (at) => data[at] !== data[at - size],
      );
      if (!differs) continue;
      last = row + 1;
      break;
    }
  }
  return last;
}
