/** Parts of octaves, against numbers worked out to 20 digits elsewhere (bc), and to the last bit. */
import { describe, expect, it } from "vitest";
import { twoToThe } from "../../../ir/run/octaves.ts";

describe("parts of octaves", () => {
  it("are powers of two where they are whole", () => {
    for (const n of [-126, -3, 0, 1, 127]) expect(twoToThe(32 * n, 32)).toBe(2 ** n);
  });

  it.each([
    [1, 2, 1.4142135623730950488],
    [1, 4, 1.1892071150027210667],
    [-1, 4, 0.84089641525371454303],
    [3, 8, 1.2968395546510096659],
    [31, 32, 1.957144124175400269],
    [-5, 16, 0.80524516597462715409],
  ])("2^(%i/%i)", (n, parts, value) => {
    expect(Math.abs(twoToThe(n, parts) / value - 1)).toBeLessThan(4 * Number.EPSILON);
  });

  it("are the same numbers on every engine", () => {
    const bits = new BigUint64Array(1);
    const number = new Float64Array(bits.buffer);
    const all = Array.from({ length: 32 }, (_, i) => {
      number[0] = twoToThe(i, 32);
      return bits[0] ?? 0n;
    });
    expect(all.reduce((sum, each) => (sum * 31n + each) % 1_000_000_007n, 0n)).toBe(615_070_499n);
  });
});
