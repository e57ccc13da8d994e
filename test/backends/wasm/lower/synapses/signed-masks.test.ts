/**
 * Spikes of ±1 as two masks: through every kind of synapse that takes masks, by both kernels of
 * windows, in parts and over chunks, beside the interpreter. Sums are exact, so all must be the same.
 */
import { describe, expect, it } from "vitest";
import { compileProgram } from "../../../../../backends/wasm/compile.ts";
import { compileOptionsOf } from "../../../../../backends/wasm/request.ts";
import { Builder } from "../../../../../ir/build.ts";
import { known } from "../../../../../ir/diagnostic.ts";
import type { Probe, SampleResult } from "../../../../../ir/executable.ts";
import { type Module, opsOf } from "../../../../../ir/module.ts";
import type { Sign, ValueId } from "../../../../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../../../../ir/tensor.ts";
import { type Shape, real } from "../../../../../ir/type.ts";
import { loc } from "../../../../ir/one-op.ts";
import { both, expectClose } from "../../compare.ts";
import { outputInParts } from "../../in-parts.ts";
import { dyadic, whole } from "../../one-op.ts";

const timesteps = 9;
const arithmetics = ["f32", "i32", "i16"] as const;
type Arithmetic = (typeof arithmetics)[number];

/** Weights of i32 are such that no sum of a timestep is sure to fit 16 bits. */
const scales = { f32: 0.5, i32: 120, i16: 3 } as const;
const windowOf = (extent: number, stride: number) => {
  const pads = new Array<number>(2).fill(Math.floor(extent / 2));
  return { strides: [stride, stride], padsBegin: pads, padsEnd: pads, dilations: [1, 1] };
};

/** Builds one network. */
class Sketch {
  readonly builder = new Builder();
  private readonly arithmetic: Arithmetic;
  private readonly sign: Sign;
  private seed = 0;

  constructor(arithmetic: Arithmetic, sign: Sign) {
    this.arithmetic = arithmetic;
    this.sign = sign;
  }

  weights(shape: Shape): string {
    const scale = scales[this.arithmetic];
    this.seed++;
    const tensor =
      this.arithmetic === "f32"
        ? dyadic(shape, scale, this.seed)
        : whole("i8", shape, scale, this.seed);
    return this.builder.tensor("w", tensor);
  }

  conv(x: ValueId, weight: Shape, stride = 1, groups = 1): ValueId {
    const attrs = { ...windowOf(weight.at(-1) ?? 1, stride), bias: null, groups };
    return this.builder.add("ann.conv", [x], { ...attrs, weight: this.weights(weight) }, loc);
  }

  linear(x: ValueId, weight: Shape): ValueId {
    return this.builder.add("ann.linear", [x], { weight: this.weights(weight), bias: null }, loc);
  }

  neurons(x: ValueId, channels: number): ValueId {
    const isFloat = this.arithmetic === "f32";
    const unit = isFloat ? 1 / 4 : 5 * scales[this.arithmetic];
    const { shape } = this.builder.typeOf(x);
    const spread = shape.map((extent, axis) => (axis === 1 ? extent : 1));
    const values = (of: (i: number) => number): Tensor =>
      tensorOf(
        isFloat ? "f32" : "i32",
        spread,
        Array.from({ length: channels }, (_, i) => of(i)),
      );
    return this.builder.add(
      "snn.graded",
      [x],
      {
        threshold: this.builder.tensor(
          "threshold",
          values((i) => unit * (3 + (i % 4))),
        ),
        vInit: this.builder.tensor(
          "v",
          values((i) => unit * ((i % 3) - 1)),
        ),
        amplitude: this.builder.tensor(
          "amplitude",
          values((i) => (isFloat ? unit : 1) * (1 + (i % 3))),
        ),
        ceiling: null,
        bits: 1,
        alphabet: "word",
        sign: this.sign,
        schedule: "constant",
        shares: null,
      },
      loc,
    );
  }
}

/** Convolutions, shortcuts of both kinds, depthwise windows, pools and linear layers on signed spikes. */
function networkOf(arithmetic: Arithmetic, sign: Sign): Module {
  const isFloat = arithmetic === "f32";
  const sketch = new Sketch(arithmetic, sign);
  const { builder } = sketch;
  const x = builder.input("x", real(isFloat ? "f32" : "i8", [1, 3, 8, 8]), loc);
  const first = sketch.neurons(sketch.conv(x, [20, 3, 3, 3]), 20);
  const wide = sketch.conv(first, [40, 20, 3, 3], 2);
  const sum = (a: ValueId, b: ValueId): ValueId => builder.add("ann.add", [a, b], {}, loc);
  const slice = { starts: [0, 0, 0, 0], sizes: [1, 20, 4, 4], steps: [1, 1, 2, 2] };
  const skipped = builder.add("ann.slice", [first], slice, loc);
  const pad = { begin: [0, 9, 0, 0], end: [0, 11, 0, 0], mode: "constant", value: 0 } as const;
  const shortcut = builder.add("ann.pad", [skipped], pad, loc);
  const second = sketch.neurons(sum(wide, shortcut), 40);
  const third = sketch.neurons(sum(sketch.conv(second, [40, 1, 3, 3], 1, 40), second), 40);
  const pool = { ...windowOf(1, 1), kernel: [4, 4], ceilMode: false, countIncludePad: false };
  const flat = (value: ValueId, size: number): ValueId =>
    builder.add("ann.reshape", [value], { shape: [1, size] }, loc);
  const pooled = (value: ValueId): ValueId => builder.add("ann.average-pool", [value], pool, loc);
  const last = isFloat
    ? sketch.linear(flat(pooled(third), 40), [70, 40])
    : sketch.linear(flat(third, 640), [70, 640]);
  const vector = sketch.neurons(last, 70);
  return finished(builder, sketch.linear(vector, [5, 70]));
}

function finished(builder: Builder, of: ValueId): Module {
  const value = builder.add("snn.readout", [of], { start: 0 }, loc);
  return builder.finish({
    name: "signed masks",
    outputs: [{ name: "y", value }],
    code: "signed-rate",
    timesteps,
    properties: new Set(["spiking"]),
  });
}

function inputOf(arithmetic: Arithmetic): Tensor {
  const shape = [1, 3, 8, 8];
  return arithmetic === "f32" ? dyadic(shape, 2, 7) : whole("i8", shape, 30, 7);
}

/** The same counts, and the same numbers; spikes of 0 have no sign in masks. */
function expectSame(found: SampleResult, wanted: SampleResult): void {
  expect(found.spikes).toEqual(wanted.spikes);
  expect(found.activity).toEqual(wanted.activity);
  [...wanted.outputs, ...wanted.probes].forEach((y, i) => {
    const have = known([...found.outputs, ...found.probes][i], "what was kept");
    expectClose(have, y, 0);
  });
}

const cases = arithmetics.flatMap((arithmetic) =>
  (["retract", "free", "positive"] as const).map((sign) => ({ arithmetic, sign })),
);

describe("spikes with signs as two masks", () => {
  it.each(cases)("spike, sum and count alike: $arithmetic, $sign", async ({ arithmetic, sign }) => {
    const module = networkOf(arithmetic, sign);
    const neurons = opsOf(module, "snn.graded");
    const probes = neurons.map(({ result }): Probe => ({ value: result, keep: "state" }));
    const { wanted, found } = await both(module, [inputOf(arithmetic)], { timesteps, probes });
    expectSame(found.sample, wanted.sample);
    expect(wanted.sample.spikes.every((count) => count > 0)).toBe(true);
    const values = neurons.map(({ result }): Probe => ({ value: result, keep: "trace" }));
    const traces = await both(module, [inputOf(arithmetic)], { timesteps, probes: values });
    const isNegative = traces.wanted.sample.probes.map((y) => Array.from(y).some((x) => x < 0));
    expect(isNegative.includes(true)).toBe(sign !== "positive");
    expectSame(traces.found.sample, traces.wanted.sample);
  });

  it.each(arithmetics)("do so by events and by tables, in parts: %s", async (arithmetic) => {
    const module = networkOf(arithmetic, "retract");
    const inputs = [inputOf(arithmetic)];
    const { wanted } = await both(module, inputs, { timesteps });
    for (const windows of ["events", "tables"] as const) {
      for (const parts of [1, 3]) {
        const y = await outputInParts(module, inputs, parts, timesteps, { windows });
        const want = known(wanted.sample.outputs[0], "an output");
        expectClose(Float32Array.from(y), want, 0);
      }
    }
  });

  it.each(arithmetics)("go on from chunk to chunk: %s", async (arithmetic) => {
    const module = networkOf(arithmetic, "retract");
    const probes = opsOf(module, "snn.graded").map(({ result }): Probe => ({
      value: result,
      keep: "state",
    }));
    const options = { timesteps: 70, probes };
    const { wanted, found } = await both(module, [inputOf(arithmetic)], options);
    expectSame(found.sample, wanted.sample);
  });

  it.each(["retract", "positive"] as const)("go through max-pools: %s", async (sign) => {
    const sketch = new Sketch("f32", sign);
    const { builder } = sketch;
    const x = builder.input("x", real("f32", [1, 3, 8, 8]), loc);
    const first = sketch.neurons(sketch.conv(x, [20, 3, 3, 3]), 20);
    const second = sketch.neurons(sketch.conv(first, [20, 20, 3, 3]), 20);
    const window = { strides: [2, 2], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1] };
    const pool = { ...window, kernel: [2, 2], ceilMode: false };
    const pooled = builder.add("snn.max-pool", [second], pool, loc);
    const last = sketch.neurons(sketch.conv(pooled, [20, 20, 3, 3]), 20);
    const module = finished(builder, last);
    const probes = [second, pooled, last].map((value): Probe => ({ value, keep: "trace" }));
    for (const options of [{ timesteps }, { timesteps, probes }]) {
      const { wanted, found } = await both(module, [inputOf("f32")], options);
      expectSame(found.sample, wanted.sample);
    }
  });

  it("are driven by events, not by dense convolutions", async () => {
    const module = networkOf("f32", "retract");
    // What counts operations wants some values in memory.
    const options = compileOptionsOf(module, { timesteps, countOperations: false });
    const { functions } = await compileProgram(module, options);
    const each = functions.filter((name) => name.startsWith("each "));
    expect(each.filter((name) => /conv|linear|expand|pool/.test(name))).toHaveLength(1);
    expect(each.filter((name) => name.includes("snn.graded"))).toHaveLength(
      opsOf(module, "snn.graded").length,
    );
  });
});
