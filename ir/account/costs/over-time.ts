/** What ops with a state cost at each timestep, neurons apart. */
import { known } from "../../diagnostic.ts";
import type { NeuronKind, OpOf, SpikingKind } from "../../op/op.ts";
import { type Type, elementCount } from "../../type.ts";
import type { Operations } from "../operations.ts";
import { type CostTable, operandElements, perElement, sum, times } from "./rule.ts";
import { tapsWithinBounds } from "./synapse.ts";

const running = {
  rule: "one addition for each element of the operand (running sum), one comparison for each tap within bounds, one addition (what has changed)",
  count(
    { attrs, type }: OpOf<"snn.max-pool" | "snn.rehearsed-max-pool">,
    operands: readonly Type[],
  ): Operations {
    const { shape } = known(operands[0], "an operand");
    return sum(
      times(operandElements(operands), { additions: 1 }),
      times(tapsWithinBounds(attrs, shape, type.shape), { comparisons: 1 }),
      times(elementCount(type.shape), { additions: 1 }),
    );
  },
};

const mean = {
  rule: "one addition, or two where the first timesteps are left out (sums with and without them), one division",
  count: ({ attrs, type }: OpOf<"snn.readout" | "snn.rehearsed-readout">): Operations =>
    times(elementCount(type.shape), { additions: attrs.start > 0 ? 2 : 1, divisions: 1 }),
};

const addition = perElement("one addition", { additions: 1 });

export const overTimeCosts: CostTable<Exclude<SpikingKind, NeuronKind>> = {
  "snn.temporal-bias": addition,
  "snn.low-pass": perElement("two multiplications, one addition", {
    multiplications: 2,
    additions: 1,
  }),
  "snn.accumulate": addition,
  "snn.difference": addition,
  "snn.max-pool": running,
  "snn.rehearsed-max-pool": running,
  "snn.readout": mean,
  "snn.rehearsed-readout": mean,
  "snn.poisson-encode": perElement(
    "one multiplication (gain), one comparison; random bits are nothing",
    {
      multiplications: 1,
      comparisons: 1,
    },
  ),
  "snn.latency-encode": perElement(
    "two multiplications (gain, period), two additions (1 − u, rounding), three comparisons (u, threshold, time)",
    {
      multiplications: 2,
      additions: 2,
      comparisons: 3,
    },
  ),
  "snn.phase-encode": perElement(
    "one multiplication (gain), one addition (rounding), two comparisons (bounds); powers of two shift",
    {
      multiplications: 1,
      additions: 1,
      comparisons: 2,
    },
  ),
  "snn.delta-encode": perElement("two additions (d, r), two comparisons", {
    additions: 2,
    comparisons: 2,
  }),
};
