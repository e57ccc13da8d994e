/** The integer form of each kind of neurons, or why it has none. */
import { codeTraitsOf, type Module, tensorAt } from "../../../ir/module.ts";
import type { NeuronKind, OpOf } from "../../../ir/op/op.ts";
import type { Tensor, TensorRef } from "../../../ir/tensor.ts";
import { fewSpikes } from "./few-spikes.ts";
import { firstSpike } from "./first-spike.ts";
import type { NeuronForm, NoForm } from "./form.ts";
import { graded } from "./graded.ts";
import { integrateAndFire } from "./integrate-and-fire.ts";
import { leaky } from "./leaky.ts";

/** How neurons of `module` are made of integers, in a run of so many timesteps. */
export function formOf(
  op: OpOf<NeuronKind>,
  module: Module,
  timesteps: number,
): NeuronForm | NoForm {
  const at = (ref: TensorRef): Tensor => tensorAt(module, ref);
  switch (op.kind) {
    case "snn.if":
      return integrateAndFire(op, at);
    case "snn.graded":
      return graded(op, at, timesteps, takesIncrements(module));
    case "snn.lif":
      return leaky(op, at);
    case "snn.few-spikes":
      return fewSpikes(op, at);
    case "snn.ttfs":
      return firstSpike(op, at, timesteps);
    case "snn.rehearsed-if":
      return {
        why: "it rehearses, which is for floats",
        instead: "leave out rehearse",
      };
  }
}

/** Whether what neurons receive sums to its value: then a constant comes once, and not at each timestep. */
export function takesIncrements({ code }: Pick<Module, "code">): boolean {
  const traits = codeTraitsOf(code);
  return traits !== null && traits.decoder !== "mean";
}
