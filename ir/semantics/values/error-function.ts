/**
 * The error function, which JavaScript lacks, in double precision. Slow beside the usual rational
 * approximations, but each formula here can be looked up and needs no fitted constants.
 */

/** Where the series hands over: below, it needs few terms; above, the fraction does. */
const crossover = 2.25;
/** Enough levels for 1e-16 at the crossover; the fraction converges faster above it. */
const levels = 60;

/** erf(x) = 2/√π ∫₀ˣ exp(−t²) dt; absolute error about 1e-16. */
export function erf(x: number): number {
  if (Math.abs(x) < crossover) return series(x);
  return x > 0 ? 1 - fraction(x) : fraction(-x) - 1;
}

/** erfc(x) = 1 − erf(x), without cancellation for large x. */
export function erfc(x: number): number {
  if (Math.abs(x) < crossover) return 1 - series(x);
  return x > 0 ? fraction(x) : 2 - fraction(-x);
}

/**
 * erf(x) = 2/√π · exp(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1 · 3 · … · (2n + 1)): all terms have one sign, so
 * nothing cancels. Abramowitz & Stegun, 7.1.6.
 */
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/**
 * erfc(x) = exp(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))) for x > 0, evaluated from
 * the innermost level outwards. Abramowitz & Stegun, 7.1.14.
 */
function fraction(x: number): number {
  let tail = x;
  for (let k = levels; k > 0; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}
