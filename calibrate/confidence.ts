/** What a count, a difference or a mean over samples shows about all there are. */

/**
 * The standard error of the loss: of the difference between two networks' shares of right decisions on
 * the same samples. Samples vary by themselves, decisions within a sample do not. With d the decisions of
 * a sample that the first network has right beyond those of the second, and c those that count,
 *
 *     loss = Σ d / Σ c        standard error = √(Σ (d − loss · c)²) / Σ c
 *
 * Of one decision a sample, where on a of n samples only the first network is right and on b only the
 * second, it is √(((a + b)/n − ((a − b)/n)²)/n). Mutable; lives inside one evaluation.
 */
export class PairedDifference {
  private differences = 0;
  private differencesSquared = 0;
  private products = 0;
  private counts = 0;
  private countsSquared = 0;

  /** A sample of `count` decisions. */
  add(difference: number, count: number): void {
    this.differences += difference;
    this.differencesSquared += difference ** 2;
    this.products += difference * count;
    this.counts += count;
    this.countsSquared += count ** 2;
  }

  /** As a share; 0 of nothing. */
  get standardError(): number {
    if (this.counts === 0) return 0;
    const loss = this.differences / this.counts;
    const squares =
      this.differencesSquared - 2 * loss * this.products + loss ** 2 * this.countsSquared;
    return Math.sqrt(Math.max(0, squares)) / this.counts;
  }
}

/**
 * The loss, a share, that is not exceeded where it was measured on so many samples, in 19 of 20 two-sided
 * intervals: 1.96 standard errors above it. Where no sample differs that says nothing: 3/n is the share of
 * which none in n is found once in 20 times.
 */
export function upperLoss(loss: number, standardError: number, samples: number): number {
  return loss + (standardError > 0 ? 1.96 * standardError : noneFoundShare(samples));
}

/** The share that none found in so many samples bounds with 95 % confidence, −ln(0.05)/n rounded. */
export function noneFoundShare(samples: number): number {
  return 3 / samples;
}

/**
 * The share that is not exceeded with this confidence where `found` of `samples` were seen: Clopper and
 * Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934). Exact for counts. `found` may be
 * a sum of shares between 0 and 1, whose spread is at most that of a count of the same mean.
 */
export function upperShare(found: number, samples: number, confidence: number): number {
  if (found >= samples) return 1;
  // P(at most `found` of n) falls with p and is 1 − confidence at the bound: 1 − I_p(found + 1, n − found).
  return solve(0, 1, (p) => incompleteBeta(p, found + 1, samples - found) - confidence);
}

/** The fewest samples of which none must be found for `upperShare` to be at most `share`. */
export function samplesNeeded(share: number, confidence: number): number {
  if (share <= 0) return Infinity;
  if (share >= 1) return 1;
  return Math.ceil(Math.log1p(-confidence) / Math.log1p(-share) - 1e-9);
}

/** What `upperMean` needs at least: with fewer, a mean is no normal one whatever it is of. */
export const fewestForMean = 30;

/**
 * The mean that is not exceeded with this confidence, by Student's t: mean + t · s / √n. An approximation,
 * good where single values do not dominate the sum.
 */
export function upperMean(values: Float64Array, confidence: number): number {
  const n = values.length;
  if (n < 2) return Infinity;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return mean + studentQuantile(confidence, n - 1) * Math.sqrt(squares / (n - 1) / n);
}

/** The t > 0 with P(T ≤ t) = `confidence` (over 0.5) of T with `freedom` degrees. */
function studentQuantile(confidence: number, freedom: number): number {
  const tail = 2 * (1 - confidence);
  // P(|T| > t) = I_x(ν/2, 1/2) with x = ν / (ν + t²), which grows with x.
  const x = solve(0, 1, (at) => incompleteBeta(at, freedom / 2, 0.5) - tail);
  return Math.sqrt((freedom * (1 - x)) / x);
}

/** Where a function that grows from `low` to `high` is 0, by halving until doubles end. */
function solve(low: number, high: number, f: (x: number) => number): number {
  let [below, above] = [low, high];
  for (let i = 0; i < 100; i++) {
    const middle = (below + above) / 2;
    if (f(middle) < 0) below = middle;
    else above = middle;
  }
  return (below + above) / 2;
}

/** The regularised incomplete beta function I_x(a, b), by its continued fraction. */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges quickly on this side of the mean; I_x(a, b) = 1 − I_{1−x}(b, a).
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const logFront =
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x);
  return (Math.exp(logFront) * betaFraction(x, a, b)) / a;
}

/** Modified Lentz: the fraction's coefficients alternate between two forms (Abramowitz, Stegun 26.5.8). */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const guarded = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let numerator = 1;
  let denominator = 1 / guarded(1 - ((a + b) * x) / (a + 1));
  let value = denominator;
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    for (const coefficient of [even, odd]) {
      denominator = 1 / guarded(1 + coefficient * denominator);
      numerator = guarded(1 + coefficient / numerator);
      value *= numerator * denominator;
    }
    if (Math.abs(numerator * denominator - 1) < 1e-15) break;
  }
  return value;
}

/** ln Γ(x) for x > 0: Stirling's series, after moving x to where six terms are exact to doubles. */
function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  while (at < 15) {
    shift -= Math.log(at);
    at++;
  }
  const squared = 1 / (at * at);
  const series =
    (1 / 12 -
      squared * (1 / 360 - squared * (1 / 1260 - squared * (1 / 1680 - (squared * 1) / 1188)))) /
    at;
  return shift + (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series;
}
