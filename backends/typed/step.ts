/** What a plan is a list of. */
import type { Op } from "../../ir/op/op.ts";
import type { Potentials } from "../../ir/semantics/spiking.ts";

/** One op, ready to run. */
export interface Step {
  readonly op: Op;
  /** Whether it must run at every timestep; else it runs at the first only. */
  readonly timeVarying: boolean;
  run(): void;
  /** Back to the state before the first timestep. */
  reset(): void;
}

/** A neuron op's step: what an observer may read after each timestep. */
export interface NeuronStep extends Step {
  /** Spikes of each neuron in the last timestep or frame, [numel]. */
  readonly spikesOfEach: () => Uint8Array;
  /** Binary digits set in their words. */
  readonly bitsOfEach: () => Uint8Array;
  /** Membrane potentials after the last timestep, [numel]. */
  readonly membranePotential: Potentials;
}
