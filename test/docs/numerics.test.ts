/**
 * The equations of docs/ir.md and docs/numerics.md, written down here as they stand there, give what the
 * interpreter gives, bit for bit: indices and orders of sums, and the roundings of neurons.
 */
import { describe, expect, it } from "vitest";
import { interpret } from "../../ir/interpret.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { uniform } from "../../ir/random.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";
import { evaluateOp, numbers } from "../ir/one-op.ts";

const fl = Math.fround;

/** Numbers of either sign and of many sizes, so that an order of terms shows. */
function drawn(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const size = 2 ** Math.floor(uniform(seed, i, 1, 0) * 60 - 30);
    return fl((uniform(seed, i, 0, 0) * 2 - 1) * size);
  });
}

/** In double precision, where a result shows in which order its terms were added. */
function random(shape: Shape, seed: number): Tensor {
  return tensorOf("f64", shape, drawn(elementCount(shape), seed));
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** One spatial axis; two would be the same twice. */
interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly end: number;
}

const windows: readonly Window[] = [
  { kernel: 3, stride: 1, dilation: 1, begin: 1, end: 1 },
  { kernel: 3, stride: 2, dilation: 2, begin: 2, end: 0 },
  { kernel: 2, stride: 3, dilation: 1, begin: 0, end: 1 },
];

const attrsOf = ({ stride, dilation, begin, end }: Window) => ({
  strides: [stride],
  dilations: [dilation],
  padsBegin: [begin],
  padsEnd: [end],
});

const reachOf = ({ kernel, dilation }: Window): number => dilation * (kernel - 1) + 1;

describe("sums", () => {
  const [inputs, out, groups, extent] = [4, 6, 2, 9];
  const x = random([1, inputs, extent], 1);
  const bias = random([out], 2);
  const xAt = (c: number, at: number): number => numbers(x)[c * extent + at] ?? 0;

  it.each(windows)("of a convolution go by channel and tap, onto the bias: %o", (window) => {
    const { kernel, stride, dilation, begin, end } = window;
    const weight = random([out, inputs / groups, kernel], 3);
    const w = numbers(weight);
    const y = evaluateOp("ann.conv", { ...attrsOf(window), groups, weight: "w", bias: "b" }, [x], {
      w: weight,
      b: bias,
    });
    const outExtent = Math.floor((extent + begin + end - reachOf(window)) / stride) + 1;
    expect(y.shape).toEqual([1, out, outExtent]);
    const wanted = range(out).flatMap((o) =>
      range(outExtent).map((p) => {
        const g = Math.floor((o * groups) / out);
        let sum = bias.data[o] ?? 0;
        for (const c of range(inputs / groups)) {
          for (const k of range(kernel)) {
            const at = p * stride + k * dilation - begin;
            if (at < 0 || at >= extent) continue;
            sum +=
              (w[(o * (inputs / groups) + c) * kernel + k] ?? 0) *
              xAt((g * inputs) / groups + c, at);
          }
        }
        return sum;
      }),
    );
    expect(numbers(y)).toEqual(wanted);
  });

  it.each(windows)("of a transposed convolution too: %o", (window) => {
    const { kernel, stride, dilation, begin, end } = window;
    const weight = random([inputs, out / groups, kernel], 4);
    const w = numbers(weight);
    const attrs = { ...attrsOf(window), groups, weight: "w", bias: "b", outputPadding: [1] };
    const y = evaluateOp("ann.conv-transpose", attrs, [x], { w: weight, b: bias });
    const outExtent = stride * (extent - 1) + 1 + reachOf(window) - begin - end;
    expect(y.shape).toEqual([1, out, outExtent]);
    const wanted = range(out).flatMap((channel) =>
      range(outExtent).map((q) => {
        const g = Math.floor((channel * groups) / out);
        const o = channel - (g * out) / groups;
        let sum = bias.data[channel] ?? 0;
        for (const c of range(inputs / groups).map((i) => i + (g * inputs) / groups)) {
          for (const k of range(kernel)) {
            const p = (q - k * dilation + begin) / stride;
            if (!Number.isInteger(p) || p < 0 || p >= extent) continue;
            sum += (w[(c * (out / groups) + o) * kernel + k] ?? 0) * xAt(c, p);
          }
        }
        return sum;
      }),
    );
    expect(numbers(y)).toEqual(wanted);
  });

  it.each(
    windows.flatMap((window) =>
      [true, false].flatMap((ceilMode) =>
        [true, false].map((countIncludePad) => ({ ...window, ceilMode, countIncludePad })),
      ),
    ),
  )("of an average are divided by what its windows hold: %o", (window) => {
    const { kernel, stride, dilation, begin, end, ceilMode, countIncludePad } = window;
    const attrs = { ...attrsOf(window), kernel: [kernel], ceilMode, countIncludePad };
    const y = evaluateOp("ann.average-pool", attrs, [x]);
    const room = (extent + begin + end - reachOf(window)) / stride;
    let outExtent = (ceilMode ? Math.ceil(room) : Math.floor(room)) + 1;
    if (ceilMode && (outExtent - 1) * stride >= extent + begin) outExtent--;
    expect(y.shape).toEqual([1, inputs, outExtent]);
    const wanted = range(inputs).flatMap((c) =>
      range(outExtent).map((p) => {
        const taps = range(kernel).map((k) => p * stride + k * dilation - begin);
        const inside = taps.filter((at) => at >= 0 && at < extent);
        const padded = taps.filter((at) => at < extent + end);
        const sum = inside.reduce((before, at) => before + xAt(c, at), 0);
        return sum / (countIncludePad ? padded : inside).length;
      }),
    );
    expect(numbers(y)).toEqual(wanted);
  });

  it("of a linear layer go by element, those of a matrix product begin with 0", () => {
    const a = random([3, 8], 5);
    const weight = random([5, 8], 6);
    const shift = random([5], 7);
    const dot = (start: number, row: number, column: number): number =>
      range(8).reduce(
        (sum, i) => sum + (weight.data[column * 8 + i] ?? 0) * (a.data[row * 8 + i] ?? 0),
        start,
      );
    const each = (start: (column: number) => number): number[] =>
      range(3).flatMap((row) => range(5).map((column) => dot(start(column), row, column)));
    const y = evaluateOp("ann.linear", { weight: "w", bias: "b" }, [a], { w: weight, b: shift });
    expect(numbers(y)).toEqual(each((column) => shift.data[column] ?? 0));
    const turned = evaluateOp("ann.transpose", { perm: [1, 0] }, [weight]);
    expect(numbers(evaluateOp("ann.matmul", {}, [a, turned]))).toEqual(each(() => 0));
  });
});

const timesteps = 6;
const neurons = 16;

/** A network of one neuron op on given increments, and what it holds and sends at each timestep. */
function run(code: string, op: string, tensors: Readonly<Record<string, readonly number[]>>) {
  const table = Object.entries(tensors).map(([name, values]) => {
    const rows = values.length === 1 ? "" : `${values.length}, 1, 1`;
    const items = values.length === 1 ? `${values[0] ?? 0}` : `[${values.join(", ")}]`;
    return `  @${name} = f32[${rows}] dense<${items}>`;
  });
  // A value that changes at each timestep: what a low-pass makes of the input, taken apart.
  const framed = code !== "differential";
  const text = `module @m attributes {code = "${code}", timesteps = ${timesteps}, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, ${neurons}]
${framed ? `  %1 = snn.difference(%0) : current[1, ${neurons}]` : `  %1 = snn.low-pass(%0) {decay = -0} : current[1, ${neurons}]`}
  %2 = ${op} : spike[1, ${neurons}]
  %3 = snn.accumulate(%2) : real[1, ${neurons}]
  ann.output(%3) {name = "y"}
}
tensors {
${table.join("\n")}
}`;
  const module = parseModule(text, { file: "text" });
  const x = range(neurons).map((i) => fl(uniform(11, i, 0, 0) * 6 - 3));
  const [, operand, neuron] = module.ops;
  if (operand === undefined || neuron === undefined) throw new Error(text);
  const { probes } = interpret(module, [tensorOf("f32", [1, neurons], x)], {
    timesteps,
    probes: [
      { value: operand.result, keep: "trace" },
      { value: neuron.result, keep: "trace" },
      { value: neuron.result, keep: "state" },
    ],
  });
  const [current = [], sent = [], held = []] = probes.map((each) => [...each]);
  return { current, sent, held };
}

const threshold = fl(0.3);
const amplitude = fl(0.7);
const shares = [1, fl(0.37), fl(0.11), fl(0.053)];

describe("graded neurons", () => {
  const schedules = ["constant", "reciprocal", "halving", "table"] as const;
  const signs = ["positive", "retract", "free"] as const;
  const alphabets = ["word", "power"] as const;
  const cases = schedules.flatMap((schedule) =>
    signs.flatMap((sign) =>
      alphabets.flatMap((alphabet) =>
        [null, fl(1.1)].map((ceiling) => ({ schedule, sign, alphabet, ceiling })),
      ),
    ),
  );

  it.each(schedules)("round as the equations say: %s", (each) => {
    for (const one of cases) if (one.schedule === each) compare(one);
  });

  function compare({ schedule, sign, alphabet, ceiling }: (typeof cases)[number]): void {
    const attributes = [
      `threshold = @threshold, vInit = @start, amplitude = @amplitude`,
      `ceiling = ${ceiling === null ? "none" : "@ceiling"}, bits = 3, alphabet = "${alphabet}"`,
      `sign = "${sign}", schedule = "${schedule}", shares = ${schedule === "table" ? "@shares" : "none"}`,
    ];
    const start = fl(0.013);
    const { current, sent, held } = run(
      "differential",
      `snn.graded(%1) {${attributes.join(", ")}}`,
      {
        threshold: [threshold],
        start: [start],
        amplitude: [amplitude],
        ...(ceiling === null ? {} : { ceiling: [ceiling] }),
        ...(schedule === "table" ? { shares } : {}),
      },
    );
    const v = range(neurons).map(() => start);
    const r = range(neurons).map(() => 0);
    const at = (value: number, t: number): number => {
      if (schedule === "constant") return value;
      if (schedule === "reciprocal") return fl(value / t);
      const share =
        schedule === "halving" ? Math.max(2 ** (1 - t), 2 ** -24) : shares[Math.min(t, 4) - 1];
      return fl(value * (share ?? NaN));
    };
    const K = 7;
    const wantedHeld: number[] = [];
    const wantedSent: number[] = [];
    for (const t of range(timesteps).map((i) => i + 1)) {
      const [q, a] = [at(threshold, t), at(amplitude, t)];
      const nearest = (value: number): number => Math.floor(fl(fl(value / q) + 0.5));
      for (const i of range(neurons)) {
        const place = (t - 1) * neurons + i;
        const before = r[i] ?? 0;
        const u = fl((v[i] ?? 0) + (current[place] ?? 0));
        const w = sign === "retract" ? Math.max(u, -before) : u;
        const high = ceiling === null ? K : Math.min(K, nearest(fl(ceiling - before)));
        const low = sign === "positive" ? 0 : -K;
        let k = Math.max(low, Math.min(high, nearest(w)));
        if (alphabet === "power") {
          const least = sign === "retract" ? -Math.max(0, Math.min(K, nearest(before))) : low;
          const reached = [1, 2, 4].filter((size) => {
            const power = w < 0 ? -size : size;
            return Math.abs(w) >= fl(0.75 * size * q) && power >= least && power <= high;
          });
          k = (w < 0 ? -1 : 1) * Math.max(0, ...reached);
        }
        const rest = fl(u - fl(k * q));
        v[i] = rest;
        r[i] = fl(before + fl(k * q));
        wantedHeld.push(rest);
        wantedSent.push(fl(k * a) + 0);
      }
    }
    const label = `${schedule} ${sign} ${alphabet} ${ceiling ?? "none"}`;
    expect(held, label).toEqual(wantedHeld);
    // A spike of 0 may have either sign.
    expect(sent.map((y) => y + 0)).toEqual(wantedSent);
    expect(new Set(sent).size).toBeGreaterThan(2);
  }
});

describe("framed neurons", () => {
  const offset = fl(0.017);

  it.each(["tick", "continuous"])(
    "of first spikes round as the equations say: %s",
    (resolution) => {
      const op = `snn.ttfs(%1) {threshold = @q, vInit = @start, amplitude = @a, resolution = "${resolution}"}`;
      const { current, sent, held } = run("ttfs", op, {
        q: [threshold],
        start: [offset],
        a: [amplitude],
      });
      const v = current.map((sum) => fl(offset + sum));
      expect(held).toEqual(v);
      const worth = v.map((potential) => {
        const height = fl(potential / threshold);
        const n = resolution === "tick" ? Math.floor(fl(height + 0.5)) : height;
        return n > 0 ? Math.min(n, timesteps) : 0;
      });
      expect(sent).toEqual(worth.map((each) => fl(amplitude * each)));
      expect(new Set(sent).size).toBeGreaterThan(2);
    },
  );

  it("of few spikes round as the equations say", () => {
    const rows = [fl(1.6), fl(0.83), fl(0.41), fl(0.2)];
    const resets = rows.map((row) => fl(row * 0.97));
    const op = "snn.few-spikes(%1) {threshold = @d, reset = @r, amplitude = @a, vInit = @start}";
    const { current, sent, held } = run("few-spikes", op, {
      d: rows,
      r: resets,
      a: rows,
      start: [offset],
    });
    current.forEach((sum, i) => {
      let v = fl(offset + sum);
      let total = 0;
      rows.forEach((row, t) => {
        if (v < row) return;
        v = fl(v - (resets[t] ?? 0));
        total += row;
      });
      expect([held[i], sent[i]]).toEqual([v, fl(total)]);
    });
  });
});
