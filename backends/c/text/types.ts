/** The element types of C that the program uses, and which of them holds an interval. */
import type { Interval } from "../../../ir/analysis/interval.ts";
import type { DType } from "../../../ir/type.ts";

export type CType = "int8_t" | "uint8_t" | "int16_t" | "int32_t" | "int64_t" | "float";

export const bytesOf: Readonly<Record<CType, number>> = {
  int8_t: 1,
  uint8_t: 1,
  int16_t: 2,
  int32_t: 4,
  int64_t: 8,
  float: 4,
};

/** The narrowest signed type that holds all of `interval`. */
export function typeFor({ low, high }: Interval): CType {
  for (const [type, bits] of [
    ["int8_t", 8],
    ["int16_t", 16],
    ["int32_t", 32],
  ] as const) {
    if (low >= -(2 ** (bits - 1)) && high < 2 ** (bits - 1)) return type;
  }
  return "int64_t";
}

/** The type of C for elements of a type of the IR; null where the program has none. */
export function typeOf(dtype: DType): CType | null {
  switch (dtype) {
    case "i8":
      return "int8_t";
    case "u8":
      return "uint8_t";
    case "i16":
      return "int16_t";
    case "i32":
      return "int32_t";
    case "f32":
      return "float";
    default:
      return null;
  }
}
