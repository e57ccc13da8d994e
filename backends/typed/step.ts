/** What a plan is a list of. */
import type { Op } from "../../ir/op/op.ts";
import type { Neurons } from "../../ir/semantics/spiking.ts";

/** One op, ready to run. */
export interface Step {
  readonly op: Op;
  /** Whether it must run at every timestep; else it runs at the first only. */
  readonly timeVarying: boolean;
  run(): void;
  /** Back to the state before the first timestep. */
  reset(): void;
}

/** A neuron op's step: what an observer may read after each timestep, or frame. */
export interface NeuronStep extends Step {
  readonly neurons: Neurons;
}
