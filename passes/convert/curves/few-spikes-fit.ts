/**
 * Fits few-spikes neurons to a function on an interval (Stoeckl & Maass 2021): tables of K thresholds T,
 * resets h and amplitudes d with
 *
 *     v = x;  for t = 1 … K:  z = 1 where v ≥ T_t, else 0;  v −= h_t·z;  Σ d_t·z ≈ f(x)
 *
 * For given T and h the spikes of each x are fixed and the sum is linear in d, so d is the least-squares
 * solution; T and h are found by random steps of adapted sizes, one or two numbers at a time, from the
 * best of a few starting points. Deterministic: random numbers are those of a counter, and the number of
 * steps is fixed.
 */
import { uniform } from "../../../ir/random.ts";
import { doubles, floats } from "../../../ir/semantics/neurons/arithmetic.ts";
import { binaryRule } from "../../../ir/semantics/neurons/integrate-and-fire.ts";

/** A few-spikes neuron has the rule of a binary one, with a threshold and a reset for each tick. */
const asEngines = binaryRule("subtract", floats);
const asTried = binaryRule("subtract", doubles);

export interface FittedTables {
  readonly threshold: Float64Array;
  readonly reset: Float64Array;
  readonly amplitude: Float64Array;
  /** Root of the mean square of the difference, over the root mean square of f about its mean. */
  readonly error: number;
}

/** What neurons with these tables send of `x`, in float32 as they compute it. */
export function fewSpikesOf(
  { threshold, reset, amplitude }: Omit<FittedTables, "error">,
  x: number,
): number {
  let v = Math.fround(x);
  let sum = 0;
  threshold.forEach((reached, t) => {
    const k = asEngines.fire(v, 0, Math.fround(reached), Infinity);
    v = asEngines.reset(v, k, Math.fround(reset[t] ?? 0));
    sum += k * Math.fround(amplitude[t] ?? 0);
  });
  return sum;
}

export interface FitRequest {
  readonly f: (x: number) => number;
  readonly low: number;
  readonly high: number;
  /** The value below which the share p of all lies, where it is known how they are distributed. */
  readonly quantile?: (p: number) => number;
  readonly spikes: number;
  readonly seed: number;
}

/** Points at which f is looked at: two for each level that eight binary digits could tell. */
const points = 512;
/** Steps of the search for each starting point, and then from the best of them. */
const firstSteps = 600;
const steps = 6000;

/** The best tables that the search finds. */
export function fitFewSpikes(request: FitRequest): FittedTables {
  const search = new Search(request);
  const started = startingPoints(request).map((start, i) => search.improve(start, firstSteps, i));
  const best = started.reduce((a, b) => (b.error < a.error ? b : a));
  return search.finish(search.improve(best.tables, steps, started.length));
}

interface CurveTables {
  readonly threshold: Float64Array;
  readonly reset: Float64Array;
}

interface Found {
  readonly tables: CurveTables;
  readonly error: number;
}

/** Digits of x above the low end, of a few bases; and digits of f(x) where it rises throughout. */
function startingPoints({ f, low, high, spikes }: FitRequest): CurveTables[] {
  const starts: CurveTables[] = [];
  const span = high - low;
  for (const base of [2, 1.6, 1.35]) {
    // Σ sizes = span.
    const unit = (span * (1 - 1 / base)) / (1 - base ** (1 - spikes));
    const size = (t: number): number => unit * base ** (1 - t);
    const reset = Float64Array.from({ length: spikes }, (_, t) => (t === 0 ? low : size(t)));
    const threshold = reset.map((h, t) => (t === 0 ? low - span : h));
    starts.push({ threshold, reset });
  }
  // f(x) by successive approximation: thresholds where f is half, a quarter … of its range.
  const [bottom, top] = [f(low), f(high)];
  if (top > bottom) {
    const inverse = (y: number): number => {
      let [a, b] = [low, high];
      for (let i = 0; i < 40; i++) {
        const middle = (a + b) / 2;
        if (f(middle) < y) a = middle;
        else b = middle;
      }
      return (a + b) / 2;
    };
    for (const base of [2, 1.6, 1.35]) {
      const unit = ((top - bottom) * (1 - 1 / base)) / (1 - base ** (1 - spikes));
      const threshold = new Float64Array(spikes);
      const reset = new Float64Array(spikes);
      threshold[0] = low - span;
      reset[0] = 0;
      for (let t = 1; t < spikes; t++) {
        const size = unit * base ** (1 - t);
        threshold[t] = inverse(bottom + size);
        reset[t] = inverse(bottom + (3 * size) / 2) - inverse(bottom + size / 2);
      }
      starts.push({ threshold, reset });
    }
  }
  return starts;
}

/** Points all over the range, and as many again where values usually are. */
function pointsOf({ low, high, quantile }: FitRequest): Float64Array {
  const even = quantile === undefined ? points : points / 2;
  return Float64Array.from({ length: points }, (_, i) =>
    i < even || quantile === undefined
      ? low + ((high - low) * (i + 0.5)) / even
      : quantile((i - even + 0.5) / (points - even)),
  );
}

/** The function on its points, and how well tables give it. */
class Search {
  private readonly xs: Float64Array;
  private readonly ys: Float64Array;
  private readonly request: FitRequest;
  private readonly variance: number;
  /** Of the current attempt: which points spike in each step, as bits, and the sum of f over them. */
  private readonly masks: Uint32Array;
  private readonly sums: Float64Array;
  private readonly v: Float64Array;

  constructor(request: FitRequest) {
    this.request = request;
    const { f, spikes } = request;
    this.xs = pointsOf(request);
    this.ys = this.xs.map(f);
    const mean = this.ys.reduce((sum, y) => sum + y, 0) / points;
    this.variance = this.ys.reduce((sum, y) => sum + (y - mean) ** 2, 0);
    this.masks = new Uint32Array((spikes * points) / 32);
    this.sums = new Float64Array(spikes);
    this.v = new Float64Array(points);
  }

  /** Random steps from `start`; keeps those that do not make it worse. */
  improve(start: CurveTables, count: number, run: number): Found {
    const { spikes, low, high, seed } = this.request;
    const current = Float64Array.of(...start.threshold, ...start.reset);
    const sizes = current.map(() => (high - low) / 16);
    let error = this.errorOf(current);
    for (let i = 0; i < count; i++) {
      const draw = (what: number): number => uniform(seed, run, i, what);
      const first = Math.floor(draw(0) * 2 * spikes);
      const touched = [first];
      // Threshold and reset of one step together, or two numbers of any steps.
      if (draw(1) < 0.3) touched.push((first + spikes) % (2 * spikes));
      else if (draw(1) < 0.5) touched.push(Math.floor(draw(2) * 2 * spikes));
      const before = touched.map((k) => current[k] ?? 0);
      touched.forEach((k, j) => {
        // Three draws make a bell.
        const bell = draw(3 + 3 * j) + draw(4 + 3 * j) + draw(5 + 3 * j) - 1.5;
        current[k] = (current[k] ?? 0) + 2 * bell * (sizes[k] ?? 0);
      });
      const now = this.errorOf(current);
      const better = now <= error;
      for (const k of touched) {
        const changed = (sizes[k] ?? 0) * (better ? 1.6 : 0.93);
        sizes[k] = Math.max(1e-4 * (high - low), Math.min((high - low) / 2, changed));
      }
      if (better) error = now;
      else touched.forEach((k, j) => (current[k] = before[j] ?? 0));
    }
    return { tables: { threshold: current.slice(0, spikes), reset: current.slice(spikes) }, error };
  }

  finish({ tables }: Found): FittedTables {
    this.errorOf(Float64Array.of(...tables.threshold, ...tables.reset));
    const fitted = { ...tables, amplitude: this.amplitudes() };
    let squares = 0;
    this.xs.forEach((x, i) => (squares += (fewSpikesOf(fitted, x) - (this.ys[i] ?? 0)) ** 2));
    // What is the same everywhere is sent by a spike that always comes.
    return { ...fitted, error: this.variance === 0 ? 0 : Math.sqrt(squares / this.variance) };
  }

  /** Σ (f − least-squares fit)² over the points. */
  private errorOf(tables: Float64Array): number {
    const { spikes } = this.request;
    const { v, masks, sums, xs, ys } = this;
    v.set(xs);
    const words = points / 32;
    for (let t = 0; t < spikes; t++) {
      const [threshold, reset] = [tables[t] ?? 0, tables[spikes + t] ?? 0];
      let sum = 0;
      for (let w = 0; w < words; w++) {
        let mask = 0;
        for (let bit = 0; bit < 32; bit++) {
          const n = w * 32 + bit;
          const u = v[n] ?? 0;
          const k = asTried.fire(u, 0, threshold, Infinity);
          if (k === 0) continue;
          v[n] = asTried.reset(u, k, reset);
          sum += ys[n] ?? 0;
          mask |= 1 << bit;
        }
        masks[t * words + w] = mask;
      }
      sums[t] = sum;
    }
    // ‖y − Z d‖² = ‖y‖² − bᵀd at the optimum (up to the ridge).
    const d = this.amplitudes();
    let explained = 0;
    d.forEach((a, t) => (explained += a * (sums[t] ?? 0)));
    return Math.max(0, ys.reduce((sum, y) => sum + y * y, 0) - explained);
  }

  /** The least-squares amplitudes for the spikes of the last attempt, by Cholesky's method. */
  private amplitudes(): Float64Array {
    const { masks, sums } = this;
    const { spikes: n } = this.request;
    const words = points / 32;
    const ridge = 1e-6;
    const lower = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let common = i === j ? ridge : 0;
        for (let w = 0; w < words; w++) {
          common += ones((masks[i * words + w] ?? 0) & (masks[j * words + w] ?? 0));
        }
        for (let k = 0; k < j; k++) common -= (lower[i * n + k] ?? 0) * (lower[j * n + k] ?? 0);
        lower[i * n + j] =
          i === j ? Math.sqrt(Math.max(ridge, common)) : common / (lower[j * n + j] ?? 1);
      }
    }
    const d = Float64Array.from(sums);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) d[i] = (d[i] ?? 0) - (lower[i * n + k] ?? 0) * (d[k] ?? 0);
      d[i] = (d[i] ?? 0) / (lower[i * n + i] ?? 1);
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) d[i] = (d[i] ?? 0) - (lower[k * n + i] ?? 0) * (d[k] ?? 0);
      d[i] = (d[i] ?? 0) / (lower[i * n + i] ?? 1);
    }
    return d;
  }
}

/** Bits that are set in 32. */
function ones(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
