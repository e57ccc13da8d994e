/**
 * Functions of one or two plain numbers, in double precision: what each elementwise op computes.
 * Rounding into the element type is the caller's; where integers differ from floats in more than
 * rounding (division, powers, products that do not fit a double), there is a function of its own.
 */
import { roundHalfEven } from "../../tensor.ts";
import { type DType, isFloat } from "../../type.ts";
import type { BinaryFunction } from "../broadcast.ts";
import { erfc } from "./error-function.ts";

/** Nearest integer, ties to even; keeps the sign of zero as IEEE 754 does. */
export function roundEven(x: number): number {
  return x < 0 ? -roundHalfEven(-x) : roundHalfEven(x);
}

/** −1, 0 or 1; NaN of NaN. Both zeros give 0. */
export function sign(x: number): number {
  return Math.sign(x) + 0;
}

/** 1 / (1 + exp(−x)), without overflow of the exponential. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** log(1 + exp(x)), without overflow and without loss for very negative x. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** x · tanh(softplus(x)). Misra 2019. */
export function mish(x: number): number {
  return x * Math.tanh(softplus(x));
}

export function hardSigmoid(x: number, alpha: number, beta: number): number {
  return Math.max(0, Math.min(1, alpha * x + beta));
}

/** x · Φ(x), by the complementary error function so that the left tail does not cancel. */
export function gelu(x: number): number {
  return 0.5 * x * erfc(-x * Math.SQRT1_2);
}

/** Hendrycks & Gimpel's approximation: 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
export function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/**
 * Product of two integers of `dtype`. A product of 32-bit integers may need 64 bits, which a double
 * does not have, while its lowest 32 are all that is kept.
 */
export function multiplication(dtype: DType): BinaryFunction {
  const exactInDoubles = isFloat(dtype) || dtype === "i64" || dtype === "u64";
  return exactInDoubles ? (a, b) => a * b : Math.imul;
}

/** Quotient; of integers truncated towards zero, and 0 where ONNX leaves division by 0 open. */
export function division(dtype: DType): BinaryFunction {
  if (isFloat(dtype)) return (a, b) => a / b;
  // Up to 2^53, no quotient of integers lies so near the next one that it is rounded to it.
  return (a, b) => (b === 0 ? 0 : Math.trunc(a / b));
}

/** Power; `dtype` is the base's and the result's. */
export function power(dtype: DType): BinaryFunction {
  if (isFloat(dtype)) return floatPower;
  const multiply = multiplication(dtype);
  return (base, exponent) => {
    if (!Number.isInteger(exponent) || exponent < 0) return Math.trunc(floatPower(base, exponent));
    return integerPower(base, exponent, multiply);
  };
}

/** C's pow, which differs from JavaScript's ** where |base| is 1. */
function floatPower(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && Math.abs(exponent) === Infinity) return 1;
  return base ** exponent;
}

/** By repeated squaring. */
function integerPower(base: number, exponent: number, multiply: BinaryFunction): number {
  let result = 1;
  for (let rest = exponent, square = base; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

/** Remainder with the sign of the dividend, as C's fmod. */
export function truncatedRemainder(a: number, b: number): number {
  return a % b;
}

/** Remainder with the sign of the divisor, as Python's %. */
export function flooredRemainder(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** Least and greatest value of an element type; infinite for floats. */
export function dtypeLimits(dtype: DType): readonly [number, number] {
  switch (dtype) {
    case "f64":
    case "f32":
    case "f16":
    case "bf16":
      return [-Infinity, Infinity];
    case "i64":
      return [-(2 ** 63), 2 ** 63 - 1];
    case "i32":
      return [-(2 ** 31), 2 ** 31 - 1];
    case "i16":
      return [-32768, 32767];
    case "i8":
      return [-128, 127];
    case "u64":
      return [0, 2 ** 64 - 1];
    case "u32":
      return [0, 2 ** 32 - 1];
    case "u16":
      return [0, 65535];
    case "u8":
      return [0, 255];
    case "bool":
      return [0, 1];
  }
}
