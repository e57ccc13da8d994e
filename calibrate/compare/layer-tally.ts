/**
 * The sums behind one layer's comparison. Double precision, one pass over samples, no more memory
 * than a few numbers per neuron.
 */
import { known } from "../../ir/diagnostic.ts";
import { broadcastIndices } from "../../ir/semantics/semantics.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";

/**
 * Where a − y comes from, as mean squares over neurons and samples, relative to the mean of a².
 *
 * With a the ANN's activation, z its operand, A the neuron's amplitude, θ its threshold, v0 its
 * initial potential, x̄ the neuron's mean input current over T timesteps, y its mean output, and
 *
 *     Q(z) = A/T · clip(⌊(z·T + v0) / θ⌋, 0, T)
 *
 * the output of a neuron that is driven by the constant current z, the error is the telescoping sum
 *
 *     a − y = [a − clip(a, 0, A)]        clipping: the neuron cannot fire more than once a step
 *           + [clip(a, 0, A) − Q(z)]     quantisation: only T + 1 levels
 *           + [Q(z) − Q(x̄)]              inherited: earlier layers delivered x̄ instead of z
 *           + [Q(x̄) − y]                 unevenness: spikes came early or late, charge was left over
 *
 * The identity holds per neuron and sample. Mean squares of its parts do not add up to the total,
 * because parts cancel or reinforce each other; `interaction` is the difference. (The three parts
 * are those of Bu et al., ICLR 2022; the separation from what is inherited makes them local.)
 */
export interface LayerError {
  readonly clipping: number;
  readonly quantisation: number;
  readonly inherited: number;
  readonly unevenness: number;
  /** total − (clipping + quantisation + inherited + unevenness); may be negative. */
  readonly interaction: number;
  readonly total: number;
}

export interface LayerFindings {
  readonly neurons: number;
  /** Null where the ANN's activations are all zero, so that nothing is relative to them. */
  readonly error: LayerError | null;
  /** Pearson's, of a and y over neurons and samples; null where one of them is constant. */
  readonly correlation: number | null;
  /** Spikes per neuron and timestep. */
  readonly firingRate: number;
  /** Share of neurons that fired on no sample. */
  readonly dead: number;
  /** Share of neurons that fired on no sample although the ANN's were active on one. */
  readonly silenced: number;
  /** Share of neurons that fired at more than 95 % of all timesteps. */
  readonly saturated: number;
  /** Share of activations that exceed the amplitude. */
  readonly clippedShare: number;
  readonly thresholds: ThresholdSummary;
  /** Mean over neurons of v0 / θ. */
  readonly initialPotential: number;
}

/** The distribution of a layer's thresholds over its channels or neurons. */
export interface ThresholdSummary {
  /** 1, the number of channels, or the number of neurons. */
  readonly count: number;
  readonly min: number;
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
  readonly max: number;
}

/** A neuron that fires at more than this share of timesteps has nothing left to say more with. */
const saturatedRate = 0.95;

interface Parameters {
  readonly threshold: Tensor;
  readonly amplitude: Tensor;
  readonly vInit: Tensor;
}

/** One sample of one layer, each [numel]. */
interface LayerSample {
  /** The ANN's activation. */
  readonly a: ArrayLike<number>;
  /** The activation's operand. */
  readonly z: ArrayLike<number>;
  /** The neuron's mean output. */
  readonly y: ArrayLike<number>;
  /** The neuron's mean input current. */
  readonly x: ArrayLike<number>;
}

/**
 * Q: the mean output over T timesteps of an integrate-and-fire neuron with reset by subtraction,
 * driven by the constant current z: A/T · clip(⌊(z·T + v0) / θ⌋, 0, T).
 */
export function quantised(
  z: number,
  timesteps: number,
  threshold: number,
  amplitude: number,
  vInit: number,
): number {
  const spikes = Math.floor((z * timesteps + vInit) / threshold);
  return (amplitude / timesteps) * Math.min(timesteps, Math.max(0, spikes));
}

export class LayerTally {
  readonly neurons: number;
  private readonly timesteps: number;
  private readonly thresholds: ThresholdSummary;
  private readonly threshold: Float64Array;
  private readonly amplitude: Float64Array;
  private readonly vInit: Float64Array;
  /** Per neuron: the sum over samples of its firing rate, and whether the ANN's was active. */
  private readonly rate: Float64Array;
  private readonly active: Uint8Array;
  private samples = 0;
  private clipped = 0;
  private readonly squares = {
    a: 0,
    clipping: 0,
    quantisation: 0,
    inherited: 0,
    unevenness: 0,
    total: 0,
  };
  private readonly moments = { a: 0, y: 0, yy: 0, ay: 0 };

  constructor(shape: Shape, timesteps: number, parameters: Parameters) {
    this.neurons = elementCount(shape);
    this.timesteps = timesteps;
    this.thresholds = summarise(parameters.threshold);
    this.threshold = expand(parameters.threshold, shape);
    this.amplitude = expand(parameters.amplitude, shape);
    this.vInit = expand(parameters.vInit, shape);
    this.rate = new Float64Array(this.neurons);
    this.active = new Uint8Array(this.neurons);
  }

  add(sample: LayerSample): void {
    const { squares, moments, timesteps } = this;
    for (let i = 0; i < this.neurons; i++) {
      const a = sample.a[i] ?? NaN;
      const y = sample.y[i] ?? NaN;
      const threshold = this.threshold[i] ?? NaN;
      const amplitude = this.amplitude[i] ?? NaN;
      const vInit = this.vInit[i] ?? NaN;
      const clipped = Math.min(amplitude, Math.max(0, a));
      const ideal = quantised(sample.z[i] ?? NaN, timesteps, threshold, amplitude, vInit);
      const fed = quantised(sample.x[i] ?? NaN, timesteps, threshold, amplitude, vInit);
      squares.a += a * a;
      squares.clipping += (a - clipped) ** 2;
      squares.quantisation += (clipped - ideal) ** 2;
      squares.inherited += (ideal - fed) ** 2;
      squares.unevenness += (fed - y) ** 2;
      squares.total += (a - y) ** 2;
      moments.a += a;
      moments.y += y;
      moments.yy += y * y;
      moments.ay += a * y;
      if (a > amplitude) this.clipped++;
      if (a > 0) this.active[i] = 1;
      // An amplitude of zero says nothing whether or not the neuron fires.
      if (amplitude !== 0) this.rate[i] = (this.rate[i] ?? 0) + y / amplitude;
    }
    this.samples++;
  }

  finish(): LayerFindings {
    const { squares, neurons, samples } = this;
    const parts = squares.clipping + squares.quantisation + squares.inherited + squares.unevenness;
    let sum = 0;
    let dead = 0;
    let silenced = 0;
    let saturated = 0;
    this.rate.forEach((total, i) => {
      const rate = total / samples;
      sum += rate;
      if (rate === 0) {
        dead++;
        silenced += this.active[i] ?? 0;
      }
      if (rate > saturatedRate) saturated++;
    });
    return {
      neurons,
      error:
        squares.a === 0
          ? null
          : {
              clipping: squares.clipping / squares.a,
              quantisation: squares.quantisation / squares.a,
              inherited: squares.inherited / squares.a,
              unevenness: squares.unevenness / squares.a,
              interaction: (squares.total - parts) / squares.a,
              total: squares.total / squares.a,
            },
      correlation: this.correlation(),
      firingRate: sum / neurons,
      dead: dead / neurons,
      silenced: silenced / neurons,
      saturated: saturated / neurons,
      clippedShare: this.clipped / (neurons * samples),
      thresholds: this.thresholds,
      initialPotential:
        this.vInit.reduce((sum, v, i) => sum + v / (this.threshold[i] ?? NaN), 0) / neurons,
    };
  }

  private correlation(): number | null {
    const { moments, squares } = this;
    const n = this.neurons * this.samples;
    const varianceA = squares.a / n - (moments.a / n) ** 2;
    const varianceY = moments.yy / n - (moments.y / n) ** 2;
    // What remains of a constant after cancellation is rounding, not variance.
    const smallest = 1e-12;
    if (varianceA <= (smallest * squares.a) / n || varianceY <= (smallest * moments.yy) / n) {
      return null;
    }
    const covariance = moments.ay / n - (moments.a / n) * (moments.y / n);
    return Math.min(1, Math.max(-1, covariance / Math.sqrt(varianceA * varianceY)));
  }
}

/** `t` broadcast to `shape`, as doubles. */
function expand(t: Tensor, shape: Shape): Float64Array {
  return Float64Array.from(broadcastIndices(t.shape, shape), (at) => t.data[at] ?? NaN);
}

function summarise(threshold: Tensor): ThresholdSummary {
  const sorted = Float64Array.from(threshold.data).sort();
  const at = (q: number): number => {
    const position = q * (sorted.length - 1);
    const low = known(sorted[Math.floor(position)], "a threshold");
    const high = known(sorted[Math.ceil(position)], "a threshold");
    return low + (high - low) * (position - Math.floor(position));
  };
  return {
    count: sorted.length,
    min: at(0),
    lowerQuartile: at(0.25),
    median: at(0.5),
    upperQuartile: at(0.75),
    max: at(1),
  };
}
