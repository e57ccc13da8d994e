/**
 * The four 8-bit float formats of ONNX and its 4-bit one, decoded by table. The IR has no such
 * types: their values are held as float32, which represents each of them exactly.
 */

export type SmallFloat =
  "float8e4m3fn" | "float8e4m3fnuz" | "float8e5m2" | "float8e5m2fnuz" | "float4e2m1";

interface Float8Format {
  readonly bits: number;
  readonly mantissaBits: number;
  readonly bias: number;
  /** What the non-numbers are: IEEE's infinities and NaNs, one NaN per sign, a NaN at -0, or none. */
  readonly special: "ieee" | "fn" | "fnuz" | "none";
}

/** Micikevicius et al. 2022 (FN), and Noune et al. 2022 (FNUZ); float4e2m1 is OCP MX's. */
const formats: Record<SmallFloat, Float8Format> = {
  float8e4m3fn: { bits: 8, mantissaBits: 3, bias: 7, special: "fn" },
  float8e4m3fnuz: { bits: 8, mantissaBits: 3, bias: 8, special: "fnuz" },
  float8e5m2: { bits: 8, mantissaBits: 2, bias: 15, special: "ieee" },
  float8e5m2fnuz: { bits: 8, mantissaBits: 2, bias: 16, special: "fnuz" },
  float4e2m1: { bits: 4, mantissaBits: 1, bias: 1, special: "none" },
};

function decode(code: number, format: Float8Format): number {
  const magnitudeBits = format.bits - 1;
  const negative = code >> magnitudeBits === 1;
  const magnitude = code & ((1 << magnitudeBits) - 1);
  const exponentBits = magnitudeBits - format.mantissaBits;
  const exponent = magnitude >> format.mantissaBits;
  const mantissa = magnitude & ((1 << format.mantissaBits) - 1);
  const top = (1 << exponentBits) - 1;
  if (format.special === "fnuz" && negative && magnitude === 0) return NaN;
  if (format.special === "fn" && magnitude === (1 << magnitudeBits) - 1) return NaN;
  if (format.special === "ieee" && exponent === top) {
    if (mantissa !== 0) return NaN;
    return negative ? -Infinity : Infinity;
  }
  const fraction = mantissa / (1 << format.mantissaBits);
  const value =
    exponent === 0
      ? fraction * 2 ** (1 - format.bias)
      : (1 + fraction) * 2 ** (exponent - format.bias);
  return negative ? -value : value;
}

const tables = new Map<SmallFloat, Float32Array>();

/** The value of each code of a format, indexed by the code. */
export function smallFloatTable(name: SmallFloat): Float32Array {
  const there = tables.get(name);
  if (there !== undefined) return there;
  const format = formats[name];
  const table = Float32Array.from({ length: 1 << format.bits }, (_, code) => decode(code, format));
  tables.set(name, table);
  return table;
}
