/** The loops of fitting give what the plain ones give, to the bit: any sizes, signs and limits, ties included. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitLoops } from "../../../backends/wasm/loops/loops.ts";
import { singleThreadWasmEngine } from "../../../backends/wasm/runtime/single.ts";
import { known } from "../../../ir/diagnostic.ts";
import { uniform } from "../../../ir/random.ts";
import { addTransposedProduct, product } from "../../../passes/fit/products.ts";
import { plainNeurons as plainRate } from "../../../passes/fit/response.ts";
import { plainErrors, plainNeurons as plainWords } from "../../../passes/fit/trial.ts";

const loops = await fitLoops();

/** One in three is 0, and the others are eighths. */
function drawn(length: number, seed: number): number[] {
  return Array.from({ length }, (_, i) => {
    const zero = uniform(seed, i, 1, 0) < 1 / 3;
    return zero ? 0 : Math.round(32 * (uniform(seed, i, 0, 0) - 0.5)) / 8;
  });
}

function matrix(count: number, width: number, seed: number) {
  const data = Float64Array.from(drawn(count * width, seed), (x, i) => x * (1 + i / 7));
  return { data, count, width };
}

/** Without −0, which counts as 0 wherever it comes up. */
const values = (data: ArrayLike<number>): number[] => Array.from(data, (x) => x + 0);

const size = fc.integer({ min: 1, max: 9 });
const rows = fc.integer({ min: 1, max: 140 });
const seed = fc.nat({ max: 9999 });
const sign = fc.constantFrom(
  { least: -3, retracts: true, floor: -Infinity },
  { least: -3, retracts: false, floor: -Infinity },
  { least: 0, retracts: false, floor: 0 },
);

describe("loops of fitting", () => {
  it("multiply matrices", () => {
    fc.assert(
      fc.property(rows, size, size, seed, fc.boolean(), (count, m, n, s, symmetric) => {
        const a = matrix(count, m, s);
        const b = symmetric ? a : matrix(count, n, s + 1);
        const [plain, fast] = [null, loops].map((given) => {
          const into = Float64Array.from(drawn(m * b.width, s + 2));
          addTransposedProduct(into, a, b, { symmetric, loops: given });
          return into;
        });
        expect(fast).toEqual(plain);
        const c = matrix(m, n, s + 3);
        expect(product(a, c, loops)).toEqual(product(a, c));
      }),
      { numRuns: 40 },
    );
  });

  it("send spikes of rate code", () => {
    fc.assert(
      fc.property(rows, size, seed, sign, (places, timesteps, s, { least, retracts }) => {
        const currents = Float32Array.from(drawn(places * timesteps, s));
        const observed = { currents, wanted: new Float32Array(places), timesteps };
        const fast = known(loops.rateNeurons(currents, places) ?? undefined, "loops");
        const plain = plainRate(observed);
        for (const step of [0.25, 0.7]) {
          const rule = { step, bias: 0.125, most: 3, least, retracts };
          const first = Math.floor(places / 3);
          const sent = plain.unitsSent(rule, first, places - first);
          expect(values(fast.unitsSent(rule, first, places - first))).toEqual(values(sent));
        }
      }),
      { numRuns: 40 },
    );
  });

  it("send words", () => {
    const ceiling = fc.constantFrom(Infinity, 1.25);
    fc.assert(
      fc.property(rows, seed, sign, ceiling, (count, s, bounds, most) => {
        const fast = known(loops.wordNeurons(count, 0.1) ?? undefined, "loops");
        const plain = plainWords(count, 0.1);
        const rule = { most: 3, ceiling: most, ...bounds };
        for (const [t, before] of [null, 0.5, 0.3, 0.07].entries()) {
          const currents = Float32Array.from(drawn(count, s + t));
          const found = plain.advance(rule, before, currents);
          expect(fast.advance(rule, before, currents)).toEqual(found);
          for (const held of ["v", "sent", "missing"] as const) {
            expect(values(fast[held])).toEqual(values(plain[held]));
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("find the error of words", () => {
    const ceiling = fc.constantFrom(Infinity, 1.25);
    fc.assert(
      fc.property(rows, rows, seed, sign, ceiling, (one, other, s, bounds, most) => {
        const groups = [one, other].map((count, i) => {
          const of = (kind: number) => Float64Array.from(drawn(count, s + 3 * i + kind));
          return { v: of(0), sent: of(1), missing: of(2), weight: 1 + 6 * i };
        });
        const rule = { most: 3, ceiling: most, ...bounds };
        const fast = known(loops.wordErrors(groups, rule) ?? undefined, "loops");
        const plain = plainErrors(groups, rule);
        for (const step of [0.5, 0.3, 0.07]) {
          const error = plain(Infinity, step);
          expect(fast(Infinity, step)).toBe(error);
          const part = fast(error / 2, step);
          expect(part).toBeGreaterThanOrEqual(error / 2);
          expect(part).toBeLessThanOrEqual(error);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("refuse what they have no memory for", () => {
    expect(loops.wordNeurons(2 ** 25, 0)).toBeNull();
    const many = new Float64Array(2 ** 24);
    const rule = { most: 3, least: 0, ceiling: Infinity, retracts: false, floor: 0 };
    const group = { v: many, sent: many, missing: many, weight: 1 };
    expect(loops.wordErrors([group], rule)).toBeNull();
  });

  it("are those of the engine", async () => {
    expect(await singleThreadWasmEngine.loops?.()).toBe(loops);
  });
});
