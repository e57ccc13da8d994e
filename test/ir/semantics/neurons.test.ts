/** Graded, leaky and framed neurons, and what goes with them: equations by hand, and what they amount to. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OpAttrs } from "../../../ir/op/op.ts";
import type { Cell } from "../../../ir/semantics/spiking.ts";
import { f, numbers } from "../one-op.ts";
import { cell, framed, graded, run } from "./cells.ts";

describe("snn.graded", () => {
  it("sends the nearest word, and takes back no more than it sent", () => {
    const { y, v, spikes, bits } = run(graded({}, { amplitude: 0.5 }), [2.75, -1.25, -5, 4]);
    expect(y).toEqual([1.5, -0.5, -1, 0.5]);
    expect(v).toEqual([-0.25, -0.5, -3.5, -0.5]);
    expect(spikes).toEqual([1, 1, 1, 1]);
    // A word of 3 has two digits set, one of 2 has one.
    expect(bits).toEqual([2, 1, 1, 1]);
  });

  it("fires no more than K, of one sign or both", () => {
    expect(run(graded({ sign: "positive" }), [5, -9, 1]).y).toEqual([3, 0, 0]);
    expect(run(graded({ sign: "free" }), [5, -9, 1]).y).toEqual([3, -3, -3]);
    expect(run(graded({ sign: "retract" }), [5, -9, 1]).y).toEqual([3, -3, 0]);
  });

  it("sends powers of two where three quarters of one are there", () => {
    const made = graded({ alphabet: "power", sign: "free", bits: 3 });
    const { y, v, spikes } = run(made, [2.75, 0, -4, 0.9375]);
    expect(y).toEqual([2, 1, -4, 0]);
    expect(v).toEqual([0.75, -0.25, -0.25, 0.6875]);
    expect(spikes).toEqual([1, 1, 1, 0]);
  });

  it("sends no more in all than its ceiling", () => {
    const made = graded({ bits: 4, sign: "positive", ceiling: "ceiling" }, { ceiling: 2 });
    const { y, v } = run(made, [5, 1, -4]);
    expect(y).toEqual([2, 0, 0]);
    expect(v).toEqual([3, 4, 0]);
  });

  it("takes smaller and smaller steps", () => {
    const halving = run(
      graded({ sign: "free", schedule: "halving" }, { amplitude: 8 }),
      [1.75, 0, 0],
    );
    expect(halving.y).toEqual([16, 0, -2]);
    expect(halving.v).toEqual([-0.25, -0.25, 0]);
    const reciprocal = run(graded({ sign: "free", schedule: "reciprocal" }), [0.625, 0, 0, 0]);
    expect(reciprocal.y.slice(0, 2)).toEqual([1, -0.5]);
    expect(reciprocal.v.slice(0, 2)).toEqual([-0.375, 0.125]);
  });

  it("makes up for what it took back too much, whatever it holds", () => {
    const shares = f([4, 1], [1, 0.625, 0.25, 0.25]);
    const attrs = { schedule: "table", shares: "shares" } as const;
    const tables = { shares };
    // Of 1 the nearest multiple of 0.625 is 1.25: a quarter too much, sent again at the next step.
    const { y, v } = run(graded(attrs, {}, "f32", tables), [1, -5, 0, 0]);
    expect(y).toEqual([1, -1.25, 0.25, 0]);
    expect(v).toEqual([0, -3.75, -4, -4]);
    // A power may not be larger than what was sent, but for rounding.
    const powers = run(graded({ ...attrs, alphabet: "power" }, {}, "f32", tables), [1, -5, 0, 0]);
    expect(powers.y).toEqual([1, -1.25, 0.25, 0]);
  });

  it("takes the steps of a table, and then its last one", () => {
    const shares = f([3, 1], [1, 0.25, 0.125]);
    const attrs = { sign: "free", schedule: "table", shares: "shares" } as const;
    const { y, v } = run(
      graded(attrs, { amplitude: 8 }, "f32", { shares }),
      [1.75, 0, 0.15625, 0.25],
    );
    expect(y).toEqual([16, -2, 1, 2]);
    expect(v).toEqual([-0.25, 0, 0.03125, 0.03125]);
  });

  it("is snn.if with half a threshold more, with one bit and one sign", () => {
    const current = fc.array(
      fc.integer({ min: -16, max: 24 }).map((x) => x / 8),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(current, fc.constantFrom(0.5, 1, 2), (x, threshold) => {
        const one = run(graded({ bits: 1, sign: "positive" }, { threshold, vInit: 0.25 }), x);
        const tensors = { threshold: f([], [threshold]), vInit: f([], [0.25 + threshold / 2]) };
        const other = run(
          cell(
            "snn.if",
            { threshold: "threshold", vInit: "vInit", amplitude: "one", reset: "subtract" },
            { ...tensors, one: f([], [1]) },
          ),
          x,
        );
        expect(one.y).toEqual(other.y);
        expect(one.spikes).toEqual(other.spikes);
        expect(one.v).toEqual(other.v.map((v) => v - threshold / 2));
      }),
    );
  });

  it("is differential coding with steps of 1/t: inputs and potentials times t, a threshold that stays", () => {
    const current = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { maxLength: 12 });
    fc.assert(
      fc.property(current, (x) => {
        const xs = x.map(Math.fround);
        const { y } = run(
          graded({ sign: "free", schedule: "reciprocal" }, { threshold: 0.75 }),
          xs,
        );
        let v = 0;
        let isTie = false;
        const wanted = xs.map((each, i) => {
          const t = i + 1;
          const u = (i === 0 ? 0 : (v * t) / i) + each * t;
          const nearest = u / 0.75 + 0.5;
          isTie ||= Math.abs(nearest - Math.round(nearest)) < 1e-4;
          const k = Math.max(-3, Math.min(3, Math.floor(nearest)));
          v = u - 0.75 * k;
          return k / t;
        });
        if (!isTie) y.forEach((each, i) => expect(each).toBeCloseTo(wanted[i] ?? NaN, 5));
      }),
    );
  });

  it("conserves charge: what was received is what was sent and what is left", () => {
    const current = fc.array(
      fc.integer({ min: -32, max: 32 }).map((x) => x / 8),
      { maxLength: 20 },
    );
    const attrs = fc.record({
      bits: fc.integer({ min: 1, max: 4 }),
      alphabet: fc.constantFrom("word" as const, "power" as const),
      sign: fc.constantFrom("positive" as const, "retract" as const, "free" as const),
    });
    fc.assert(
      fc.property(current, attrs, (x, form) => {
        const { y, v } = run(graded(form, { threshold: 0.5, amplitude: 0.5, vInit: 0.125 }), x);
        const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);
        expect(sum(y) + (v.at(-1) ?? 0.125)).toBe(0.125 + sum(x));
        if (form.sign === "retract") {
          y.forEach((_, t) => {
            expect(sum(y.slice(0, t + 1))).toBeGreaterThanOrEqual(0);
          });
        }
      }),
    );
  });
});

describe("snn.rehearsed-if", () => {
  const rehearsed = (
    rule: "offset" | "silence",
    rehearsal: number,
    { threshold, amplitude } = { threshold: 1, amplitude: 1 },
  ): Cell =>
    cell(
      "snn.rehearsed-if",
      { threshold: "threshold", vInit: "vInit", amplitude: "amplitude", rehearsal, rule },
      {
        threshold: f([], [threshold]),
        vInit: f([], [threshold / 2]),
        amplitude: f([], [amplitude]),
      },
    );
  const spikesOf = (made: Cell, current: readonly number[]): number[] =>
    run(made, [...current, ...current]).spikes;

  it("takes a spike back that was sent too early", () => {
    // Fires at 1.25, of which −1.25 is left at the end: a spike too many.
    const { v, spikes } = run(rehearsed("offset", 3), [0.75, -1, -0.5, 0.75, -1, -0.5]);
    expect(v).toEqual([0.25, -0.75, -1.25, 0.25, -0.75, -1.25]);
    expect(spikes).toEqual([1, 0, 0, 0, 0, 0]);
  });

  it("takes a spike back that came by far, by as much as it needs", () => {
    // At 2.5 a shift by one threshold would leave a spike: it is by 1.5 and a bit.
    expect(spikesOf(rehearsed("offset", 2), [2, -3.5])).toEqual([1, 0, 0, 0]);
  });

  it("sends a spike more where one was late, by as much as it needs", () => {
    // From −0.5 on, 1.5 and a bit more are missing at the first timestep.
    const { v, spikes } = run(rehearsed("offset", 2), [-1, 3, -1, 3]);
    expect(spikes).toEqual([0, 1, 1, 1]);
    expect(v[2]).toBeCloseTo(0.001, 6);
    expect(run(rehearsed("offset", 2), [0.25, 2.5, 0.25, 2.5]).spikes).toEqual([0, 1, 1, 1]);
  });

  it("goes by the spike and the silence that were nearest to the threshold", () => {
    // Spikes with 1.5 and 1.25 left over, and then 4 taken away.
    const tooMany = run(rehearsed("offset", 3), [2, 0.75, -4, 0]);
    expect(tooMany.v[2]).toBe(-2.75);
    expect(tooMany.v[3]).toBeCloseTo(0.5 - 1.251, 6);
    // Silent at −1.5 and −1, and then 4 come.
    const tooFew = run(rehearsed("offset", 3), [-2, 0.5, 4, 0]);
    expect(tooFew.v[2]).toBe(2);
    expect(tooFew.v[3]).toBeCloseTo(0.5 + 2.001 - 1, 6);
  });

  it("changes nothing where no spike was sent, none is missing, or none could be more", () => {
    expect(spikesOf(rehearsed("offset", 2), [-1, -1])).toEqual([0, 0, 0, 0]);
    expect(run(rehearsed("offset", 2), [-1, -1, 0]).v[2]).toBe(0.5);
    expect(run(rehearsed("offset", 2), [3, 3, 0]).v[2]).toBe(0.5);
    expect(run(rehearsed("offset", 2), [1, 0.25, 0]).v[2]).toBe(0.5);
  });

  it("learns in units of the threshold, and sends amplitudes", () => {
    const made = rehearsed("offset", 2, { threshold: 4, amplitude: 3 });
    const { v, y } = run(made, [-4, 12, 0]);
    expect(v[1]).toBe(6);
    expect(v[2]).toBeCloseTo(2 + 6.004 - 4, 5);
    expect(y).toEqual([0, 3, 3]);
  });

  it("falls silent by the other rule where more was sent than received", () => {
    const { v, spikes } = run(rehearsed("silence", 2), [0.75, -1, 1000, 1000]);
    expect(v).toEqual([0.25, -0.75, -Infinity, -Infinity]);
    expect(spikes).toEqual([1, 0, 0, 0]);
    // Exactly as much, up to a thousandth of the threshold.
    expect(spikesOf(rehearsed("silence", 1), [0.5])).toEqual([1, 0]);
    expect(spikesOf(rehearsed("silence", 1), [0.5 + 2 ** -11])).toEqual([1, 0]);
    expect(spikesOf(rehearsed("silence", 1), [0.5 + 2 ** -9])).toEqual([1, 1]);
    // What is left includes the potential it began with: a neuron that receives nothing stays.
    expect(spikesOf(rehearsed("silence", 1), [0])).toEqual([0, 0]);
    expect(run(rehearsed("silence", 1), [0, 0]).v).toEqual([0.5, 0.5]);
  });

  it("starts from the potential that the paper gives", () => {
    const current = fc.integer({ min: -40, max: 40 }).map((n) => n / 16);
    fc.assert(
      fc.property(fc.array(current, { minLength: 1, maxLength: 12 }), (x) => {
        // Appendix of Hao et al. (ICLR 2023), in units of the threshold.
        let [v, least, most] = [0.5, Infinity, -Infinity];
        for (const each of x) {
          const u = v + each;
          v = u >= 1 ? u - 1 : u;
          if (u >= 1) least = Math.min(least, u);
          else most = Math.max(most, u);
        }
        const lower = v < 0 && least < Infinity ? Math.max(1, least - 0.999) : 0;
        const higher = v >= 1 && most > -Infinity ? Math.max(1, 1.001 - most) : 0;
        const start = 0.5 - lower + higher;
        const next = run(rehearsed("offset", x.length), [...x, 0]).v.at(-1);
        expect(next).toBeCloseTo(start >= 1 ? start - 1 : start, 5);
      }),
    );
  });
});

describe("snn.lif", () => {
  const lif = (attrs: Partial<OpAttrs["snn.lif"]>, threshold = 0.75, vInit = 0): Cell =>
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
      { threshold: f([], [threshold]), vInit: f([], [vInit]), amplitude: f([], [2]) },
    );

  it("leaks towards its current, fires on a tie and is reset", () => {
    const { y, v } = run(lif({}), [1, 1, 1, -4]);
    expect(y).toEqual([0, 2, 0, 0]);
    // The last one would be −1.75; potentials do not go below 0.
    expect(v).toEqual([0.5, 0, 0.5, 0]);
    expect(run(lif({ reset: "subtract" }, 0.5), [2]).v).toEqual([0.5]);
  });

  it("rests after a spike, for parts of a timestep too", () => {
    expect(run(lif({ refractory: 1 }), [1, 1, 1, 1]).v).toEqual([0.5, 0, 0, 0.5]);
    const { v } = run(lif({ refractory: 1.5 }), [1, 1, 1, 1]);
    expect(v[3]).toBeCloseTo(1 - Math.SQRT1_2, 6);
  });

  it("knows when within a timestep it fired", () => {
    // From ½ to ¾, and 0.7 was crossed when a sixth of what was left to cross it had leaked away.
    const { v } = run(lif({ refractory: 2, spikeTime: "exact" }, 0.7), [1, 1, 1, 1]);
    expect(v[3]).toBeCloseTo(1 / 6, 5);
    // Above the threshold from the beginning: the rest begins with the step.
    const above = run(lif({ refractory: 1, spikeTime: "exact" }, 0.125, 4), [0.25, 1]);
    expect(above.y).toEqual([2, 2]);
  });
});

describe("snn.few-spikes", () => {
  const alpha = 0.125;
  const bits = 5;
  const rows = f(
    [bits],
    Array.from({ length: bits }, (_, t) => alpha * 2 ** (bits - 1 - t)),
  );
  const attrs = { threshold: "rows", reset: "rows", amplitude: "rows", vInit: "half" };
  const tensors = { rows, half: f([], [alpha / 2]) };

  it("rounds ReLU to as many bits as it has spikes", () => {
    const made = framed("snn.few-spikes", attrs, tensors, bits).stepped;
    const value = fc.integer({ min: -200, max: 400 }).map((x) => x / 64);
    fc.assert(
      fc.property(value, (x) => {
        const k = Math.max(0, Math.min(2 ** bits - 1, Math.floor(x / alpha + 0.5)));
        expect(numbers(made.step(f([1], [x])))).toEqual([k * alpha]);
        const ones = [...k.toString(2)].filter((digit) => digit === "1").length;
        expect(made.neurons?.spikeCount).toBe(ones);
      }),
    );
  });

  it("fires row by row once the frame is complete", () => {
    const { cell: made } = framed("snn.few-spikes", attrs, tensors, 6);
    const frame = [1, 0.5, 0.25, 0, 0, 0].map((x) => f([1], [x]));
    // 1.75 is 14 eighths.
    expect(made.frame(frame).flatMap(numbers)).toEqual([0, 1, 0.5, 0.25, 0, 0]);
  });
});

describe("snn.ttfs", () => {
  const attrs = { threshold: "q", vInit: "v", amplitude: "a" };
  const tensors = { q: f([], [0.25]), v: f([], [0]), a: f([], [0.5]) };
  const ttfs = (resolution: "tick" | "continuous", ticks = 8) =>
    framed("snn.ttfs", { ...attrs, resolution }, tensors, ticks);

  it("rounds ReLU to ticks, up to the window", () => {
    const made = ttfs("tick").stepped;
    const lead = [-1, 0.125, 0.3, 0.375, 1, 9].map((x) => made.step(f([1], [x])));
    expect(lead.flatMap(numbers)).toEqual([0, 0.5, 0.5, 1, 2, 4]);
  });

  it("is ReLU itself between ticks", () => {
    const made = ttfs("continuous").stepped;
    const lead = [-1, 0.125, 0.3125, 9].map((x) => made.step(f([1], [x])));
    expect(lead.flatMap(numbers)).toEqual([0, 0.25, 0.625, 4]);
  });

  it("fires the earlier, the larger the value is", () => {
    const { cell: made } = ttfs("tick", 3);
    const fired = (x: number) =>
      made.frame([x, 0, 0].map((each) => f([1], [each]))).flatMap(numbers);
    expect(fired(0.75)).toEqual([1.5, 0, 0]);
    expect(fired(0.5)).toEqual([0, 1, 0]);
    expect(fired(0.25)).toEqual([0, 0, 0.5]);
    const { cell: continuous } = ttfs("continuous", 3);
    // At 3 + 1 − 0.4, which is within the last tick.
    const late = continuous.frame([0.1, 0, 0].map((each) => f([1], [each]))).flatMap(numbers);
    expect(late.map((y) => y > 0)).toEqual([false, false, true]);
  });
});

describe("framed neurons", () => {
  it("send in a frame what they send as wholes", () => {
    const frames = fc.array(
      fc.integer({ min: -16, max: 24 }).map((x) => x / 16),
      {
        minLength: 6,
        maxLength: 6,
      },
    );
    const tensors = {
      rows: f([4], [1, 0.5, 0.375, 0.125]),
      q: f([], [0.25]),
      v: f([], [0.0625]),
      a: f([], [0.5]),
    };
    const rows = { threshold: "rows", reset: "rows", amplitude: "rows", vInit: "v" };
    const ramp = { threshold: "q", vInit: "v", amplitude: "a" } as const;
    const kinds = [
      framed("snn.few-spikes", rows, tensors, 6),
      framed("snn.ttfs", { ...ramp, resolution: "tick" }, tensors, 6),
      framed("snn.ttfs", { ...ramp, resolution: "continuous" }, tensors, 6),
    ];
    fc.assert(
      fc.property(frames, fc.constantFrom(...kinds), (x, { cell: made, stepped }) => {
        const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);
        const sent = made.frame(x.map((each) => f([1], [each]))).flatMap(numbers);
        const spikes = made.neurons.spikeCount;
        expect(numbers(stepped.step(f([1], [sum(x)])))).toEqual([sum(sent)]);
        expect(stepped.neurons?.spikeCount).toBe(spikes);
        expect(sent.filter((y) => y !== 0)).toHaveLength(spikes);
      }),
    );
  });
});

describe("ops over time", () => {
  it("add a row for each timestep, and the last one from then on", () => {
    const made = cell("snn.temporal-bias", { table: "table" }, { table: f([2, 1], [1, 0.5]) });
    expect(run(made, [1, 1, 1, 0]).y).toEqual([2, 1.5, 1.5, 0.5]);
  });

  it("smooth", () => {
    expect(run(cell("snn.low-pass", { decay: 0.75 }), [4, 0, 4]).y).toEqual([1, 0.75, 1.5625]);
  });

  it("sum up increments, and take them", () => {
    expect(run(cell("snn.accumulate", {}), [1, -2, 0.5]).y).toEqual([1, -1, -0.5]);
    expect(run(cell("snn.difference", {}, {}, "real"), [1, -1, -0.5, -0.5]).y).toEqual([
      1, -2, 0.5, 0,
    ]);
  });
});
