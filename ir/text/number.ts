/**
 * Numbers as text: the shortest spelling that reads back as the same value, with `-0`, `inf`,
 * `-inf` and `nan` spelled out. Reading is the lexer's.
 */
import { roundTo } from "../tensor.ts";
import type { DType } from "../type.ts";

/**
 * The shortest decimal that becomes `value` again when it is read and rounded into `dtype`:
 * 0.1 as f32 is `0.1`, although the double nearest to it is longer.
 */
export function formatNumber(value: number, dtype: DType = "f64"): string {
  if (Number.isNaN(value)) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (Object.is(value, -0)) return "-0";
  // String would round the digits beyond those that a double needs.
  if (dtype === "i64" || dtype === "u64")
    return Number.isInteger(value) ? String(BigInt(value)) : String(value);
  if (dtype === "f32" || dtype === "f16" || dtype === "bf16") {
    // Nine digits tell any two float32 values apart, and so any two of the narrower types.
    for (let digits = 1; digits <= 9; digits++) {
      const short = Number(value.toPrecision(digits));
      if (roundTo(dtype, short) === value) return String(short);
    }
  }
  return String(value);
}
