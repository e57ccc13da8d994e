/** Ops with a state: what `ir/semantics/` states of them, stepped over the arrays that are there. */
import { known } from "../../../ir/diagnostic.ts";
import { tensorAt } from "../../../ir/module.ts";
import type { NeuronKind, OpOf, SpikingKind } from "../../../ir/op/op.ts";
import { type Stepper, wholeStepperOf } from "../../../ir/semantics/spiking.ts";
import type { Kernel, NeuronKernel, Site } from "../kernel.ts";

/** Neurons of any kind; framed ones take the sum of a frame and give that of their own. */
export function compileNeurons(site: Site, op: OpOf<NeuronKind>): NeuronKernel {
  const stepper = stepperOf(site, op);
  return { ...kernelBy(site, stepper), neurons: known(stepper.neurons, "neurons") };
}

/** Any other op that is stepped through time. */
export function compileStepper(site: Site, op: OpOf<SpikingKind>): Kernel {
  return kernelBy(site, stepperOf(site, op));
}

/** From the operands' arrays to the result's. */
export function kernelBy(site: Site, stepper: Stepper): Kernel & { reset(): void } {
  const input = known(site.inputs[0], "an operand");
  const [, second] = site.inputs;
  const { output } = site;
  return {
    run: () => stepper.step(input, output, second),
    reset: () => stepper.restart(),
  };
}

function stepperOf({ module, inputOps }: Site, op: OpOf<SpikingKind>): Stepper {
  const { shape } = known(inputOps[0], "an operand").type;
  return wholeStepperOf(op, shape, (ref) => tensorAt(module, ref), module.timesteps);
}
