/** Ops with a state that have no loop of their own here: the interpreter's cells, made anew for each run. */
import { type StatefulKind } from "../../../ir/op/op.ts";
import { known } from "../../../ir/diagnostic.ts";
import { tensorAt } from "../../../ir/module.ts";
import type { NeuronKind, OpOf } from "../../../ir/op/op.ts";
import { type Cell, type Neurons, steppedCellOf } from "../../../ir/semantics/spiking.ts";
import type { SpikingKind } from "../../../ir/op/op.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import type { Kernel, NeuronKernel, Site } from "../kernel.ts";

/** An op that is stepped through time. */
export function compileCell(site: Site, op: OpOf<StatefulKind>): Kernel {
  const x = operandOf(site);
  let cell = cellFor(site, op, x);
  return {
    run: () => site.output.set(cell.step(x).data),
    reset() {
      cell = cellFor(site, op, x);
    },
  };
}

/** Neurons of any kind; framed ones take the sum of a frame and give that of their own. */
export function cellNeurons(site: Site, op: OpOf<NeuronKind>): NeuronKernel {
  const x = operandOf(site);
  let cell = cellFor(site, op, x);
  const neurons = (): Neurons => known(cell.neurons, "neurons");
  return {
    get membranePotential() {
      return neurons().membranePotential;
    },
    spikesOfEach: () => neurons().spikesOfEach,
    bitsOfEach: () => neurons().bitsOfEach,
    run: () => site.output.set(cell.step(x).data),
    reset() {
      cell = cellFor(site, op, x);
    },
  };
}

function cellFor({ module }: Site, op: OpOf<SpikingKind>, x: Tensor): Cell {
  return steppedCellOf(op, x.shape, (ref) => tensorAt(module, ref), module.timesteps);
}

function operandOf(site: Site): Tensor {
  const { dtype, shape } = known(site.inputOps[0], "an operand").type;
  return { dtype, shape, data: known(site.inputs[0], "an operand") };
}
