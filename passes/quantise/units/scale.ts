/**
 * Chooses the scale of a channel: one unit for all weights, biases and the threshold that meet at a
 * neuron channel. Sees numbers only.
 */

/** Weights that share a unit with others, and what they are multiplied by. */
export interface Row {
  /** In the units of the network before, for one unit of what each is multiplied by. */
  readonly weights: Float64Array;
  /** Mean and variance of what each is multiplied by; null where nobody has seen it. */
  readonly means: Float64Array | null;
  readonly variances: Float64Array | null;
  /** The largest of what each is multiplied by, as far as bits tell: 1 of spikes. */
  readonly reach: number;
  /** 0 where there is none. */
  readonly bias: number;
  /** The largest integer that a weight may become. */
  readonly levels: number;
  /** The unit of which all weights are whole multiples already; null where there is none. */
  readonly own: number | null;
}

/** What meets at one channel, in the units of the network before. */
export interface ChannelUnits {
  readonly rows: readonly Row[];
  /** Of the neurons that the channel feeds; null where it is read out. */
  readonly threshold: { readonly min: number; readonly max: number } | null;
  /** The largest |v[0]| of these neurons. */
  readonly vInit: number;
  /** A unit that is fine enough for them; 0 if left out: then it is the weights that tell. */
  readonly fine?: number;
}

/** The unit that was chosen. `limited`: by the threshold, so that weights may be clipped more. */
export interface Scale {
  readonly unit: number;
  readonly limited: boolean;
  /** Whether it is the weights' own, in which they are integers without being rounded. */
  readonly isOwn: boolean;
  /** Other units that could have been; left out where there are none. */
  readonly range?: { readonly least: number; readonly most: number };
}

/**
 * Thresholds become no smaller than this: with a threshold of few units a bias, which is added at
 * each timestep, would be rounded by a large share of it.
 */
export const leastThreshold = 8;

/**
 * Thresholds, biases and initial potentials become no larger than this for each unit that weights
 * are multiplied by. Small weights are rounded coarsely then, but what they all add up to in a
 * thousand timesteps is still right to a hundredth of the threshold.
 */
const largestConstant = 2 ** 22;

/** No constant becomes larger than this; where currents have no room left then, bounds will tell. */
const largestOfAll = 2 ** 30;

/**
 * A current of less than this share of a threshold would take thousands of timesteps to fire.
 * Constants beside it become no larger than `largestIdleConstant`, so that 16 bits may hold them.
 */
const idleShare = 2 ** -12;
const largestIdleConstant = 2 ** 14;

/** Below a fifth of the largest weight's unit no candidate is tried: it would clip most weights. */
const smallestShare = 0.2;

/** What the largest constant becomes where no weights set the unit. */
const weightlessConstant = 2 ** 14;

/** Weights of a row that are tried in each unit; of longer rows a sample. */
const sampleSize = 1024;

/**
 * What calibration saw no change in may change yet: no variance counts as less than this share of
 * the row's mean.
 */
const leastVarianceShare = 0.01;

/** Nearest integer, ties away from zero: the rounding of integer mode. */
export function roundHalfAway(x: number): number {
  return x < 0 ? -Math.floor(0.5 - x) + 0 : Math.floor(x + 0.5);
}

/** `x` in units, rounded and clipped to ±levels, or to −levels − 1 where all multiples are whole. */
export function quantised(x: number, unit: number, levels: number, isWhole = false): number {
  const least = isWhole ? -levels - 1 : -levels;
  return Math.max(least, Math.min(levels, roundHalfAway(x / unit)));
}

/**
 * The unit q out of a grid below max|w| / levels that minimises, over all that meets at a channel,
 *
 *     Σ var(x) · (q · w' − w)²  +  Σ (q · round(b'/q) − b')²,
 *
 *     w' = clip(round(w/q)),    b' = b − Σ (q · w' − w) · mean(x):
 *
 * the blur that rounded weights make of what they are multiplied by, and what is left of the shift
 * when the bias has taken it back (Nagel et al. 2019, "bias correction"). Thresholds are of at least
 * `leastThreshold` units. Where all weights are zero the unit is a fraction of the constants. Weights
 * that are whole multiples of a unit keep it: those of a model that was quantised.
 */
export function chooseScale(channel: ChannelUnits, grid: number): Scale {
  const largest = largestPerLevel(channel.rows);
  const { threshold } = channel;
  const constants = [...channel.rows.map(({ bias }) => bias), channel.vInit, threshold?.max ?? 0];
  const largestHere = largestOf(constants);
  const reach = channel.rows.reduce((most, row) => Math.max(most, row.reach), 1);
  const current = channel.rows.reduce((sum, row) => sum + sumOf(row.weights) * row.reach, 0);
  const most =
    current < idleShare * largestHere
      ? largestIdleConstant
      : Math.min(largestOfAll, largestConstant * reach);
  const floor = Math.max(largestHere / most, channel.fine ?? 0);
  const ceiling = threshold === null ? Infinity : threshold.min / leastThreshold;
  if (largest === 0) {
    const unit = largestHere === 0 ? 1 : largestHere / weightlessConstant;
    return { unit, limited: false, isOwn: false };
  }
  const own = ownUnit(channel, floor, ceiling);
  if (own !== null) return { unit: own, limited: false, isOwn: true };
  const from = Math.max(floor, Math.min(largest, ceiling));
  const rows = channel.rows.map((row) => sampled(row));
  const importances = rows.map(({ weights, variances }) => importance(weights, variances));
  let best = from;
  let leastError = Infinity;
  for (let k = grid; k >= smallestShare * grid; k--) {
    const unit = Math.max(floor, (from * k) / grid);
    let error = 0;
    for (const [r, row] of rows.entries()) {
      error += squaredError(row, importances[r] ?? row.weights, unit);
      if (error >= leastError) break;
    }
    if (error >= leastError) continue;
    leastError = error;
    best = unit;
  }
  const range = { least: Math.max(floor, from * smallestShare, largestShort(rows)), most: from };
  return { unit: best, limited: ceiling < largest, isOwn: false, range };
}

/** The largest integer of a weight in a byte. What may have more is a shortcut, of 16 bits. */
export const byteLevels = 127;

/** The unit at which no shortcut beside weights is clipped. */
function largestShort(rows: readonly Row[]): number {
  const short = rows.filter(({ levels }) => levels > byteLevels);
  return Math.max(0, ...short.map(({ weights, levels }) => largestOf(weights) / levels));
}

/**
 * The unit at which no weight is clipped. A shortcut of its own is as fine as other weights: 16 bits of it are for
 * units that those beside it need.
 */
function largestPerLevel(rows: readonly Row[]): number {
  const weighted = rows.map((row) => ({ ...row, largest: largestOf(row.weights) }));
  const most = weighted.some(({ largest, levels }) => largest > 0 && levels <= byteLevels)
    ? Infinity
    : byteLevels;
  return Math.max(0, ...weighted.map(({ largest, levels }) => largest / Math.min(levels, most)));
}

/** A single weight, of a shortcut, is rounded by less than a sixty-fourth beside weights of their own unit. */
const leastBeside = 32;

/**
 * The unit that the weights have already, or the first whole part of it that thresholds allow: there
 * nothing is rounded. Null where rows that meet have different ones, or one has none.
 */
function ownUnit({ rows }: ChannelUnits, floor: number, ceiling: number): number | null {
  const weighted = rows.filter(({ weights }) => largestOf(weights) > 0);
  const units = weighted.flatMap(({ own }) => own ?? []);
  const [first] = units;
  if (first === undefined || units.some((unit) => Math.abs(unit / first - 1) > sameUnit))
    return null;
  const parts = Math.max(1, Math.ceil(first / ceiling));
  const unit = first / parts;
  const fits = weighted.every(({ weights, own, levels }) => {
    const largest = largestOf(weights) / unit;
    if (own !== null) return largest < levels + (parts === 1 ? 1.5 : 0.5);
    return weights.length === 1 && largest >= leastBeside && largest < levels + 0.5;
  });
  return fits && unit >= floor ? unit : null;
}

/** Units of floats that differ by their rounding alone. */
const sameUnit = 1e-5;

/**
 * The row, or of a long one as many weights as tell enough of how they are distributed: spread over
 * it by steps that have no divisor in common with its length, so that no tap of a kernel is left
 * out. Of the bias only so much is known then as its own.
 */
function sampled(row: Row): Row {
  const { length } = row.weights;
  if (length <= sampleSize) return row;
  let step = Math.floor(length * 0.618);
  while (divisor(length, step) !== 1) step--;
  const take = (from: Float64Array): Float64Array =>
    new Float64Array(sampleSize).map((_, i) => from[(i * step) % length] ?? 0);
  const variances = row.variances === null ? null : take(row.variances);
  return { ...row, weights: take(row.weights), means: null, variances };
}

/** The greatest common divisor. */
function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** By how much the rounding of each weight counts: its factor's variance, or 1 if never seen. */
function importance(weights: Float64Array, variances: Float64Array | null): Float64Array {
  if (variances === null) return new Float64Array(weights.length).fill(1);
  const mean = variances.reduce((sum, x) => sum + x, 0) / Math.max(1, variances.length);
  return mean === 0
    ? new Float64Array(weights.length).fill(1)
    : variances.map((x) => Math.max(x, leastVarianceShare * mean));
}

function squaredError(
  { weights, means, bias, levels }: Row,
  importances: Float64Array,
  unit: number,
): number {
  // Written out, as this is where the pass spends its time; a tie may fall either way here.
  const perUnit = 1 / unit;
  let error = 0;
  let shift = 0;
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i] ?? 0;
    const steps = Math.floor(w * perUnit + 0.5);
    const clipped = steps > levels ? levels : steps < -levels ? -levels : steps;
    const change = clipped * unit - w;
    error += (importances[i] ?? 0) * change * change;
    if (means !== null) shift += (means[i] ?? 0) * change;
  }
  const corrected = bias - shift;
  return error + (roundHalfAway(corrected / unit) * unit - corrected) ** 2;
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return sum;
}

function largestOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] ?? 0));
  return largest;
}
