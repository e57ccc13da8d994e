/** Levels decide what the interpreter's division decides, for the floats and integers around them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  floatLevels,
  integerLevels,
  leastFloat,
} from "../../../../../backends/wasm/lower/neurons/levels.ts";
import { floats } from "../../../../../ir/semantics/neurons/arithmetic.ts";
import { gradedRule } from "../../../../../ir/semantics/neurons/graded.ts";

const { fire } = gradedRule({ bits: 1, alphabet: "word", sign: "free" }, floats);
const one = new DataView(new ArrayBuffer(4));
/** By their bits, beyond the least subnormals. */
const positive = fc.integer({ min: 100, max: 0x7f7f_ffff }).map((bits) => {
  one.setInt32(0, bits);
  return one.getFloat32(0);
});

/** The float32 so many places beside `x`, which is not next to 0. */
function beside(x: number, places: number): number {
  one.setFloat32(0, x);
  one.setInt32(0, one.getInt32(0) + places);
  return one.getFloat32(0);
}

function around(level: number): readonly number[] {
  return [-3, -2, -1, 0, 1, 2, 3].map((places) => beside(level, places));
}

describe("levels of float neurons", () => {
  it("are where the nearest multiple of the step becomes 1 or −1", () => {
    fc.assert(
      fc.property(positive, positive, (step, anywhere) => {
        const { up, down } = floatLevels(step, Infinity);
        const half = Math.fround(step / 2);
        const all = [anywhere, -anywhere, ...around(up), ...around(down), 0, half, -half];
        expect(all.map((u) => Number(u >= up) - Number(u <= down))).toEqual(
          all.map((u) => fire(u, 0, step, Infinity) + 0),
        );
      }),
    );
  });

  it("are where a ceiling leaves no room, and where too much was sent", () => {
    const steps = fc.float({ min: Math.fround(1e-3), max: 1e3, noNaN: true });
    fc.assert(
      fc.property(steps, fc.float({ min: 0, max: 1e4, noNaN: true }), (step, ceiling) => {
        const { room, excess } = floatLevels(step, ceiling);
        const all = [0, step, ceiling, ...around(room), ...around(excess)];
        expect(all.map((sent) => Number(sent <= room) - Number(sent >= excess))).toEqual(
          all.map((sent) => fire(step, sent, step, ceiling) + 0),
        );
      }),
    );
  });

  it("are a hair below and above half a step", () => {
    const { up, down } = floatLevels(1, Infinity);
    expect([up, down]).toEqual([0.5 - 2 ** -25, -0.5 - 2 ** -24]);
  });

  it("are nowhere for what no potential reaches", () => {
    const { up, down, room, excess } = floatLevels(Infinity, Infinity);
    expect([up, down, room, excess]).toEqual([NaN, NaN, NaN, NaN]);
    expect(floatLevels(1, Infinity)).toMatchObject({ room: Infinity, excess: NaN });
    expect(leastFloat((x) => x >= -2e-45)).toBe(-(2 ** -149));
    expect(leastFloat(() => true)).toBe(-Infinity);
  });
});

describe("levels of integer neurons", () => {
  const nearest = (a: number, step: number): number => Math.floor((2 * a + step) / (2 * step));

  it("are where the nearest multiple of the step becomes 1 or −1", () => {
    const ceilings = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), ceilings, (step, ceiling) => {
        const levels = integerLevels(step, ceiling);
        if (levels === null) throw new TypeError("no levels");
        const potentials = Array.from({ length: 2 * step + 1 }, (_, i) => i - step);
        expect(potentials.filter((u) => u >= levels.up)).toEqual(
          potentials.filter((u) => nearest(u, step) >= 1),
        );
        expect(potentials.filter((u) => u <= levels.down)).toEqual(
          potentials.filter((u) => nearest(u, step) <= -1),
        );
        const totals = potentials.flatMap((u) => [ceiling + 2 * u, ceiling + 2 * u + 1]);
        expect(totals.filter((sent) => sent <= levels.room)).toEqual(
          totals.filter((sent) => nearest(ceiling - sent, step) >= 1),
        );
        expect(totals.filter((sent) => sent >= levels.excess)).toEqual(
          totals.filter((sent) => nearest(ceiling - sent, step) <= -1),
        );
      }),
    );
  });

  it("are not to be had beyond 32 bits", () => {
    expect(integerLevels(10, 2 ** 31 - 1)).toBeNull();
    expect(integerLevels(10, Infinity)).not.toBeNull();
  });
});
