/** What encoders mean, worked out by hand; and what random spikes depend on, and what not. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { EncoderKind, OpAttrs } from "../../../ir/op/op.ts";
import { contentKey, philox, words } from "../../../ir/random.ts";
import { isStateful } from "../../../ir/op/known.ts";
import { type Cell, cellOf } from "../../../ir/semantics/spiking.ts";
import { real } from "../../../ir/type.ts";
import { type Tensors, f, infer, loc, numbers } from "../one-op.ts";

const one = f([], [1]);
const sizes = { gain: "one", amplitude: "one", sign: "positive" } as const;
const free = { ...sizes, sign: "free" } as const;

function encoder<K extends EncoderKind>(
  kind: K,
  attrs: OpAttrs[K],
  count: number,
  tensors: Tensors = {},
): Cell {
  const builder = new Builder({ tensors: new Map(Object.entries({ one, ...tensors })) });
  const x = builder.input("x", real("f32", [count]), loc);
  const inputs = kind === "snn.poisson-encode" ? [x, x] : [x];
  const op = builder.opOf(builder.add(kind, inputs, attrs, loc));
  return cellOf(known(isStateful(op) ? op : null, "a cell"), [count], (ref) =>
    builder.tensorAt(ref),
  );
}

/** Results of `timesteps` on a value that stays the same, row by row. */
function run(cell: Cell, x: readonly number[], timesteps: number): number[][] {
  return Array.from({ length: timesteps }, () =>
    numbers(cell.step(f([x.length], x))).map((v) => v + 0),
  );
}

describe("snn.latency-encode", () => {
  it("fires once in each period, earlier for larger values, and never for 0", () => {
    const cell = encoder("snn.latency-encode", { ...sizes, steps: 5, threshold: 0 }, 6);
    // 1 − u = 0, 1/4, 1/2, 7/8 (3.5 of 4: a tie, the later one), 1 at u = 0, and above 1.
    const rows = run(cell, [1, 0.75, 0.5, 0.125, 0, 3], 10);
    expect(rows.slice(0, 5)).toEqual([
      [1, 0, 0, 0, 0, 1],
      [0, 1, 0, 0, 0, 0],
      [0, 0, 1, 0, 0, 0],
      [0, 0, 0, 0, 0, 0],
      [0, 0, 0, 1, 0, 0],
    ]);
    expect(rows.slice(5)).toEqual(rows.slice(0, 5));
  });

  it("leaves out what is below a threshold, and has gains, sizes and signs", () => {
    const attrs = { ...free, gain: "gain", amplitude: "amplitude", steps: 3, threshold: 0.5 };
    const tensors = { gain: f([3], [0.5, 1, 1]), amplitude: f([3], [2, 3, 4]) };
    const cell = encoder("snn.latency-encode", attrs, 3, tensors);
    expect(run(cell, [-2, 0.5, 0.25], 3)).toEqual([
      [-2, 0, 0],
      [0, 3, 0],
      [0, 0, 0],
    ]);
    const positive = encoder("snn.latency-encode", { ...sizes, steps: 1, threshold: 0 }, 2);
    expect(run(positive, [-1, 0.1], 1)).toEqual([[0, 1]]);
  });
});

describe("snn.phase-encode", () => {
  it("sends the binary digits of a value, the most significant first", () => {
    const cell = encoder("snn.phase-encode", { ...sizes, bits: 3 }, 4);
    // 5/8 = 101; 0.3 · 8 = 2.4 → 010; 1 is held at 111; 1/16 is half a step and rounds up: 001.
    const rows = run(cell, [0.625, 0.3, 1, 1 / 16], 6);
    expect(rows.slice(0, 3)).toEqual([
      [0.5, 0, 0.5, 0],
      [0, 0.25, 0.25, 0],
      [0.125, 0, 0.125, 0.125],
    ]);
    expect(rows.slice(3)).toEqual(rows.slice(0, 3));
  });

  it("has signs where they are free", () => {
    const attrs = { ...free, amplitude: "three", bits: 2 };
    const cell = encoder("snn.phase-encode", attrs, 2, { three: f([], [3]) });
    expect(run(cell, [-0.75, 0.25], 2)).toEqual([
      [-1.5, 0],
      [-0.75, 0.75],
    ]);
  });
});

describe("snn.delta-encode", () => {
  const attrs = { threshold: "half", amplitude: "one" };
  const tensors = { half: f([], [0.5]) };

  it("sends a spike for each threshold that a value has moved by, one at each timestep", () => {
    const cell = encoder("snn.delta-encode", attrs, 1, tensors);
    const x = [0.4, 0.5, 0.9, 1.6, 1.6, 1.6, 0.6, 0.6, 0.99];
    const y = x.map((value) => numbers(cell.step(f([1], [value])))[0]);
    // r: 0, 0.5, 0.5, 1, 1.5, 1.5, 1, 1 (0.4 below), 1
    expect(y).toEqual([0, 1, 0, 1, 1, 0, -1, 0, 0]);
  });

  it("follows a value within a threshold", () => {
    const cell = encoder("snn.delta-encode", { ...attrs, amplitude: "half" }, 3, tensors);
    const x = [1.7, -3.2, 0.3];
    const rows = run(cell, x, 12);
    x.forEach((value, i) => {
      const sum = rows.reduce((total, row) => total + (row[i] ?? 0), 0);
      expect(Math.abs(value - sum)).toBeLessThan(0.5);
    });
  });
});

describe("snn.poisson-encode", () => {
  const x = [0, 0.25, 0.5, 1, 1.5, -0.5];

  it("fires as often as the value says: never at 0, always at 1", () => {
    const timesteps = 4000;
    const rows = run(encoder("snn.poisson-encode", { ...sizes, seed: 7 }, 6), x, timesteps);
    const rates = x.map((_, i) => rows.filter((row) => row[i] === 1).length / timesteps);
    expect([rates[0], rates[3], rates[4], rates[5]]).toEqual([0, 1, 1, 0]);
    // Four standard errors: √(p(1 − p)/T).
    expect(Math.abs((rates[1] ?? 0) - 0.25)).toBeLessThan(4 * Math.sqrt(0.1875 / timesteps));
    expect(Math.abs((rates[2] ?? 0) - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / timesteps));
    // Neighbours in time and space are independent: both fire in an eighth of all timesteps.
    const both = rows.filter((row, t) => row[1] === 1 && rows[t - 1]?.[2] === 1).length;
    expect(Math.abs(both / timesteps - 0.125)).toBeLessThan(4 * Math.sqrt(0.11 / timesteps));
  });

  it("compares its probability with the word of the seed, the content, the element and the timestep", () => {
    const seed = 3;
    const rows = run(encoder("snn.poisson-encode", { ...free, seed }, 6), x, 5);
    const key = contentKey(x);
    rows.forEach((row, t) => {
      const [lowest, highest] = [0, 4].map((i) => philox([key[0], i / 4, t + 1, key[1]], seed, 0));
      const drawn = [...(lowest ?? []), ...(highest ?? [])];
      const expected = x.map((value, i) => {
        const p = Math.min(1, Math.abs(value));
        return p * 2 ** 32 > (drawn[i] ?? 0) ? Math.sign(value) : 0;
      });
      expect(row).toEqual(expected);
    });
  });

  it("depends on the seed and the content, and on nothing that was drawn before", () => {
    const spikes = (seed: number, values: readonly number[]): number[][] =>
      run(encoder("snn.poisson-encode", { ...sizes, seed }, 6), values, 40);
    expect(spikes(7, x)).toEqual(spikes(7, x));
    expect(spikes(7, x)).not.toEqual(spikes(8, x));
    // Another element changes: the draws of all do.
    const third = (rows: number[][]): unknown[] => rows.map((row) => row[2]);
    expect(third(spikes(7, [0.01, ...x.slice(1)]))).not.toEqual(third(spikes(7, x)));
  });

  it("draws by another value's content where that is its second operand", () => {
    const alone = encoder("snn.poisson-encode", { ...sizes, seed: 1 }, 6);
    const beside = encoder("snn.poisson-encode", { ...sizes, seed: 1 }, 6);
    const scaled = x.map((value) => value / 2);
    for (let t = 0; t < 20; t++) {
      const [a, b] = [f([6], scaled), f([6], x)];
      const mine = numbers(beside.step(a, b));
      const drawn = words(1, contentKey(x), 6, t + 1);
      expect(mine).toEqual(
        scaled.map((value, i) => (Math.max(0, value) * 2 ** 32 > (drawn[i] ?? 0) ? 1 : 0)),
      );
      alone.step(a);
    }
  });
});

describe("contentKey", () => {
  it("takes 0 for −0 and any NaN for another, and parts in any order", () => {
    expect(contentKey([0, 1])).toEqual(contentKey([-0, 1]));
    expect(contentKey([NaN])).toEqual(contentKey(Float64Array.of(-NaN)));
    expect(contentKey([1, 2])).not.toEqual(contentKey([2, 1]));
    expect(contentKey([1])).not.toEqual(contentKey([1, 0]));
    const whole = contentKey([3, 4]);
    const parts = [contentKey([3]), contentKey([0, 4]), contentKey([0])];
    const sum = (k: 0 | 1): number =>
      ((parts[0]?.[k] ?? 0) + (parts[1]?.[k] ?? 0) - (parts[2]?.[k] ?? 0)) >>> 0;
    expect([sum(0), sum(1)]).toEqual(whole);
  });
});

describe("types of encoders", () => {
  const x = real("f32", [1, 3]);
  const tensors = { one, none: f([], [0]), wide: f([4], [1, 1, 1, 1]) };

  it("are spikes of the value's shape", () => {
    expect(infer("snn.phase-encode", { ...sizes, bits: 8 }, [x], tensors)).toBe("spike[1, 3]");
    const attrs = { ...sizes, seed: 0 };
    expect(infer("snn.poisson-encode", attrs, [x, real("u8", [2])], tensors)).toBe("spike[1, 3]");
  });

  it.each([
    ["snn.phase-encode", { ...sizes, bits: 25 }, x, "25 binary digits"],
    ["snn.phase-encode", { ...sizes, gain: "none", bits: 2 }, x, "a gain of 0 is not above 0"],
    ["snn.phase-encode", { ...sizes, gain: "wide", bits: 2 }, x, "does not broadcast"],
    ["snn.phase-encode", { ...sizes, bits: 2 }, real("f64", [1]), "works on f32"],
    ["snn.latency-encode", { ...sizes, steps: 0, threshold: 0 }, x, "a period of 0"],
    ["snn.latency-encode", { ...sizes, steps: 2, threshold: 2 }, x, "a threshold of 2"],
    ["snn.delta-encode", { threshold: "none", amplitude: "one" }, x, "a threshold of 0"],
    [
      "snn.delta-encode",
      { threshold: "one", amplitude: "one" },
      { ...x, domain: "spike" },
      "an encoder needs a value, not spikes",
    ],
  ] as const)("of %s are refused: %#", (kind, attrs, type, reason) => {
    expect(infer<EncoderKind>(kind, attrs, [type], tensors)).toContain(reason);
  });
});
