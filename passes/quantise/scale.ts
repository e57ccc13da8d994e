/**
 * Chooses the scale of a channel: one unit for all weights, biases and the threshold that meet at a
 * neuron channel. Sees numbers only.
 */

/** Weights that share a unit with others, and the largest integer that one of them may become. */
export interface Row {
  readonly weights: ArrayLike<number>;
  readonly levels: number;
}

/** What meets at one channel, in the units of the network before. */
export interface Channel {
  readonly rows: readonly Row[];
  readonly biases: readonly number[];
  /** Of the neurons that the channel feeds; null where it is read out. */
  readonly threshold: { readonly min: number; readonly max: number } | null;
  /** The largest |v[0]| of these neurons. */
  readonly vInit: number;
}

/** The unit that was chosen. `limited`: by the threshold, so that weights may be clipped more. */
export interface Scale {
  readonly unit: number;
  readonly limited: boolean;
}

/**
 * Thresholds become no smaller than this: with a threshold of few units a bias, which is added at
 * each timestep, would be rounded by a large share of it.
 */
export const leastThreshold = 8;

/**
 * Thresholds, biases and initial potentials become no larger than this. What is left of 32 bits is
 * for the currents of many timesteps; weights below 2^-24 of the threshold may round to 0.
 */
const largestConstant = 2 ** 24;

/** Below a fifth of the largest weight's unit no candidate is tried: it would clip most weights. */
const smallestShare = 0.2;

/**
 * How much a bias's rounding weighs against a weight's: a bias is added at every timestep, a weight
 * where its neuron fires, at a quarter of them or fewer.
 */
const biasWeight = 16;

/** Nearest integer, ties away from zero: the rounding of integer mode. */
export function roundHalfAway(x: number): number {
  return x < 0 ? -Math.floor(0.5 - x) + 0 : Math.floor(x + 0.5);
}

/** `x` in units, rounded and clipped to ±levels. */
export function quantised(x: number, unit: number, levels: number): number {
  return Math.max(-levels, Math.min(levels, roundHalfAway(x / unit)));
}

/**
 * The unit q out of a grid below max|w| / levels that minimises
 *
 *     Σ (q · clip(round(w/q)) − w)² + 16 · Σ (q · round(b/q) − b)²
 *
 * with thresholds of at least `leastThreshold` units. A channel whose weights are all zero takes a
 * fraction of its threshold.
 */
export function chooseScale(channel: Channel, grid: number): Scale {
  const largest = channel.rows.reduce(
    (most, { weights, levels }) => Math.max(most, largestOf(weights) / levels),
    0,
  );
  const { threshold } = channel;
  const constant = [...channel.biases, channel.vInit, threshold?.max ?? 0];
  const floor = largestOf(constant) / largestConstant;
  const ceiling = threshold === null ? Infinity : threshold.min / leastThreshold;
  if (largest === 0) {
    const wanted = threshold === null ? 1 : threshold.min / 2 ** 12;
    return { unit: Math.max(floor, wanted), limited: false };
  }
  const from = Math.max(floor, Math.min(largest, ceiling));
  let best = from;
  let leastError = Infinity;
  for (let k = grid; k >= smallestShare * grid; k--) {
    const unit = Math.max(floor, (from * k) / grid);
    const error = squaredError(channel, unit, leastError);
    if (error >= leastError) continue;
    leastError = error;
    best = unit;
  }
  return { unit: best, limited: ceiling < largest };
}

/** The error above; anything at least `enough` where it is not the least. */
function squaredError({ rows, biases }: Channel, unit: number, enough: number): number {
  let error = 0;
  for (const bias of biases) error += biasWeight * (roundHalfAway(bias / unit) * unit - bias) ** 2;
  for (const { weights, levels } of rows) {
    for (let i = 0; i < weights.length; i++) {
      const w = weights[i] ?? 0;
      error += (quantised(w, unit, levels) * unit - w) ** 2;
    }
    if (error >= enough) return error;
  }
  return error;
}

function largestOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] ?? 0));
  return largest;
}
