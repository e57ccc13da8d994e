/** How long programs may run: as long as no sum can leave 32 bits, in whatever order it is added up. */
import { integerBounds } from "../../ir/analysis/bounds.ts";
import { magnitude } from "../../ir/analysis/interval.ts";
import { isFramed, type Module } from "../../ir/module.ts";
import { isOp } from "../../ir/op/op.ts";

/** No program is made for more; what runs so long is stopped by somebody. */
const longest = 2 ** 16;

/**
 * The timesteps that a program for `timesteps` may run: these, and twice as many as often as all that is
 * added in place stays within 32 bits.
 */
export function horizonOf(module: Module, timesteps: number): number {
  if (isFramed(module.code)) return module.timesteps;
  let horizon = timesteps;
  while (2 * horizon <= longest && isSafe(module, 2 * horizon)) horizon *= 2;
  return horizon;
}

function isSafe(module: Module, timesteps: number): boolean {
  const { neurons, values, partialSums, timesteps: proven } = integerBounds(module);
  if (timesteps > proven) return false;
  for (const bounds of neurons.values()) {
    if (magnitude(bounds.potential(timesteps)) + bounds.partialSum >= 2 ** 31) return false;
  }
  return module.ops.every((op) => {
    if (!isOp(op, "snn.max-pool", "snn.readout", "snn.accumulate")) return true;
    const [operand] = op.inputs;
    const comes = operand === undefined ? undefined : values.get(operand);
    if (operand === undefined || comes === undefined) return true;
    return magnitude(comes) * timesteps + (partialSums.get(operand) ?? 0) < 2 ** 31;
  });
}
