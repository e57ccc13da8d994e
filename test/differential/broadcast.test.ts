/**
 * Every function of two values behind every op whose kernel might take it in, with an operand that
 * enlarges the result, in either order: engines fuse only where shapes are the same.
 */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { typedEngine } from "../../backends/typed/engine.ts";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { Builder } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Module, Output } from "../../ir/module.ts";
import { type OpAttrs, type OpKind, type ValueId, binaryNames } from "../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { type Shape, real } from "../../ir/type.ts";
import { verify } from "../../ir/verify.ts";
import { reachable } from "../../ir/analysis/walk.ts";
import { expectClose, runOn } from "../backends/wasm/compare.ts";
import { dyadic } from "../backends/wasm/one-op.ts";
import { loc } from "../ir/one-op.ts";

/** Something whose result meets another operand, and the shapes that this may have. */
interface Meeting {
  readonly operand: Shape;
  readonly make: (builder: Builder, x: ValueId) => ValueId;
  readonly others: readonly Shape[];
}

const unpadded = { padsBegin: [0, 0], padsEnd: [0, 0], strides: [1, 1], dilations: [1, 1] };
const scalar = (builder: Builder, name: string, value: number): string =>
  builder.tensor(name, tensorOf("f32", [], [value]));

function step<K extends OpKind>(kind: K, attrs: (builder: Builder) => OpAttrs[K]) {
  return (builder: Builder, x: ValueId): ValueId => builder.add(kind, [x], attrs(builder), loc);
}

/** With one pixel, one channel, or all of both. */
const aroundImages = [
  [1, 1, 4, 3],
  [2, 1, 1, 1],
  [1, 1, 1, 1],
  [2, 1, 4, 3],
  [1, 1, 2, 1, 1],
  [2, 1, 1, 4, 3],
  [4, 1],
  [3],
];

const meetings: Readonly<Record<string, Meeting>> = {
  "a linear layer of one vector": {
    operand: [1, 4],
    make: step("ann.linear", (builder) => ({
      weight: builder.tensor("w", dyadic([3, 4], 1, 2)),
      bias: builder.tensor("b", dyadic([3], 1, 3)),
    })),
    others: [
      [5, 3],
      [2, 1],
      [2, 5, 1],
      [2, 1, 3],
      [1, 1, 3],
      [5, 1, 1, 3],
    ],
  },
  "a linear layer of one unit": {
    operand: [1, 4],
    make: step("ann.linear", (builder) => ({
      weight: builder.tensor("w", dyadic([1, 4], 1, 2)),
      bias: null,
    })),
    others: [[1, 6], [6], [5, 1], [2, 3, 4], [1, 1, 1]],
  },
  "a linear layer of rows": {
    operand: [1, 2, 4],
    make: step("ann.linear", (builder) => ({
      weight: builder.tensor("w", dyadic([3, 4], 1, 2)),
      bias: builder.tensor("b", dyadic([3], 1, 3)),
    })),
    others: [[5, 2, 3], [2, 1], [1, 1, 2, 3], [4, 1, 1, 3], [3]],
  },
  "a convolution to one channel": {
    operand: [1, 2, 4, 3],
    make: step("ann.conv", (builder) => ({
      ...unpadded,
      weight: builder.tensor("w", dyadic([1, 2, 1, 1], 1, 2)),
      bias: builder.tensor("b", dyadic([1], 1, 3)),
      groups: 1,
    })),
    others: [[1, 2, 4, 3], [1, 5, 1, 1], ...aroundImages],
  },
  "a convolution to one pixel": {
    operand: [1, 2, 4, 3],
    make: step("ann.conv", (builder) => ({
      ...unpadded,
      weight: builder.tensor("w", dyadic([6, 2, 4, 3], 1, 2)),
      bias: null,
      groups: 1,
    })),
    others: [
      [1, 6, 4, 3],
      [1, 1, 4, 3],
      [1, 6, 1, 3],
      [6, 4, 3],
      [2, 6, 1, 1],
      [1, 1, 6, 1, 1],
    ],
  },
  "a convolution along one axis": {
    operand: [1, 2, 5],
    make: step("ann.conv", (builder) => ({
      padsBegin: [1],
      padsEnd: [1],
      strides: [1],
      dilations: [1],
      weight: builder.tensor("w", dyadic([1, 2, 3], 1, 2)),
      bias: null,
      groups: 1,
    })),
    others: [
      [1, 4, 5],
      [4, 1],
      [1, 1, 1, 5],
      [1, 3, 1, 5],
      [2, 1, 1],
    ],
  },
  "a depthwise convolution": {
    operand: [1, 2, 1, 3],
    make: step("ann.conv", (builder) => ({
      ...unpadded,
      weight: builder.tensor("w", dyadic([2, 1, 1, 1], 1, 2)),
      bias: null,
      groups: 2,
    })),
    others: [
      [1, 2, 4, 3],
      [4, 1],
      [3, 2, 1, 3],
      [1, 1, 2, 1, 3],
    ],
  },
  "a convolution by tiles": {
    operand: [1, 8, 4, 4],
    make: step("ann.conv", (builder) => ({
      ...unpadded,
      padsBegin: [1, 1],
      padsEnd: [1, 1],
      weight: builder.tensor("w", dyadic([8, 8, 3, 3], 1, 2)),
      bias: null,
      groups: 1,
    })),
    others: [
      [2, 8, 4, 4],
      [1, 1, 8, 4, 4],
      [8, 1, 1],
    ],
  },
  "a transposed convolution": {
    operand: [1, 2, 2, 3],
    make: step("ann.conv-transpose", (builder) => ({
      ...unpadded,
      weight: builder.tensor("w", dyadic([2, 1, 2, 1], 1, 2)),
      bias: null,
      groups: 1,
      outputPadding: [0, 0],
    })),
    others: [
      [1, 4, 3, 3],
      [2, 1, 1, 1],
      [1, 2, 1, 3, 3],
    ],
  },
  "a pool": {
    operand: [1, 2, 4, 3],
    make: step("ann.average-pool", () => ({
      ...unpadded,
      kernel: [4, 3],
      ceilMode: false,
      countIncludePad: false,
    })),
    others: [
      [1, 2, 4, 3],
      [1, 1, 4, 3],
      [2, 2, 1, 1],
      [1, 1, 2, 1, 1],
    ],
  },
  "an affine map": {
    operand: [1, 2, 1, 3],
    make: step("ann.affine", (builder) => ({
      scale: builder.tensor("s", dyadic([2, 1, 1], 1, 2)),
      shift: builder.tensor("t", dyadic([3], 1, 3)),
    })),
    others: [
      [1, 2, 4, 3],
      [1, 2, 4, 1],
      [3, 2, 1, 3],
      [2, 1, 2, 1, 3],
    ],
  },
  "a rectifier": {
    operand: [1, 2, 1, 3],
    make: step("ann.relu", () => ({})),
    others: [
      [1, 2, 4, 3],
      [1, 2, 4, 1],
      [2, 1, 2, 1, 3],
    ],
  },
  neurons: {
    operand: [1, 2, 1, 3],
    make: step("snn.if", (builder) => ({
      threshold: scalar(builder, "threshold", 1),
      vInit: scalar(builder, "v", 0.5),
      amplitude: scalar(builder, "threshold", 1),
      reset: "subtract",
    })),
    others: [
      [1, 2, 4, 3],
      [1, 2, 4, 1],
      [3, 2, 1, 3],
      [2, 1, 2, 1, 3],
    ],
  },
  "a convolution of spikes": {
    operand: [1, 2, 2, 3],
    make: (builder, x) => {
      const unit = scalar(builder, "unit", 1);
      const neuron = { threshold: unit, vInit: unit, amplitude: unit, reset: "subtract" } as const;
      const spikes = builder.add("snn.if", [x], neuron, loc);
      const weight = builder.tensor("w", dyadic([1, 2, 1, 1], 1, 2));
      const bias = builder.tensor("b", dyadic([1], 1, 3));
      return builder.add("ann.conv", [spikes], { ...unpadded, weight, bias, groups: 1 }, loc);
    },
    others: [
      [1, 4, 2, 3],
      [2, 1, 2, 3],
      [1, 1, 4, 2, 3],
      [4, 1, 1],
    ],
  },
};

const logical = new Set<string>(["and", "or", "xor"]);
const ofCurrents = new Set<string>(["add", "sub", "mul", "div"]);

/** What stands behind the function of two values: kernels take that in too. */
const behind: readonly ((builder: Builder, y: ValueId) => ValueId)[] = [
  (_, y) => y,
  (builder, y) => builder.add("ann.relu", [y], {}, loc),
  (builder, y) => builder.add("ann.clip", [y], { min: -0.5, max: 1 }, loc),
];

interface Sample {
  readonly module: Module;
  readonly inputs: readonly Tensor[];
}

/** One module with an output for each kind, shape and order. */
function allOf({ operand, make, others }: Meeting): Sample {
  const builder = new Builder();
  const inputs: Tensor[] = [];
  const input = (shape: Shape): ValueId => {
    inputs.push(dyadic(shape, 2, 1 + inputs.length));
    return builder.input(`x${inputs.length}`, real("f32", shape), loc);
  };
  const outputs: Output[] = [];
  const add = (value: ValueId): void => void outputs.push({ name: `y${outputs.length}`, value });
  const x = input(operand);
  for (const [index, shape] of others.entries()) {
    const other = input(shape);
    // Sums, which kernels take in, with each shape; each other function with one of them.
    const names = binaryNames.filter((name, i) => name === "add" || i % others.length === index);
    for (const name of names) {
      for (const isLeft of [true, false]) {
        const asTaken = (value: ValueId): ValueId =>
          logical.has(name)
            ? builder.add("ann.cast", [value], { to: "bool", saturate: false }, loc)
            : value;
        const mine = make(builder, x);
        // Most functions do not take currents.
        if (builder.typeOf(mine).domain !== "real" && !ofCurrents.has(name)) continue;
        const pair = (isLeft ? [mine, other] : [other, mine]).map(asTaken);
        const made = builder.tryAdd(`ann.${name}`, pair, {}, loc);
        if (!made.ok) continue;
        const { domain, dtype } = builder.typeOf(made.value);
        const last = behind[outputs.length % behind.length];
        const y =
          dtype === "f32" && domain === "real" && last !== undefined
            ? last(builder, made.value)
            : made.value;
        add(domain === "real" ? y : builder.add("snn.readout", [y], { start: 0 }, loc));
      }
    }
  }
  const spiking = builder.ops.some(({ kind }) => kind.startsWith("snn."));
  const rate = { code: "rate", timesteps: 3, properties: new Set(["spiking"] as const) } as const;
  const all = builder.finish({ name: "all", outputs, ...(spiking ? rate : {}) });
  const needed = reachable(all);
  const ops = all.ops.filter(({ kind, result }) => kind === "ann.input" || needed.has(result));
  return { module: { ...all, ops }, inputs };
}

async function expectAlike({ module, inputs }: Sample): Promise<void> {
  expect(verify(module)).toEqual([]);
  const options = { timesteps: module.timesteps };
  const wanted = await runOn(interpretEngine, module, inputs, options);
  for (const engine of [wasmEngine, typedEngine]) {
    const found = await runOn(engine, module, inputs, options);
    expect(found.sample.outputs).toHaveLength(wanted.sample.outputs.length);
    wanted.sample.outputs.forEach((y, i) => {
      expectClose(known(found.sample.outputs[i], "an output"), y, 1e-5);
    });
    expect(found.sample.activity).toEqual(wanted.sample.activity);
  }
}

describe("functions of two values with an operand that enlarges the result", () => {
  it.each(Object.keys(meetings))("are right behind %s", async (name) => {
    await expectAlike(allOf(known(meetings[name], name)));
  });
});
