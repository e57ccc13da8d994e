/** The counter-based generator: the published vectors, and that draws depend on their key alone. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { philox, uniform } from "../../ir/random.ts";

const full = 0xffffffff;

describe("philox", () => {
  // Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [full, full, full, full],
      [full, full],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)("gives the published words for counter %j", (counter, [low, high], words) => {
    expect(philox(counter, low, high)).toEqual(words);
  });
});

describe("uniform", () => {
  it("lies in [0, 1) and depends on every part of the key", () => {
    const word = fc.nat({ max: full });
    fc.assert(
      fc.property(fc.nat(), word, word, word, (seed, a, b, c) => {
        const x = uniform(seed, a, b, c);
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThan(1);
        expect(uniform(seed, a, b, c)).toBe(x);
        expect(uniform(seed + 1, a, b, c)).not.toBe(x);
        expect(uniform(seed + 2 ** 32, a, b, c)).not.toBe(x);
        expect(uniform(seed, a + 1, b, c)).not.toBe(x);
        expect(uniform(seed, a, b + 1, c)).not.toBe(x);
        expect(uniform(seed, a, b, c + 1)).not.toBe(x);
      }),
    );
  });

  it("is uniform: mean and variance of 20,000 draws, within four standard errors", () => {
    const n = 20_000;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      const x = uniform(7, 0, i, 3);
      sum += x;
      squares += (x - 0.5) ** 2;
    }
    expect(Math.abs(sum / n - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(squares / n - 1 / 12)).toBeLessThan(4 * Math.sqrt(1 / 180 / n));
  });
});
