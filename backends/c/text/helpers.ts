/** Small functions that programs use, by name: written out where they are needed. */

const packed = (bits: number): string => {
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  const code = `(packed[i / ${perByte}] >> (i % ${perByte} * ${bits})) & ${mask}`;
  return bits === 1
    ? `/* A weight of one bit: 1 is +1, 0 is -1. */
static inline int32_t weight1(const uint8_t *packed, int32_t i) {
  return 2 * ((int32_t)${code}) - 1;
}`.replace(`(int32_t)${code}`, `(int32_t)(${code})`)
    : `/* A weight of ${bits} bits in two's complement, the first of a byte in its lowest bits. */
static inline int32_t weight${bits}(const uint8_t *packed, int32_t i) {
  return ((int32_t)(${code}) ^ ${2 ** (bits - 1)}) - ${2 ** (bits - 1)};
}`;
};

/** `to` are values of 16 bits, but of 32 where there are such. */
const rowOf = (type: string): string => {
  const wide = type === "int32_t" ? type : "int16_t";
  return `/* A row of a window: \`count\` values of a row of \`length\`, from \`start\` on; 0 where the row has none. */
static inline void row_of_${type}(${wide} *to, const ${type} *row, int32_t start, int32_t count, int32_t length) {
  if (start >= 0 && start + count <= length) {
    for (int32_t k = 0; k < count; k++) to[k] = row[start + k];
  } else {
    for (int32_t k = 0; k < count; k++) {
      to[k] = start + k < 0 || start + k >= length ? 0 : row[start + k];
    }
  }
}`;
};

const texts = {
  nearest: `/* The whole number nearest to value / step, a tie up; step is above 0. */
static inline int32_t nearest(int32_t value, int32_t step) {
  const int32_t n = value + (step >> 1);
  return n / step - (n % step < 0);
}`,
  nearest_wide: `/* The same where half a step more might not fit 32 bits. */
static inline int64_t nearest_wide(int64_t value, int32_t step) {
  const int64_t n = value + (step >> 1);
  return n / step - (n % step < 0);
}`,
  encoded: `/* A quotient as a whole number, a tie to the even one, within low and high; NaN is low. */
static inline int32_t encoded(float quotient, int32_t zero, int32_t low, int32_t high) {
  if (!(quotient > (float)(low - zero - 1))) return low;
  if (quotient >= (float)(high - zero + 1)) return high;
  int32_t n = (int32_t)quotient;
  const float rest = quotient - (float)n;
  if (rest > 0.5f || (rest == 0.5f && n % 2 != 0)) n++;
  if (rest < -0.5f || (rest == -0.5f && n % 2 != 0)) n--;
  n += zero;
  return n < low ? low : n > high ? high : n;
}`,
  exponential: `/* e to the power of x: x less a multiple of ln 2 by a series, then doubled or halved (Cody and Waite). */
static double exponential(double x) {
  if (!(x >= -745.0)) return x < -745.0 ? 0.0 : x;
  if (x > 709.0) x = 709.0;
  int32_t n = (int32_t)(x * 1.4426950408889634 + (x < 0.0 ? -0.5 : 0.5));
  const double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
  double sum = 1.0;
  for (int32_t k = 13; k > 0; k--) sum = 1.0 + r / k * sum;
  double power = n < 0 ? 0.5 : 2.0;
  for (n = n < 0 ? -n : n; n > 0; n >>= 1) {
    if (n & 1) sum *= power;
    power *= power;
  }
  return sum;
}`,
  row_of_int8_t: rowOf("int8_t"),
  row_of_uint8_t: rowOf("uint8_t"),
  row_of_int16_t: rowOf("int16_t"),
  row_of_int32_t: rowOf("int32_t"),
  weight4: packed(4),
  weight2: packed(2),
  weight1: packed(1),
} as const satisfies Record<string, string>;

export type Helper = keyof typeof texts;

export const helpers: readonly Helper[] = [
  ...(["nearest", "nearest_wide", "encoded", "exponential"] as const),
  ...(["row_of_int8_t", "row_of_uint8_t", "row_of_int16_t", "row_of_int32_t"] as const),
  ...(["weight4", "weight2", "weight1"] as const),
];

export function textOfHelper(helper: Helper): string {
  return texts[helper];
}
