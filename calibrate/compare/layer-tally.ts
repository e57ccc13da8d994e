/**
 * The sums behind one layer's comparison. Double precision, one pass over samples, no more memory
 * than a few numbers per neuron.
 */
import { known } from "../../ir/diagnostic.ts";
import type { Tensor } from "../../ir/tensor.ts";
import type { ValuePart } from "./pairs.ts";
import type { Response } from "./response.ts";

/**
 * Where a − y comes from, as mean squares over neurons and samples, relative to the variance of a: the
 * mean square of what differs from each neuron's mean over the samples. A constant that all samples have
 * says nothing, however large it is.
 *
 * With a the ANN's value, z what the activation was given, low and high the least and the largest value
 * that the neuron can send, x what it received, y what it sent, and Q(z) what it would send if it
 * received z throughout (`Response.respond`; of an integrate-and-fire neuron `quantised`), the error
 * is the telescoping sum
 *
 *     a − y = [a − clip(a, low, high)]        clipping: the neuron cannot say more
 *           + [clip(a, low, high) − Q(z)]     quantisation: only so many levels
 *           + [Q(z) − Q(x)]                   inherited: earlier layers delivered x instead of z
 *           + [Q(x) − y]                      unevenness: spikes came early or late, charge was left over
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
  /** Null where the ANN's activations are the same for all samples, so that nothing is relative to them. */
  readonly error: LayerError | null;
  /** Pearson's, of a and y over neurons and samples; null where one of them is constant. */
  readonly correlation: number | null;
  /** Spikes per neuron and timestep. */
  readonly firingRate: number;
  /** Share of neurons that sent nothing on any sample. */
  readonly dead: number;
  /** Share of neurons that sent nothing on any sample although the ANN's were active on one. */
  readonly silenced: number;
  /** Share of neurons that sent more than 95 % of the most they can, in the mean over samples. */
  readonly saturated: number;
  /** Share of values beyond what the neuron can send. */
  readonly clippedShare: number;
  readonly thresholds: ThresholdSummary;
  /** Mean over neurons of v0 / θ; null where v0 is a part of the value. */
  readonly initialPotential: number | null;
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

/** A neuron that uses more than this share of its range has nothing left to say more with. */
const saturatedUse = 0.95;

/** What remains of a constant after cancellation is rounding, not variance. */
const smallestShare = 1e-12;

/** One sample of one layer, each [numel]. */
interface LayerSample {
  /** The ANN's value. */
  readonly a: ArrayLike<number>;
  /** What the activation was given. */
  readonly z: ArrayLike<number>;
  /** What the neurons sent, as a mean over the timesteps. */
  readonly y: ArrayLike<number>;
  /** What they received, as a mean over the timesteps. */
  readonly x: ArrayLike<number>;
  /** Spikes of the whole layer for each neuron and timestep; null to conclude it from `y`. */
  readonly rate: number | null;
}

export class LayerTally {
  readonly neurons: number;
  private readonly response: Response;
  private readonly part: ValuePart;
  /** Per neuron: the sum over samples of how much of its range it used, and whether the ANN's was active. */
  private readonly use: Float64Array;
  private readonly active: Uint8Array;
  /** Per neuron, of the ANN's values: the mean over the samples so far. */
  private readonly mean: Float64Array;
  /** Of the ANN's values: the sum of squares of what differs from their neuron's mean. */
  private deviation = 0;
  private rates = 0;
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

  constructor(response: Response, part: ValuePart = "activation") {
    this.neurons = response.neurons;
    this.response = response;
    this.part = part;
    this.use = new Float64Array(this.neurons);
    this.active = new Uint8Array(this.neurons);
    this.mean = new Float64Array(this.neurons);
  }

  add(sample: LayerSample): void {
    const { squares, moments, response, part } = this;
    const { low, high, offset, scale } = response;
    const wanted = Float64Array.from(sample.z, (z, i) => given(z, part) - (offset[i] ?? NaN));
    const received = Float64Array.from(sample.x, (x) => x * scale);
    const ideals = response.respond(wanted);
    const feds = response.respond(received);
    const count = this.samples + 1;
    let used = 0;
    for (let i = 0; i < this.neurons; i++) {
      const a = sent(sample.a[i] ?? NaN, part);
      const y = (sample.y[i] ?? NaN) * scale;
      const [least, most] = [low[i] ?? NaN, high[i] ?? NaN];
      const clipped = Math.min(most, Math.max(least, a));
      const [ideal, fed] = [ideals[i] ?? NaN, feds[i] ?? NaN];
      squares.a += a * a;
      // Welford's, which loses no digits to a large mean.
      const beside = a - (this.mean[i] ?? 0);
      const mean = (this.mean[i] ?? 0) + beside / count;
      this.mean[i] = mean;
      this.deviation += beside * (a - mean);
      squares.clipping += (a - clipped) ** 2;
      squares.quantisation += (clipped - ideal) ** 2;
      squares.inherited += (ideal - fed) ** 2;
      squares.unevenness += (fed - y) ** 2;
      squares.total += (a - y) ** 2;
      moments.a += a;
      moments.y += y;
      moments.yy += y * y;
      moments.ay += a * y;
      if (a > most || a < least) this.clipped++;
      if (part === "signed" ? a !== 0 : a > 0) this.active[i] = 1;
      const span = y < 0 ? -least : most;
      // A range of nothing says nothing whether or not the neuron fires.
      const share = span === 0 ? 0 : Math.abs(y) / span;
      this.use[i] = (this.use[i] ?? 0) + share;
      used += share;
    }
    this.rates += sample.rate ?? used / this.neurons;
    this.samples++;
  }

  finish(): LayerFindings {
    const { squares, neurons, samples } = this;
    // One sample has no variance: there what is sent is all that there is to go by.
    const varies = this.deviation > smallestShare * squares.a;
    const signal = samples === 1 ? squares.a : varies ? this.deviation : 0;
    const parts = squares.clipping + squares.quantisation + squares.inherited + squares.unevenness;
    let dead = 0;
    let silenced = 0;
    let saturated = 0;
    this.use.forEach((total, i) => {
      if (total === 0) {
        dead++;
        silenced += this.active[i] ?? 0;
      }
      if (total / samples > saturatedUse) saturated++;
    });
    return {
      neurons,
      error:
        signal === 0
          ? null
          : {
              clipping: squares.clipping / signal,
              quantisation: squares.quantisation / signal,
              inherited: squares.inherited / signal,
              unevenness: squares.unevenness / signal,
              interaction: (squares.total - parts) / signal,
              total: squares.total / signal,
            },
      correlation: this.correlation(),
      firingRate: this.rates / samples,
      dead: dead / neurons,
      silenced: silenced / neurons,
      saturated: saturated / neurons,
      clippedShare: this.clipped / (neurons * samples),
      thresholds: summarise(this.response.thresholds),
      initialPotential: this.response.initialPotential,
    };
  }

  private correlation(): number | null {
    const { moments, squares } = this;
    const n = this.neurons * this.samples;
    const varianceA = squares.a / n - (moments.a / n) ** 2;
    const varianceY = moments.yy / n - (moments.y / n) ** 2;
    if (
      varianceA <= (smallestShare * squares.a) / n ||
      varianceY <= (smallestShare * moments.yy) / n
    ) {
      return null;
    }
    const covariance = moments.ay / n - (moments.a / n) * (moments.y / n);
    return Math.min(1, Math.max(-1, covariance / Math.sqrt(varianceA * varianceY)));
  }
}

/** What the neurons are given of z. */
function given(z: number, part: ValuePart): number {
  return part === "negative" ? -z : z;
}

/** What they are to send of the ANN's value. */
function sent(a: number, part: ValuePart): number {
  if (part === "positive") return Math.max(0, a);
  return part === "negative" ? Math.max(0, -a) : a;
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
