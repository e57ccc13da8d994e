/** Attributes of neurons, and what each kind does at a timestep. */
import type { ResetMode, RehearsalRule, Alphabet, Sign, StepSchedule } from "./shared.ts";
import type { TensorRef } from "../../tensor.ts";

export interface NeuronOps {
  /**
   * Integrate-and-fire. In each timestep, in this order:
   *
   *     u[t] = v[t−1] + x[t]                        integrate (no leak)
   *     s[t] = 1 where u[t] ≥ threshold, else 0     fire; a tie fires
   *     v[t] = u[t] − threshold · s[t]              reset by subtraction
   *            or 0 where s[t] = 1, else u[t]       reset to zero
   *     y[t] = amplitude · s[t]
   *
   * v[0] = vInit, an absolute potential. All three tensors broadcast to the value's shape:
   * scalar, per channel, or per neuron. Reset by subtraction conserves charge:
   * Σ x = threshold · Σ s + v[T] − v[0]. (Rueckauer et al. 2017; Bu et al. 2022 for v[0].)
   *
   * On f32, u and v are each rounded once. No potential of NaN fires. On i32, threshold, vInit and potentials are i32,
   * amplitudes and spikes i8, and nothing is rounded; potentials would wrap beyond 32 bits, for
   * which `ir/analysis/bounds.ts` knows the number of timesteps that is safe.
   */
  "snn.if": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly reset: ResetMode;
  };
  /**
   * Integrate-and-fire that rehearses: the neuron runs for `rehearsal` = ρ timesteps, then starts anew
   * with what it learned. Each timestep is one of `snn.if` with reset by subtraction. With ε =
   * 0.001 · threshold, and over the timesteps t ≤ ρ
   *
   *     e = min (v[t] + ε) where s[t] = 1                  lower by this, and a spike would not have come
   *     g = min (threshold − v[t] + ε) where s[t] = 0      higher by this, and one more would have come
   *
   * (∞ where there is no such t), the potential before timestep ρ + 1 is, with rule `offset`
   *
   *     vInit − max(threshold, e)                   where v[ρ] < 0 and e < ∞: a spike too many
   *     vInit + max(threshold, g)                   where v[ρ] ≥ threshold and g < ∞: one too few
   *     vInit                                       elsewhere
   *
   * and with rule `silence` −∞, so that it never fires again, where v[ρ] ≤ ε, elsewhere vInit. (Hao et
   * al., ICLR 2023 and AAAI 2023.) Potentials are absolute: v[ρ] has vInit in it, as with the authors.
   * All neurons of a network rehearse at the same time. f32 only; 0.001 is the nearest f32, and each
   * +, − and · is rounded once.
   */
  "snn.rehearsed-if": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly rehearsal: number;
    readonly rule: RehearsalRule;
  };
  /**
   * Graded neurons: spikes of several sizes, of either sign, with a step that may shrink over time.
   * K = 2^bits − 1, and step q_t and amplitude a_t are threshold and amplitude by the schedule: as they
   * are (constant), divided by t (reciprocal), times the larger of 2^−(t−1) and 2^−24 (halving), or times
   * row min(t, S) of the table `shares` [S, …], whose rows broadcast to the neurons (table); r is the
   * total that was sent, 0 at first. In each timestep, in this order:
   *
   *     u[t] = v[t−1] + x[t]                        integrate (no leak)
   *     w[t] = u[t], or max(u[t], −r[t−1])          what there is to send
   *     k[t] = clip(⌊w[t]/q_t + ½⌋, low, high)      fire the nearest multiple of the step; a tie fires up
   *     v[t] = u[t] − k[t]·q_t                      reset by subtraction
   *     r[t] = r[t−1] + k[t]·q_t
   *     y[t] = a_t · k[t]
   *
   * v[0] = vInit. sign: `positive`, low = 0; `free`, low = −K; `retract`, low = −K, and w is the maximum:
   * spikes take back what was sent, and no more but for rounding, which later ones make up for where
   * steps shrink. high = K, or min(K, ⌊(ceiling − r[t−1])/q_t + ½⌋) where there is a ceiling on the
   * total, which may be below 0; clip(x, low, high) = max(low, min(high, x)).
   * Alphabet `word`: every integer from low to high, an n-bit word of as many binary spikes as |k| has
   * bits set. Alphabet `power`: k = ±2^e, the largest e < bits with ¾ · 2^e · q_t ≤ |w| that keeps
   * within low and high, else 0; with `retract`, low = −max(0, min(K, ⌊r[t−1]/q_t + ½⌋)) here.
   *
   * One family: bits 1 with sign positive is `snn.if` with v[0] raised by half a threshold; with sign
   * retract the signed neuron of Wang et al. (IJCAI 2022), ST-BIF and SpikeGrad; more bits, burst
   * neurons (Li & Zeng 2022) and H-MT (AAAI 2026); with steps of 1/t, differential coding (Huang et
   * al., ICML 2025); halving, radix coding. Steps that shrink go with operands that are increments
   * (`snn.difference`), whose sum is the value.
   *
   * On f32 each +, −, · and / above is rounded once, those that make q_t and a_t as well: y is
   * fl(k · fl(amplitude · share)), and ⌊w/q + ½⌋ is ⌊fl(fl(w/q) + ½)⌋. On i32 everything is exact, spikes
   * are i32, and the schedule is constant, or a table of whole shares from 1 up: the finest step is the
   * unit, and earlier ones are multiples of it. The largest step is a number of 32 bits.
   */
  "snn.graded": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly ceiling: TensorRef | null;
    readonly bits: number;
    readonly alphabet: Alphabet;
    readonly sign: Sign;
    readonly schedule: StepSchedule;
    /** Given with schedule `table` only. */
    readonly shares: TensorRef | null;
  };
  /**
   * Leaky integrate-and-fire with a refractory period, driven by a current J = x[t] that is constant
   * within a timestep. λ = `leak` is what is left of a potential after one timestep, exp(−dt/τ);
   * `refractory` is τ_ref/dt. w[0] = 0 is how long the neuron is still silenced. In each timestep:
   *
   *     δ    = clip(1 − w[t−1], 0, 1)               the part of the step in which it integrates
   *     u[t] = J + (v[t−1] − J) · λ^δ               leak and integrate, exactly
   *     s[t] = 1 where u[t] ≥ threshold and δ > 0   fire; a tie fires
   *     v[t] = 0 where s[t] = 1 (reset zero), u[t] − threshold (subtract), else max(u[t], 0)
   *     w[t] = max(w[t−1] − 1, 0), or max(refractory − e, 0) where s[t] = 1
   *     y[t] = amplitude · s[t]
   *
   * e is how long before the end of the step the threshold was crossed: 0 with spikeTime "step"; with
   * "exact" log1p(max(−1, −(u − threshold)/(J − threshold))) / ln λ, at most δ (as where the potential
   * was above the threshold all along), and 0 where J ≤ threshold.
   * v[0] = vInit. The potential does not go below 0 (Hunsberger & Eliasmith 2016; the update is that
   * of the Nengo simulator). On f32 it is computed in double precision, λ^δ as exp(δ · ln λ), and v and w
   * are rounded to f32 at the end of the step.
   *
   * On i32 all is exact but for what leaks. λ is a whole multiple k/2^16, and
   *
   *     u[t] = J + trunc((v[t−1] − J) · k / 2^16)   rounded towards 0, so that u gets to J itself
   *
   * where δ = 1; `refractory` is a whole number, so that δ is 1 or 0, and with 0 u[t] = v[t−1];
   * spikeTime is "step"; spikes are i32. No potential leaves the range of currents, vInit and 0.
   */
  "snn.lif": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly leak: number;
    readonly refractory: number;
    readonly spikeTime: "step" | "exact";
    readonly reset: ResetMode;
  };
  /**
   * Few-spikes neurons (Stoeckl & Maass 2021): a value as K weighted spikes. Only in a module of code
   * `few-spikes`: the neuron receives the whole frame x[1] … x[T] before it fires its own.
   *
   *     v[0] = vInit + Σ x                          integrate the frame
   *     z[t] = 1 where v[t−1] ≥ threshold[t], else 0    fire; a tie fires
   *     v[t] = v[t−1] − reset[t] · z[t]
   *     y[t] = amplitude[t] · z[t]                  for t = 1 … K; 0 for K < t ≤ T
   *
   * The frame is summed in double precision and rounded to f32; then each + and − is rounded once. Of
   * K > T rows the first T fire, and no potential of NaN does.
   *
   * threshold, reset and amplitude are [K, …]: a row per spike, whose rest broadcasts to the value's
   * shape. With all three α·2^(K−t) and vInit half the last of them this is ReLU rounded to K bits.
   * On i32 everything is exact, and spikes are i32.
   */
  "snn.few-spikes": {
    readonly threshold: TensorRef;
    readonly reset: TensorRef;
    readonly amplitude: TensorRef;
    readonly vInit: TensorRef;
  };
  /**
   * Time to first spike: a value as the time of one spike. Only in a module of code `ttfs`: the neuron
   * receives the whole frame of T ticks before its own begins, then climbs a ramp of slope q =
   * threshold and fires when it reaches (T + 1)·q, once:
   *
   *     v = vInit + Σ x                             integrate the frame
   *     t* = T + 1 − min(v/q, T)                    when v + t·q reaches (T + 1)·q; no spike if v/q ≤ 0
   *     y[t] = amplitude · (T + 1 − t*)             at tick min(T, ⌊t*⌋), else 0
   *
   * The frame is summed in double precision and rounded to f32; then +, / and · are rounded once each.
   * With resolution "tick" v/q is first rounded to a whole number, ⌊fl(fl(v/q) + ½)⌋, and no spike where
   * that is 0 or less: t* is a tick. With "continuous" the spike falls between ticks, and the sum of the frame
   * is the rectified value itself, up to the window T·q (Stanojevic et al. 2022, 2024). The worth of a
   * spike, T + 1 − t*, is what the ramp it starts at its synapses has grown to at the end of the frame.
   * On i32 the resolution is "tick", T + 1 − t* = clip(⌊v/q + ½⌋, 0, T) is exact, and spikes are i32.
   */
  "snn.ttfs": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly resolution: "tick" | "continuous";
  };
}
