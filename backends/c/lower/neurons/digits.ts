/** Quotients digit by digit: a few comparisons, of which compilers make vectors, in place of a division, of which they make none. */
import { magnitude } from "../../../../ir/analysis/interval.ts";
import { intervalOf } from "../../../../ir/analysis/interval.ts";
import { known } from "../../../../ir/diagnostic.ts";
import { isOp, type OpOf } from "../../../../ir/op/op.ts";
import { tensorAt } from "../../../../ir/module.ts";
import { type Code } from "../../text/code.ts";
import type { Lowering } from "../lowering.ts";

/** More digits than this take longer than dividing. */
const mostDigits = 8;

/**
 * Lines that set k to the whole number nearest to `wanted` / q, a tie up, where that is from `low` to `high`, and to a
 * bound of these or beyond `high` elsewhere. Null where a sum on the way might not fit 32 bits.
 */
export function digitsOf(
  lowering: Lowering,
  op: OpOf<"snn.graded" | "snn.ttfs">,
  { wanted, low, high }: { readonly wanted: string; readonly low: number; readonly high: number },
): readonly Code[] | null {
  const digits = Math.ceil(Math.log2(high - low + 1));
  const bounds = known(lowering.bounds.neurons.get(op.result), "bounds of neurons");
  const most = magnitude(bounds.potential(lowering.options.timesteps));
  const step = largestStep(lowering, op);
  const room = most + (1 - low) * step;
  if (digits > mostDigits || room >= 2 ** 31 || 2 ** digits * step >= 2 ** 31) return null;
  const offset = low === 0 ? "" : ` + ${-low} * q`;
  const tries = Array.from({ length: digits }, (_, i) => 2 ** (digits - 1 - i));
  return [
    `int32_t k = ${low}, rest = ${wanted} + (q >> 1)${offset};`,
    tries.map((digit) => {
      const part = digit === 1 ? "q" : `${digit} * q`;
      return `if (rest >= ${part}) rest -= ${part}, k += ${digit};`;
    }),
  ];
}

function largestStep(lowering: Lowering, op: OpOf<"snn.graded" | "snn.ttfs">): number {
  const threshold = intervalOf(tensorAt(lowering.module, op.attrs.threshold)).high;
  const shares = isOp(op, "snn.graded") ? op.attrs.shares : null;
  return threshold * (shares === null ? 1 : intervalOf(tensorAt(lowering.module, shares)).high);
}
