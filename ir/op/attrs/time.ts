/** Attributes of the ops that look across timesteps and are no neurons: pools of running sums, decoders, biases over time. */
import type { PoolAttrs, None } from "./shared.ts";
import type { TensorRef } from "../../tensor.ts";

export interface TimeOps {
  /**
   * A bias for each timestep: y[t] = x[t] + table[min(t, R)], with table [R, …], whose rest broadcasts
   * to the shape of x. (Wu et al., ECCV 2024, forward temporal bias correction.)
   */
  "snn.temporal-bias": { readonly table: TensorRef };
  /**
   * A synapse that smooths: y[t] = decay · y[t−1] + (1 − decay) · x[t], y[0] = 0, in double precision,
   * rounded once; y[t−1] is the rounded one. decay = exp(−dt/τ_s).
   */
  "snn.low-pass": { readonly decay: number };
  /**
   * The decoder of codes that send increments: y[t] = x[1] + … + x[t], in double precision, rounded
   * once per step.
   */
  "snn.accumulate": None;
  /**
   * A decoded value as increments: y[t] = x[t] − x[t−1], x[0] = 0, rounded once. Of a value that stays the same it is
   * that value at t = 1 and 0 afterwards, of an infinite one and of NaN as well. Of floats or i32.
   */
  "snn.difference": None;
  /**
   * Max-pooling of values over time by their running sums S[t] = x[1] + … + x[t]:
   *
   *     y[t] = maxpool(S[t]) − maxpool(S[t−1])
   *
   * so that the outputs up to t sum to the pool of the sums up to t, exactly and at each t. On the
   * spikes of equally scaled neurons it passes the spikes of the one that has fired most (Li & Zeng,
   * IJCAI 2022; the gating of Rueckauer et al. 2017 made exact). Padding never wins, and the pool of
   * nothing is 0: maxpool(S[0]) = 0. Sums in double precision, y rounded once.
   */
  "snn.max-pool": PoolAttrs;
  /** `snn.max-pool`, whose sums and their pool start at 0 again after `rehearsal` timesteps. f32 only. */
  "snn.rehearsed-max-pool": PoolAttrs & { readonly rehearsal: number };
  /**
   * The decoder of rate code: the mean of x over the timesteps seen so far, leaving out the first
   * `start`. Until as many timesteps have followed as are left out (t < 2 · start) it is the mean
   * over all of 1 … t, so that a run can be read at each t:
   *
   *     y[t] = (x[1] + … + x[t]) / t                        where t < 2 · start
   *     y[t] = (x[start+1] + … + x[t]) / (t − start)        elsewhere
   *
   * Summed and divided in double precision, rounded once to f32, of integers as well.
   */
  "snn.readout": { readonly start: number };
  /**
   * `snn.readout` that starts anew after `rehearsal` timesteps: from then on t, and with it `start`,
   * counts from there, so that nothing of the rehearsal is in the mean. f32 only.
   */
  "snn.rehearsed-readout": { readonly start: number; readonly rehearsal: number };
}
