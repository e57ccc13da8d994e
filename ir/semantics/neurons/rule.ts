/** What a neuron does in one timestep, one number at a time: integrate, fire, reset. */

/**
 * The rule of a neuron kind over one arithmetic. Its functions are pure and allocate nothing, so that whoever
 * holds the state of neurons, and however, can step them: populations of engines, and passes that
 * try out other thresholds. A spike of k units of the step θ changes the potential and what was sent by k · θ.
 */
export interface NeuronRule {
  /** The potential u of a neuron that held v and received x. */
  readonly integrate: (v: number, x: number) => number;
  /** The spike k of a neuron with potential u that has sent `sent`; a ceiling of Infinity is none. */
  readonly fire: (u: number, sent: number, step: number, ceiling: number) => number;
  /** What is left of u after a spike of k units, worth `change`. */
  readonly reset: (u: number, k: number, change: number) => number;
}
