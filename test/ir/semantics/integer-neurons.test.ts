/** Neurons on i32: equations by hand, with numbers that float32 does not hold. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OpAttrs } from "../../../ir/op/op.ts";
import type { Cell } from "../../../ir/semantics/spiking.ts";
import { numbers } from "../one-op.ts";
import { cell, framed, graded, i, run } from "./cells.ts";

describe("snn.graded on integers", () => {
  it("is exact on integers", () => {
    const made = graded({}, { threshold: 3, vInit: 1, amplitude: 5 }, "i32");
    const { y, v } = run(made, [6, -4, -20], "i32");
    // ⌊7/3 + ½⌋ = 2, ⌊−3/3 + ½⌋ = −1, and then one more to take back.
    expect(y).toEqual([10, -5, -5]);
    expect(v).toEqual([1, 0, -17]);
  });

  it("takes whole multiples of the finest step on integers", () => {
    const shares = i([3], [2 ** 25 + 1, 4, 1]);
    const attrs = { sign: "free", schedule: "table", shares: "shares" } as const;
    const made = graded(attrs, { threshold: 3, vInit: 1, amplitude: 5 }, "i32", { shares });
    const step = 3 * (2 ** 25 + 1);
    const { y, v } = run(made, [2 * step + 20, 0, 0, 0], "i32");
    // 21 is 1.75 steps of 12, and −3 is one of 3: nothing is left.
    expect(y).toEqual([10 * (2 ** 25 + 1), 2 * 5 * 4, -5, 0]);
    expect(v).toEqual([21, -3, 0, 0]);
  });

  it("reaches three quarters of a power exactly on integers", () => {
    // ¾ of this step is 50331651, which float32 rounds up.
    const large = graded({ alphabet: "power" }, { threshold: 2 ** 26 + 4 }, "i32");
    expect(run(large, [50331650, 1], "i32").y).toEqual([0, 1]);
  });
});

describe("snn.lif on integers", () => {
  const lif = (attrs: Partial<OpAttrs["snn.lif"]>, threshold = 75, vInit = 0): Cell =>
    cell(
      "snn.lif",
      {
        threshold: "threshold",
        vInit: "vInit",
        amplitude: "amplitude",
        leak: 0.5,
        refractory: 0,
        spikeTime: "step",
        reset: "zero",
        ...attrs,
      },
      { threshold: i([], [threshold]), vInit: i([], [vInit]), amplitude: i([], [2]) },
      "current",
      "i32",
    );

  it("leaks towards its current, rounding towards it, fires on a tie and is reset", () => {
    const { y, v } = run(lif({}), [101, 99, 101, -400], "i32");
    // 101 − trunc(50.5), 99 − trunc(24), a spike; below 0 at the end.
    expect(y).toEqual([0, 2, 0, 0]);
    expect(v).toEqual([51, 0, 51, 0]);
    expect(run(lif({ reset: "subtract" }, 50), [203], "i32").v).toEqual([52]);
    // From above, too: 10 + trunc(30.5).
    expect(run(lif({}, 75, 71), [10], "i32").v).toEqual([40]);
  });

  it("rests for whole timesteps after a spike", () => {
    const { y, v } = run(lif({ refractory: 2 }), [150, 150, 150, 150], "i32");
    expect(y).toEqual([2, 0, 0, 2]);
    expect(v).toEqual([0, 0, 0, 0]);
    // What is left over the threshold waits, though it would fire at once.
    const kept = run(lif({ refractory: 1, reset: "subtract" }, 10), [80, 0, 0], "i32");
    expect(kept.v).toEqual([30, 30, 5]);
    expect(kept.y).toEqual([2, 0, 2]);
  });

  it("gets to any current, and stays between it and the potential", () => {
    const bits = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const k = fc.integer({ min: 1, max: 65535 });
    fc.assert(
      fc.property(bits, bits, k, (current, vInit, numerator) => {
        const leak = numerator / 65536;
        const made = lif({ leak }, 2 ** 31 - 1, vInit);
        const { v } = run(made, [current], "i32");
        const exact = current + (vInit - current) * leak;
        const fires = current === 2 ** 31 - 1 && exact >= 2 ** 31 - 1;
        if (!fires) expect(Math.abs((v[0] ?? NaN) - Math.max(0, exact))).toBeLessThan(1);
      }),
    );
    // With a slow leak too, where the nearest integer would be where it was.
    const slow = run(lif({ leak: 65535 / 65536 }, 9), new Array<number>(9).fill(9), "i32");
    expect(slow.v).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 0]);
  });
});

describe("framed neurons on integers", () => {
  it("fire by exact sums, row by row, no more rows than a frame has", () => {
    const rows = i([3], [2 ** 25 + 1, 2 ** 24 + 1, 1]);
    const tensors = { rows, reset: i([3], [2 ** 25, 2 ** 24 + 1, 1]), v: i([], [-1]) };
    const attrs = { threshold: "rows", reset: "reset", amplitude: "rows", vInit: "v" };
    const value = 2 ** 25 + 2 ** 24 + 2;
    for (const [ticks, sum] of [
      [3, 2 ** 25 + 2 ** 24 + 2],
      [2, 2 ** 25 + 2 ** 24 + 2],
      [1, 2 ** 25 + 1],
    ] as const) {
      const { cell: made, stepped } = framed("snn.few-spikes", attrs, tensors, ticks, "i32");
      const frame = [value - 7, 7, 0].slice(0, Math.max(2, ticks));
      const sent = made.frame(frame.slice(0, ticks).map((x) => i([1], [x]))).flatMap(numbers);
      const whole = numbers(stepped.step(i([1], [ticks === 1 ? value - 7 : value])));
      expect(whole).toEqual([sent.reduce((a, b) => a + b, 0)]);
      expect(whole).toEqual([sum]);
    }
  });

  it("round to ticks exactly, a tie up", () => {
    const tensors = { q: i([], [2 ** 25 + 2]), v: i([], [1]), a: i([], [2 ** 24 + 1]) };
    const attrs = { threshold: "q", vInit: "v", amplitude: "a", resolution: "tick" } as const;
    const { stepped } = framed("snn.ttfs", attrs, tensors, 5, "i32");
    const half = 2 ** 24 + 1;
    const values = [-half, half - 2, half - 1, 3 * half - 2, 3 * half - 1, 2 ** 30];
    const leads = values.map((x) => numbers(stepped.step(i([1], [x]))).map((y) => y / half));
    expect(leads.flat()).toEqual([0, 0, 1, 1, 2, 5]);
    const { cell: made } = framed("snn.ttfs", attrs, tensors, 3, "i32");
    const frame = [2 ** 25, 1, 0].map((x) => i([1], [x]));
    expect(made.frame(frame).flatMap(numbers)).toEqual([0, 0, half]);
  });
});

describe("ops over time on integers", () => {
  it("add rows of integers exactly, and take differences of them", () => {
    const table = { table: i([2, 1], [2 ** 25 + 1, -(2 ** 30) - 1]) };
    const biased = cell("snn.temporal-bias", { table: "table" }, table, "current", "i32");
    expect(run(biased, [1, 1], "i32").y).toEqual([2 ** 25 + 2, -(2 ** 30)]);
    const changes = cell("snn.difference", {}, {}, "real", "i32");
    expect(run(changes, [2 ** 25 + 1, -1, -1], "i32").y).toEqual([2 ** 25 + 1, -(2 ** 25) - 2, 0]);
  });
});
