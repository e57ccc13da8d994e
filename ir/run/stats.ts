/**
 * What calibration knows of a value: per channel, mergeable, and independent of the order in which
 * samples were seen. `calibrate/` gathers it, passes read it, engines fill it inside their workers.
 *
 * Counts are integers and sums are fixed-point integers, so merge(a, b) is commutative and
 * associative to the bit.
 */
import { twoToThe } from "./octaves.ts";
import type { ValueId } from "../op/op.ts";

/** Buckets per octave: neighbouring bucket bounds differ by 2^(1/32), so by 2.2 %. */
const bucketsPerOctave = 32;
/** Magnitudes below 2^-126 count as zero: they are no normal float32. */
const smallestOctave = -126;
const octaves = 254;
const bucketsPerSign = bucketsPerOctave * octaves;
/** No float32 is larger; squares of such numbers can still be summed in double precision. */
const largestMagnitude = 2 ** 128;
/** Sums are kept in units of 2^-40. */
const sumUnit = 2 ** 40;

/** Index of the bucket that holds |x|, or -1 for what counts as zero. */
export function bucketOf(magnitude: number): number {
  if (magnitude < 2 ** smallestOctave) return -1;
  double[0] = magnitude;
  const high = words[highWord] ?? 0;
  const within = stretches[(high & 0xfffff) >>> (20 - stretchBits)] ?? unclear;
  if (within !== unclear) {
    return ((high >>> 20) - 1023 - smallestOctave) * bucketsPerOctave + within;
  }
  const index = Math.floor((Math.log2(magnitude) - smallestOctave) * bucketsPerOctave);
  return Math.min(index, bucketsPerSign - 1);
}

/** A number and its bits: a logarithm takes five times as long as to look at these. */
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
double[0] = 1;
const highWord = words[1] === 0 ? 0 : 1;
/** An octave in stretches of equal length, by the first bits of the mantissa. */
const stretchBits = 12;
const unclear = 255;
/**
 * The bucket of its octave that all of a stretch lies in; unclear where a bound is in it, or so near that it is
 * the logarithm's rounding that decides.
 */
const stretches = Uint8Array.from({ length: 2 ** stretchBits }, (_, i) => {
  const margin = 1e-6;
  const [first, last] = [i - margin, i + 1 + margin].map((at) =>
    Math.floor(Math.log2(1 + at / 2 ** stretchBits) * bucketsPerOctave),
  );
  return first !== undefined && first === last ? first : unclear;
});

/** The lower bound of a bucket of magnitudes. */
function bucketBound(index: number): number {
  return twoToThe(smallestOctave * bucketsPerOctave + index, bucketsPerOctave);
}

/** A run of equal weight in a channel's distribution: `count` elements near `value`. */
export interface Mass {
  readonly value: number;
  readonly count: number;
}

/**
 * A window of bucket counts that grows by octaves. There are tens of thousands of channels, so
 * counts take four bytes each, and eight only where one of them has outgrown four.
 */
interface Buckets {
  first: number;
  counts: Uint32Array | Float64Array;
}

const largestUint32 = 2 ** 32 - 1;

function noBuckets(): Buckets {
  return { first: 0, counts: new Uint32Array(0) };
}

function addToBucket(b: Buckets, index: number, count: number): void {
  if (index < b.first || index >= b.first + b.counts.length) growTo(b, index);
  const sum = (b.counts[index - b.first] ?? 0) + count;
  if (sum > largestUint32 && b.counts instanceof Uint32Array) {
    b.counts = Float64Array.from(b.counts);
  }
  b.counts[index - b.first] = sum;
}

/** Widens the window to the whole octaves that hold what it holds and `index`. */
function growTo(b: Buckets, index: number): void {
  const octave = Math.floor(index / bucketsPerOctave) * bucketsPerOctave;
  const isEmpty = b.counts.length === 0;
  const first = isEmpty ? octave : Math.min(b.first, octave);
  const end = Math.max(isEmpty ? 0 : b.first + b.counts.length, octave + bucketsPerOctave);
  const grown =
    b.counts instanceof Uint32Array ? new Uint32Array(end - first) : new Float64Array(end - first);
  if (!isEmpty) grown.set(b.counts, b.first - first);
  b.first = first;
  b.counts = grown;
}

function filledBuckets({ first, counts }: Buckets): number[] {
  const filled: number[] = [];
  counts.forEach((count, i) => {
    if (count > 0) filled.push(first + i, count);
  });
  return filled;
}

/** Statistics of one channel. Mutable while it is being gathered. */
export class ChannelStatistics {
  count = 0;
  /** Elements that were NaN, infinite or beyond all use; nothing else here knows of them. */
  notFinite = 0;
  min = Infinity;
  max = -Infinity;
  private zeroCount = 0;
  private sum = 0n;
  private sumOfSquares = 0n;
  private readonly positive = noBuckets();
  private readonly negative = noBuckets();

  /**
   * Takes one sample's elements data[offset + k · stride], k < length. Sums are rounded to units of
   * 2^-40 once per call, so what one call holds must always be one sample's share.
   */
  add(data: ArrayLike<number>, offset: number, stride: number, length: number): void {
    let sum = 0;
    let squares = 0;
    let notFinite = 0;
    let { min, max } = this;
    for (let k = 0; k < length; k++) {
      // Adding zero takes the sign off -0: a minimum must not depend on which zero came first.
      const x = (data[offset + k * stride] ?? NaN) + 0;
      if (!(Math.abs(x) < largestMagnitude)) {
        notFinite++;
        continue;
      }
      sum += x;
      squares += x * x;
      if (x < min) min = x;
      if (x > max) max = x;
      const bucket = bucketOf(Math.abs(x));
      if (bucket < 0) this.zeroCount++;
      else addToBucket(x > 0 ? this.positive : this.negative, bucket, 1);
    }
    this.min = min;
    this.max = max;
    this.notFinite += notFinite;
    this.count += length - notFinite;
    this.sum += BigInt(Math.round(sum * sumUnit));
    this.sumOfSquares += BigInt(Math.round(squares * sumUnit));
  }

  merge(other: ChannelStatistics): void {
    this.count += other.count;
    this.notFinite += other.notFinite;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.zeroCount += other.zeroCount;
    this.sum += other.sum;
    this.sumOfSquares += other.sumOfSquares;
    for (const side of ["positive", "negative"] as const) {
      const from = other[side];
      from.counts.forEach((n, i) => {
        if (n > 0) addToBucket(this[side], from.first + i, n);
      });
    }
  }

  get mean(): number {
    return this.count === 0 ? 0 : Number(this.sum) / sumUnit / this.count;
  }

  get variance(): number {
    if (this.count === 0) return 0;
    return Math.max(0, Number(this.sumOfSquares) / sumUnit / this.count - this.mean ** 2);
  }

  /** Share of elements below zero. */
  get negativeShare(): number {
    let n = 0;
    for (const c of this.negative.counts) n += c;
    return this.count === 0 ? 0 : n / this.count;
  }

  /** The distribution as weighted points in ascending order, each within 1.1 % of its elements. */
  masses(): Mass[] {
    const points: Mass[] = [];
    const centre = (index: number): number => (bucketBound(index) + bucketBound(index + 1)) / 2;
    const clamp = (x: number): number => Math.min(this.max, Math.max(this.min, x));
    const { negative, positive } = this;
    for (let i = negative.counts.length - 1; i >= 0; i--) {
      const count = negative.counts[i] ?? 0;
      if (count > 0) points.push({ value: clamp(-centre(negative.first + i)), count });
    }
    if (this.zeroCount > 0) points.push({ value: 0, count: this.zeroCount });
    positive.counts.forEach((count, i) => {
      if (count > 0) points.push({ value: clamp(centre(positive.first + i)), count });
    });
    return points;
  }

  /** The value below which a share `q` of the elements lies, within 1.1 %; the maximum for q = 1. */
  quantile(q: number): number {
    if (q >= 1) return this.max;
    const target = q * this.count;
    let seen = 0;
    for (const { value, count } of this.masses()) {
      seen += count;
      if (seen >= target) return value;
    }
    return this.max;
  }

  /** Plain data, for other threads and for hashing; `fromJSON` reads it back. */
  toJSON(): ChannelStatisticsData {
    return {
      count: this.count,
      notFinite: this.notFinite,
      min: this.count === 0 ? null : this.min,
      max: this.count === 0 ? null : this.max,
      zeroCount: this.zeroCount,
      sum: this.sum.toString(),
      sumOfSquares: this.sumOfSquares.toString(),
      positive: filledBuckets(this.positive),
      negative: filledBuckets(this.negative),
    };
  }

  static fromJSON(data: ChannelStatisticsData): ChannelStatistics {
    const s = new ChannelStatistics();
    s.count = data.count;
    s.notFinite = data.notFinite;
    s.min = data.min ?? Infinity;
    s.max = data.max ?? -Infinity;
    s.zeroCount = data.zeroCount;
    s.sum = BigInt(data.sum);
    s.sumOfSquares = BigInt(data.sumOfSquares);
    for (const side of ["positive", "negative"] as const) {
      const filled = data[side];
      for (let i = 0; i < filled.length; i += 2) {
        addToBucket(s[side], filled[i] ?? 0, filled[i + 1] ?? 0);
      }
    }
    return s;
  }
}

export interface ChannelStatisticsData {
  readonly count: number;
  readonly notFinite: number;
  /** Null where nothing was seen: JSON has no infinities. */
  readonly min: number | null;
  readonly max: number | null;
  readonly zeroCount: number;
  readonly sum: string;
  readonly sumOfSquares: string;
  /** Number and count of each bucket that is not empty, one after the other, ascending. */
  readonly positive: readonly number[];
  readonly negative: readonly number[];
}

/** Which elements of a value share a channel. */
export type Scope = "layer" | "channel" | "neuron";

export const scopes = ["layer", "channel", "neuron"] as const satisfies readonly Scope[];

/** Statistics of one value: a channel each, by the scope it was observed with. */
export interface ValueStatistics {
  readonly scope: Scope;
  /** The axis that numbers the channels; meaningless unless `scope` is "channel". */
  readonly axis: number;
  readonly channels: readonly ChannelStatistics[];
}

/** What is known of the values of one module after looking at the calibration set. */
export interface CalibrationStatistics {
  readonly samples: number;
  readonly values: ReadonlyMap<ValueId, ValueStatistics>;
}
