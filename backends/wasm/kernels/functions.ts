/**
 * Functions of four floats at once, by range reduction and polynomials: within a few units in the
 * last place of float32, NaN stays NaN, and what leaves the range becomes zero or infinite.
 */
import type { Expr } from "../assembler/types.ts";
import type { FunctionWriter, Local } from "../assembler/code.ts";

/** Four floats from those in a local, which is left as it was. */
export type VectorFunction = (code: FunctionWriter, x: Local) => Expr;

/** Four copies of a number. */
export function splat(code: FunctionWriter, value: number): Expr {
  return code.wasm.f32x4.splat(code.wasm.f32.const(value));
}

/** c0 + x · (c1 + x · (c2 + …)). */
function polynomial(code: FunctionWriter, x: Local, coefficients: readonly number[]): Expr {
  const { f32x4 } = code.wasm;
  return (
    coefficients.reduceRight<Expr | null>(
      (sum, c) =>
        sum === null ? splat(code, c) : f32x4.add(f32x4.mul(sum, x.get()), splat(code, c)),
      null,
    ) ?? splat(code, 0)
  );
}

/** `then` in lanes where `condition` has all bits set, `otherwise` in those where it has none. */
export function choose(code: FunctionWriter, condition: Expr, then: Expr, otherwise: Expr): Expr {
  return code.wasm.v128.bitselect(then, otherwise, condition);
}

/** x = k · ln 2 + r with r about 0: k as integers, and exp(r) − 1. */
function reduced(
  code: FunctionWriter,
  x: Local,
  low: number,
  high: number,
): { readonly power: Local; readonly excess: Local } {
  const { f32x4, i32x4 } = code.wasm;
  const bounded = f32x4.min(f32x4.max(x.get(), splat(code, low)), splat(code, high));
  const r = code.define("v128", bounded);
  const k = code.define("v128", f32x4.nearest(f32x4.mul(r.get(), splat(code, Math.LOG2E))));
  // ln 2 in two parts, the first of which times k is exact.
  r.set(f32x4.sub(r.get(), f32x4.mul(k.get(), splat(code, 0.693359375))));
  r.set(f32x4.add(r.get(), f32x4.mul(k.get(), splat(code, 0.693359375 - Math.LN2))));
  const power = code.define("v128", i32x4.trunc_sat_f32x4_s(k.get()));
  const rest = polynomial(code, r, [1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040]);
  const square = f32x4.mul(r.get(), r.get());
  const excess = code.define("v128", f32x4.add(r.get(), f32x4.mul(square, rest)));
  return { power, excess };
}

/** 2^k for −127 < k < 128. */
function powerOfTwo(code: FunctionWriter, k: Expr): Expr {
  const { i32x4 } = code.wasm;
  return i32x4.shl(i32x4.add(k, i32x4.splat(code.int(127))), code.int(23));
}

export const exp: VectorFunction = (code, x) => {
  const { f32x4, i32x4 } = code.wasm;
  const { power, excess } = reduced(code, x, -104, 89);
  // In two steps, as 2^k alone may be beyond the largest or below the smallest float.
  const half = code.define("v128", i32x4.shr_s(power.get(), code.int(1)));
  const near = f32x4.mul(f32x4.add(excess.get(), splat(code, 1)), powerOfTwo(code, half.get()));
  return f32x4.mul(near, powerOfTwo(code, i32x4.sub(power.get(), half.get())));
};

/** exp(x) − 1 without cancellation; at least −1, and infinite from 88 on. */
export const expm1: VectorFunction = (code, x) => {
  const { f32x4 } = code.wasm;
  const { power, excess } = reduced(code, x, -87, 88.8);
  const scale = code.define("v128", powerOfTwo(code, power.get()));
  return f32x4.add(f32x4.mul(scale.get(), excess.get()), f32x4.sub(scale.get(), splat(code, 1)));
};

/** 2 · artanh(s) for |s| up to 1/3. */
function twiceArtanh(code: FunctionWriter, s: Local): Expr {
  const { f32x4 } = code.wasm;
  const z = code.define("v128", f32x4.mul(s.get(), s.get()));
  const series = polynomial(code, z, [2, 2 / 3, 2 / 5, 2 / 7, 2 / 9, 2 / 11, 2 / 13, 2 / 15]);
  return f32x4.mul(s.get(), series);
}

/** Natural logarithm: −∞ of 0, NaN below. */
export const log: VectorFunction = (code, x) => {
  const { f32x4, i32x4 } = code.wasm;
  const isTiny = (): Expr => f32x4.lt(x.get(), splat(code, 2 ** -126));
  const scaled = f32x4.mul(x.get(), splat(code, 2 ** 23));
  const m = code.define("v128", choose(code, isTiny(), scaled, x.get()));
  // The exponent is such that the mantissa lies between √½ and √2.
  const rootOfHalf = 0x3f3504f3;
  const e = code.define(
    "v128",
    i32x4.shr_s(i32x4.sub(m.get(), i32x4.splat(code.int(rootOfHalf))), code.int(23)),
  );
  m.set(i32x4.sub(m.get(), i32x4.shl(e.get(), code.int(23))));
  const s = code.define(
    "v128",
    f32x4.div(f32x4.sub(m.get(), splat(code, 1)), f32x4.add(m.get(), splat(code, 1))),
  );
  e.set(f32x4.convert_i32x4_s(e.get()));
  e.set(choose(code, isTiny(), f32x4.sub(e.get(), splat(code, 23)), e.get()));
  const value = f32x4.add(twiceArtanh(code, s), f32x4.mul(e.get(), splat(code, Math.LN2)));
  const isFinite = f32x4.lt(x.get(), splat(code, Infinity));
  const positive = choose(code, isFinite, value, x.get());
  const isZero = f32x4.eq(x.get(), splat(code, 0));
  const known = choose(code, isZero, splat(code, -Infinity), positive);
  return choose(code, f32x4.lt(x.get(), splat(code, 0)), splat(code, NaN), known);
};

/** log(1 + x) for x from 0 to 1. */
export const log1pOfFraction: VectorFunction = (code, x) => {
  const { f32x4 } = code.wasm;
  const s = f32x4.div(x.get(), f32x4.add(x.get(), splat(code, 2)));
  return twiceArtanh(code, code.define("v128", s));
};

/** −|x|. */
function below(code: FunctionWriter, x: Local): Local {
  const { f32x4 } = code.wasm;
  return code.define("v128", f32x4.neg(f32x4.abs(x.get())));
}

/** 1 / (1 + exp(−x)). */
export const sigmoid: VectorFunction = (code, x) => {
  const { f32x4 } = code.wasm;
  const e = code.define("v128", exp(code, below(code, x)));
  const isNegative = f32x4.lt(x.get(), splat(code, 0));
  const over = choose(code, isNegative, e.get(), splat(code, 1));
  return f32x4.div(over, f32x4.add(e.get(), splat(code, 1)));
};

export const tanh: VectorFunction = (code, x) => {
  const { f32x4, v128, i32x4 } = code.wasm;
  const twice = below(code, x);
  twice.set(f32x4.add(twice.get(), twice.get()));
  const e = code.define("v128", expm1(code, twice));
  const size = f32x4.div(f32x4.neg(e.get()), f32x4.add(e.get(), splat(code, 2)));
  const sign = v128.and(x.get(), i32x4.splat(code.int(-(2 ** 31))));
  return v128.or(size, sign);
};

/** log(1 + exp(x)). */
export const softplus: VectorFunction = (code, x) => {
  const { f32x4 } = code.wasm;
  const e = code.define("v128", exp(code, below(code, x)));
  return f32x4.add(f32x4.max(x.get(), splat(code, 0)), log1pOfFraction(code, e));
};

/** x · tanh(softplus(x)), by tanh(log(1 + e)) = (e² + 2e) / (e² + 2e + 2). Misra 2019. */
export const mish: VectorFunction = (code, x) => {
  const { f32x4 } = code.wasm;
  // From 20 on the factor is 1 in float32, and e² would overflow later.
  const bounded = code.define("v128", f32x4.min(x.get(), splat(code, 20)));
  const e = code.define("v128", exp(code, bounded));
  e.set(f32x4.mul(e.get(), f32x4.add(e.get(), splat(code, 2))));
  const factor = f32x4.div(e.get(), f32x4.add(e.get(), splat(code, 2)));
  return f32x4.mul(x.get(), factor);
};

/**
 * The error function: its Taylor series below 1, and Abramowitz & Stegun 7.1.26 above, whose
 * absolute error is 1.5e-7.
 */
export const erf: VectorFunction = (code, x) => {
  const { f32x4, v128, i32x4 } = code.wasm;
  const size = code.define("v128", f32x4.abs(x.get()));
  const square = code.define("v128", f32x4.mul(x.get(), x.get()));
  const series = code.define("v128", polynomial(code, square, errorSeries));
  series.set(f32x4.mul(series.get(), size.get()));
  const slope = f32x4.mul(size.get(), splat(code, 0.3275911));
  const t = code.define("v128", f32x4.div(splat(code, 1), f32x4.add(slope, splat(code, 1))));
  const tail = code.define(
    "v128",
    polynomial(code, t, [0, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]),
  );
  square.set(f32x4.neg(square.get()));
  tail.set(f32x4.mul(tail.get(), exp(code, square)));
  const isSmall = f32x4.lt(size.get(), splat(code, 1));
  const value = choose(code, isSmall, series.get(), f32x4.sub(splat(code, 1), tail.get()));
  return v128.or(value, v128.and(x.get(), i32x4.splat(code.int(-(2 ** 31)))));
};

/** 2/√π · (−1)ⁿ / (n! (2n + 1)). Abramowitz & Stegun, 7.1.5. */
const errorSeries: readonly number[] = Array.from({ length: 11 }, (_, n) => {
  let factorial = 1;
  for (let k = 2; k <= n; k++) factorial *= k;
  return ((2 / Math.sqrt(Math.PI)) * (n % 2 === 0 ? 1 : -1)) / (factorial * (2 * n + 1));
});
