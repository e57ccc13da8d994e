/**
 * What each elementwise op on floats does to four of them at once. Ops without a form here are
 * functions that the host knows (`hostFunctions`), or are lowered elsewhere.
 */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, isOp } from "../../../../ir/op/op.ts";
import type { SoftLif } from "../../../../ir/semantics/soft-lif.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import {
  type VectorFunction,
  choose,
  erf,
  exp,
  expm1,
  log,
  log1pOfFraction,
  mish,
  sigmoid,
  softplus,
  splat,
  tanh,
} from "../../kernels/functions.ts";

/** Four elements of the result from those of the operands. */
export type VectorForm = (code: FunctionWriter, operands: readonly Local[]) => Expr;

function unary(f: VectorFunction): VectorForm {
  return (code, [x]) => f(code, known(x, "an operand"));
}

function binary(f: (code: FunctionWriter, a: Local, b: Local) => Expr): VectorForm {
  return (code, [a, b]) => f(code, known(a, "an operand"), known(b, "an operand"));
}

/** A function defined by comparing x with 0. */
function signed(
  negative: (code: FunctionWriter, x: Local) => Expr,
  other: (code: FunctionWriter, x: Local) => Expr,
): VectorForm {
  return unary((code, x) => {
    const isNegative = code.wasm.f32x4.lt(x.get(), splat(code, 0));
    const below = code.define("v128", negative(code, x));
    return choose(code, isNegative, below.get(), other(code, x));
  });
}

const itself = (_: FunctionWriter, x: Local): Expr => x.get();

const plainForms = {
  "ann.add": binary(({ wasm }, a, b) => wasm.f32x4.add(a.get(), b.get())),
  "ann.sub": binary(({ wasm }, a, b) => wasm.f32x4.sub(a.get(), b.get())),
  "ann.mul": binary(({ wasm }, a, b) => wasm.f32x4.mul(a.get(), b.get())),
  "ann.div": binary(({ wasm }, a, b) => wasm.f32x4.div(a.get(), b.get())),
  "ann.max": binary(({ wasm }, a, b) => wasm.f32x4.max(a.get(), b.get())),
  "ann.min": binary(({ wasm }, a, b) => wasm.f32x4.min(a.get(), b.get())),
  "ann.abs": unary(({ wasm }, x) => wasm.f32x4.abs(x.get())),
  "ann.neg": unary(({ wasm }, x) => wasm.f32x4.neg(x.get())),
  "ann.ceil": unary(({ wasm }, x) => wasm.f32x4.ceil(x.get())),
  "ann.floor": unary(({ wasm }, x) => wasm.f32x4.floor(x.get())),
  "ann.round": unary(({ wasm }, x) => wasm.f32x4.nearest(x.get())),
  "ann.sqrt": unary(({ wasm }, x) => wasm.f32x4.sqrt(x.get())),
  "ann.reciprocal": unary((code, x) => code.wasm.f32x4.div(splat(code, 1), x.get())),
  "ann.relu": unary((code, x) => bounded(code, x, 0, Infinity)),
  "ann.sign": unary((code, x) => {
    const { f32x4, v128 } = code.wasm;
    const above = v128.and(f32x4.gt(x.get(), splat(code, 0)), splat(code, 1));
    const below = v128.and(f32x4.lt(x.get(), splat(code, 0)), splat(code, -1));
    const value = code.define("v128", f32x4.add(above, below));
    return choose(code, f32x4.eq(x.get(), x.get()), value.get(), x.get());
  }),
  "ann.erf": unary(erf),
  "ann.exp": unary(exp),
  "ann.log": unary(log),
  "ann.mish": unary(mish),
  "ann.sigmoid": unary(sigmoid),
  "ann.softplus": unary(softplus),
  "ann.tanh": unary(tanh),
  "ann.softsign": unary((code, x) => {
    const { f32x4 } = code.wasm;
    return f32x4.div(x.get(), f32x4.add(f32x4.abs(x.get()), splat(code, 1)));
  }),
  "ann.hard-swish": unary((code, x) =>
    code.wasm.f32x4.mul(x.get(), hardSigmoid(code, x, 1 / 6, 1 / 2)),
  ),
} as const satisfies Partial<Record<Op["kind"], VectorForm>>;

/** The form of an op whose operands and result are float32; null where it has none. */
export function formOf(op: Op): VectorForm | null {
  if (op.kind in plainForms) {
    return Object.entries(plainForms).find(([kind]) => kind === op.kind)?.[1] ?? null;
  }
  return activationOf(op);
}

function activationOf(op: Op): VectorForm | null {
  if (isOp(op, "ann.clip")) {
    const { min, max } = op.attrs;
    return unary((code, x) => bounded(code, x, min, max));
  }
  if (isOp(op, "ann.fake-quantize")) {
    const { step, low, high, rounding } = op.attrs;
    return unary((code, x) => {
      const { f32x4 } = code.wasm;
      const quotient = f32x4.div(x.get(), splat(code, step));
      const steps = code.define("v128", f32x4[rounding](quotient));
      return f32x4.mul(bounded(code, steps, low, high), splat(code, step));
    });
  }
  if (isOp(op, "ann.leaky-relu")) {
    const { alpha } = op.attrs;
    return signed((code, x) => code.wasm.f32x4.mul(x.get(), splat(code, alpha)), itself);
  }
  if (isOp(op, "ann.elu")) {
    const { alpha } = op.attrs;
    return signed((code, x) => scaledExcess(code, x, alpha), itself);
  }
  if (isOp(op, "ann.celu")) {
    const { alpha } = op.attrs;
    return unary((code, x) => {
      const { f32x4 } = code.wasm;
      const part = code.define("v128", f32x4.div(x.get(), splat(code, alpha)));
      const tail = f32x4.min(scaledExcess(code, part, alpha), splat(code, 0));
      return f32x4.add(f32x4.max(x.get(), splat(code, 0)), tail);
    });
  }
  if (isOp(op, "ann.selu")) {
    const { alpha, gamma } = op.attrs;
    return unary((code, x) => {
      const { f32x4 } = code.wasm;
      const below = code.define("v128", scaledExcess(code, x, alpha * gamma));
      const isPositive = f32x4.gt(x.get(), splat(code, 0));
      return choose(code, isPositive, f32x4.mul(x.get(), splat(code, gamma)), below.get());
    });
  }
  if (isOp(op, "ann.hard-sigmoid")) {
    const { alpha, beta } = op.attrs;
    return unary((code, x) => hardSigmoid(code, x, alpha, beta));
  }
  if (isOp(op, "ann.thresholded-relu")) {
    const { alpha } = op.attrs;
    return unary((code, x) => {
      const { f32x4, v128 } = code.wasm;
      return v128.and(x.get(), f32x4.gt(x.get(), splat(code, Math.fround(alpha))));
    });
  }
  if (isOp(op, "ann.shrink")) {
    const { bias, lambda } = op.attrs;
    return unary((code, x) => {
      const { f32x4, v128 } = code.wasm;
      const isLow = f32x4.lt(x.get(), splat(code, -lambda));
      const isHigh = f32x4.gt(x.get(), splat(code, lambda));
      const low = v128.and(isLow, f32x4.add(x.get(), splat(code, bias)));
      return v128.or(low, v128.and(isHigh, f32x4.sub(x.get(), splat(code, bias))));
    });
  }
  if (isOp(op, "ann.swish")) {
    const { alpha } = op.attrs;
    return unary((code, x) => {
      const { f32x4 } = code.wasm;
      const argument = code.define("v128", f32x4.mul(x.get(), splat(code, alpha)));
      return f32x4.mul(x.get(), sigmoid(code, argument));
    });
  }
  if (isOp(op, "ann.soft-lif")) {
    const { attrs } = op;
    return unary((code, x) => softLif(code, x, attrs));
  }
  if (isOp(op, "ann.gelu")) return unary(op.attrs.approximate === "tanh" ? geluTanh : gelu);
  return null;
}

/** The value held within bounds; NaN stays. */
function bounded(code: FunctionWriter, x: Local, min: number, max: number): Expr {
  const { f32x4 } = code.wasm;
  const low = min === -Infinity ? x.get() : f32x4.pmax(x.get(), splat(code, min));
  return max === Infinity ? low : f32x4.pmin(low, splat(code, max));
}

/** alpha · (exp(x) − 1). */
function scaledExcess(code: FunctionWriter, x: Local, alpha: number): Expr {
  const excess = expm1(code, x);
  return code.wasm.f32x4.mul(excess, splat(code, alpha));
}

function hardSigmoid(code: FunctionWriter, x: Local, alpha: number, beta: number): Expr {
  const { f32x4 } = code.wasm;
  const line = f32x4.add(f32x4.mul(x.get(), splat(code, alpha)), splat(code, beta));
  return f32x4.max(f32x4.min(line, splat(code, 1)), splat(code, 0));
}

/**
 * amplitude / (tauRef + tauRc · q), q = log(1 + 1/ρ) = log(1 + min(ρ, 1/ρ)) − min(log ρ, 0). Far below
 * the threshold ρ = sigma · exp(s) may be too small for a float, while its logarithm is not.
 */
function softLif(
  code: FunctionWriter,
  x: Local,
  { tauRc, tauRef, sigma, amplitude }: SoftLif,
): Expr {
  const { f32x4 } = code.wasm;
  const above = f32x4.sub(x.get(), splat(code, 1));
  const s = code.define("v128", f32x4.div(above, splat(code, sigma)));
  const rho = code.define("v128", f32x4.mul(softplus(code, s), splat(code, sigma)));
  const logarithm = code.define("v128", log(code, rho));
  const isFar = f32x4.lt(s.get(), splat(code, -20));
  const far = f32x4.add(s.get(), splat(code, Math.log(sigma)));
  const least = f32x4.min(choose(code, isFar, far, logarithm.get()), splat(code, 0));
  const q = code.define("v128", least);
  const inverse = f32x4.div(splat(code, 1), rho.get());
  const fraction = code.define("v128", f32x4.min(rho.get(), inverse));
  q.set(f32x4.sub(log1pOfFraction(code, fraction), q.get()));
  const interval = f32x4.add(f32x4.mul(q.get(), splat(code, tauRc)), splat(code, tauRef));
  return f32x4.div(splat(code, amplitude), interval);
}

/** x · Φ(x). */
function gelu(code: FunctionWriter, x: Local): Expr {
  const { f32x4 } = code.wasm;
  const scaled = code.define("v128", f32x4.mul(x.get(), splat(code, Math.SQRT1_2)));
  const half = f32x4.mul(f32x4.add(erf(code, scaled), splat(code, 1)), splat(code, 0.5));
  return f32x4.mul(x.get(), half);
}

/** Half of 1 + tanh(u) is the sigmoid of 2u. Hendrycks & Gimpel. */
function geluTanh(code: FunctionWriter, x: Local): Expr {
  const { f32x4 } = code.wasm;
  const cube = f32x4.mul(f32x4.mul(x.get(), x.get()), x.get());
  const inner = f32x4.add(x.get(), f32x4.mul(cube, splat(code, 0.044715)));
  const twice = f32x4.mul(inner, splat(code, 2 * Math.sqrt(2 / Math.PI)));
  const argument = code.define("v128", twice);
  return f32x4.mul(x.get(), sigmoid(code, argument));
}

/** Ops that are a function of `Math`, in double precision, one element at a time. */
export const hostFunctions: ReadonlyMap<Op["kind"], string> = new Map([
  ["ann.acos", "acos"],
  ["ann.acosh", "acosh"],
  ["ann.asin", "asin"],
  ["ann.asinh", "asinh"],
  ["ann.atan", "atan"],
  ["ann.atanh", "atanh"],
  ["ann.cos", "cos"],
  ["ann.cosh", "cosh"],
  ["ann.sin", "sin"],
  ["ann.sinh", "sinh"],
  ["ann.tan", "tan"],
]);
