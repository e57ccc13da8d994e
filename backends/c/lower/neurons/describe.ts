/** What a layer of neurons is, for whoever reads the program. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Interval, intervalOf } from "../../../../ir/analysis/interval.ts";
import { formatLoc, shortName } from "../../../../ir/loc.ts";
import { tensorAt } from "../../../../ir/module.ts";
import { elementCount } from "../../../../ir/type.ts";
import type { Lowering } from "../lowering.ts";
import type { Held } from "../views.ts";
import type { IntegerNeuron } from "./drive.ts";

const kinds = {
  "snn.if": "integrate-and-fire neurons",
  "snn.graded": "graded neurons",
  "snn.lif": "leaky integrate-and-fire neurons",
  "snn.few-spikes": "few-spikes neurons",
  "snn.ttfs": "time-to-first-spike neurons",
} as const satisfies Record<IntegerNeuron["kind"], string>;

/** A line for each of: what it is, its currents, its potentials and thresholds, what it sends. */
export function describe(
  lowering: Lowering,
  op: IntegerNeuron,
  synapses: readonly string[],
  sent: Held,
): readonly string[] {
  const { shape } = op.type;
  const bounds = known(lowering.bounds.neurons.get(op.result), "bounds of neurons");
  const potential = bounds.potential(lowering.options.timesteps);
  const threshold = intervalOf(tensorAt(lowering.module, op.attrs.threshold));
  return [
    `Layer ${lowering.layerNumber(op)}, ${shortName(op.loc)}: ${elementCount(shape)} ${kinds[op.kind]}, ` +
      `${shape.slice(1).join(" × ")} (${formatLoc(op.loc)}).`,
    ...synapses.map((each) => `  ${each}.`),
    `  currents ${text(bounds.current)}; potentials ${text(potential)}; thresholds ${range(threshold)};`,
    `  sends ${text(lowering.intervalOf(op.result))}, as ${sent.array.type}.`,
  ];
}

/** An interval with the bits that it needs. */
function text({ low, high }: Interval): string {
  const bits = Math.ceil(Math.log2(Math.max(high + 1, -low, 1))) + (low < 0 ? 1 : 0);
  return `${range({ low, high })} (${bits} ${bits === 1 ? "bit" : "bits"})`;
}

function range({ low, high }: Interval): string {
  return low === high ? String(low) : `${low} to ${high}`;
}
