/** Which ops have a kernel and which the host computes: docs/backends-wasm.md has the tables. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { Module } from "../../../ir/module.ts";
import {
  binaryNames,
  type OpAttrs,
  type OpKind,
  type PoolAttrs,
  reduceNames,
  unaryNames,
  type ValueId,
  type WindowAttrs,
} from "../../../ir/op/op.ts";
import { specs } from "../../../ir/op/table.ts";
import { real } from "../../../ir/type.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { textOf } from "../../docs/markdown.ts";
import { type Tensors, f, loc } from "../../ir/one-op.ts";
import { activations, isPlainActivation } from "../../ir/op/activations.ts";
import { both, hostKinds } from "./compare.ts";
import { outputInParts } from "./in-parts.ts";
import { type OneOp, type Variant, expectSame, moduleOf, noise, variants } from "./one-op.ts";

const image = noise([1, 4, 6, 6]);
const truth = tensorOf("bool", [1, 4], [1, 0, 1, 1]);
const indices = tensorOf("i64", [1, 2], [0, 2]);

const window: WindowAttrs = {
  strides: [1, 1],
  padsBegin: [1, 1],
  padsEnd: [1, 1],
  dilations: [1, 1],
};
const pool: PoolAttrs = { ...window, kernel: [3, 3], ceilMode: false };
const tensors: Tensors = {
  conv: noise([4, 4, 3, 3]),
  linear: noise([5, 6]),
  channel: noise([4]),
  positive: f([4], [1, 2, 3, 4]),
  scalar: f([], [2]),
  channels: f([4, 1, 1], [0.25, 0.5, 0.75, 1]),
  rows: f([2], [1, 0.5]),
  constant: image,
};

type Case = readonly [attrs: object, operands: readonly Tensor[], constants?: readonly number[]];

const sizes = { gain: "scalar", amplitude: "scalar", sign: "free" };

/** One op of each kind that is not of a family, in its most usual form. */
const cases: Partial<Record<OpKind, Case>> = {
  "ann.and": [{}, [truth, truth]],
  "ann.or": [{}, [truth, truth]],
  "ann.xor": [{}, [truth, truth]],
  "ann.not": [{}, [truth]],
  "ann.constant": [{ value: "constant" }, []],
  "ann.conv": [{ ...window, weight: "conv", bias: "channel", groups: 1 }, [image]],
  "ann.conv-transpose": [
    { ...window, weight: "conv", bias: "channel", groups: 1, outputPadding: [0, 0] },
    [image],
  ],
  "ann.linear": [{ weight: "linear", bias: null }, [image]],
  "ann.affine": [{ scale: "scalar", shift: "scalar" }, [image]],
  "ann.average-pool": [{ ...pool, countIncludePad: false }, [image]],
  "ann.matmul": [{}, [image, image]],
  "ann.einsum": [{ equation: "abcd,abed->abce" }, [image, image]],
  "ann.max-pool": [pool, [image]],
  "ann.batchnorm": [
    {
      scale: "channel",
      bias: "channel",
      mean: "channel",
      variance: "positive",
      epsilon: 1e-5,
    },
    [image],
  ],
  "ann.layernorm": [{ axis: 1, epsilon: 1e-5, scale: null, bias: null }, [image]],
  "ann.groupnorm": [{ groups: 2, epsilon: 1e-5, scale: "channel", bias: "channel" }, [image]],
  "ann.lrn": [{ size: 3, alpha: 0.1, beta: 0.75, bias: 1 }, [image]],
  "ann.softmax": [{ axis: 1 }, [image]],
  "ann.log-softmax": [{ axis: 1 }, [image]],
  "ann.hardmax": [{ axis: 1 }, [image]],
  "ann.prelu": [{ slope: "scalar" }, [image]],
  "ann.mod": [{ truncate: true }, [image, image]],
  "ann.reshape": [{ shape: [1, 144] }, [image]],
  "ann.transpose": [{ perm: [0, 2, 3, 1] }, [image]],
  "ann.concat": [{ axis: 1 }, [image, image]],
  "ann.slice": [{ starts: [0, 0, 0, 0], sizes: [1, 2, 3, 3], steps: [1, 1, 2, 2] }, [image]],
  "ann.pad": [{ begin: [0, 0, 1, 1], end: [0, 0, 1, 1], mode: "constant", value: 0 }, [image]],
  "ann.expand": [{ shape: [2, 4, 6, 6] }, [image]],
  "ann.tile": [{ repeats: [1, 2, 1, 1] }, [image]],
  "ann.gather": [{ axis: 1 }, [image, indices], [1]],
  "ann.gather-elements": [{ axis: 1 }, [noise([1, 4]), indices], [1]],
  "ann.gather-nd": [{ batchDims: 0 }, [image, indices], [1]],
  "ann.scatter-elements": [
    { axis: 1, reduction: "none" },
    [noise([1, 4]), indices, noise([1, 2])],
    [1],
  ],
  "ann.scatter-nd": [{ reduction: "none" }, [noise([1, 4]), indices, noise([1])], [1]],
  "ann.resize": [
    {
      sizes: [1, 4, 12, 12],
      scales: [1, 1, 2, 2],
      mode: "linear",
      coordinates: "half_pixel",
      nearest: "floor",
      cubicCoefficient: -0.75,
      excludeOutside: false,
      extrapolation: 0,
      antialias: false,
      roi: [],
    },
    [image],
  ],
  "ann.trilu": [{ upper: true, diagonal: 0 }, [image]],
  "ann.where": [{}, [truth, noise([1, 4]), noise([1, 4])]],
  "ann.cast": [{ to: "i32", saturate: false }, [image]],
  "ann.argmax": [{ axis: 1, keepDims: false, selectLast: false }, [image]],
  "ann.argmin": [{ axis: 1, keepDims: false, selectLast: false }, [image]],
  "ann.cumsum": [{ axis: 1, exclusive: false, reverse: false }, [image]],
  "ann.one-hot": [{ axis: 0, depth: 3 }, [indices, f([2], [0, 1])]],
  "ann.quantize-linear": [
    { axis: 0, to: "i8" },
    [image, f([], [0.1]), tensorOf("i8", [], [0])],
    [1, 2],
  ],
  "ann.dequantize-linear": [
    { axis: 0 },
    [tensorOf("i8", [1, 2], [1, 2]), f([], [0.1]), tensorOf("i8", [], [0])],
    [1, 2],
  ],
  "snn.if": [
    { threshold: "scalar", vInit: "scalar", amplitude: "scalar", reset: "subtract" },
    [image],
  ],
  "snn.graded": [
    {
      threshold: "channels",
      vInit: "scalar",
      amplitude: "channels",
      ceiling: null,
      bits: 3,
      alphabet: "word",
      sign: "retract",
      schedule: "reciprocal",
      shares: null,
    },
    [image],
  ],
  "snn.lif": [
    {
      threshold: "scalar",
      vInit: "scalar",
      amplitude: "scalar",
      leak: 0.9,
      refractory: 1.5,
      spikeTime: "exact",
      reset: "zero",
    },
    [image],
  ],
  "snn.rehearsed-if": [
    { threshold: "scalar", vInit: "scalar", amplitude: "scalar", rehearsal: 1, rule: "offset" },
    [image],
  ],
  "snn.temporal-bias": [{ table: "rows" }, [image]],
  "snn.low-pass": [{ decay: 0.5 }, [image]],
  "snn.difference": [{}, [image]],
  "snn.poisson-encode": [{ ...sizes, seed: 1 }, [image, image]],
  "snn.latency-encode": [{ ...sizes, steps: 4, threshold: 0 }, [image]],
  "snn.phase-encode": [{ ...sizes, bits: 4 }, [image]],
  "snn.delta-encode": [{ threshold: "scalar", amplitude: "scalar" }, [image]],
};

/** Attributes of neurons over time, and what stands on currents of them. */
const neuron = { threshold: "scalar", vInit: "scalar", amplitude: "scalar" } as const;
const rate = { code: "rate", timesteps: 2, properties: new Set(["spiking"] as const) } as const;

/** Ops that stand in networks of framed codes. */
function framedModule(kind: "snn.few-spikes" | "snn.ttfs") {
  const builder = new Builder({ tensors: new Map(Object.entries(tensors)) });
  const x = builder.input("x", { domain: "real", dtype: "f32", shape: image.shape }, loc);
  const change = builder.add("snn.difference", [x], {}, loc);
  const rows = { threshold: "rows", reset: "rows", amplitude: "rows", vInit: "scalar" };
  const spikes =
    kind === "snn.ttfs"
      ? builder.add(kind, [change], { ...neuron, resolution: "tick" }, loc)
      : builder.add(kind, [change], rows, loc);
  const value = builder.add("snn.accumulate", [spikes], {}, loc);
  const code = kind === "snn.ttfs" ? "ttfs" : "few-spikes";
  return builder.finish({ name: "framed", outputs: [{ name: "y", value }], ...rate, code });
}

/** Ops that stand on spikes only. */
const onSpikes = [
  "snn.max-pool",
  "snn.rehearsed-max-pool",
  "snn.readout",
  "snn.rehearsed-readout",
  "snn.accumulate",
] as const;

function isOnSpikes(kind: OpKind): kind is (typeof onSpikes)[number] {
  return onSpikes.some((each) => each === kind);
}

function spikingModule(kind: (typeof onSpikes)[number]) {
  const builder = new Builder({ tensors: new Map(Object.entries(tensors)) });
  const x = builder.input("x", { domain: "real", dtype: "f32", shape: image.shape }, loc);
  const spikes = builder.add("snn.if", [x], { ...neuron, reset: "subtract" }, loc);
  const read = (of: ValueId): ValueId => builder.add("snn.readout", [of], { start: 0 }, loc);
  const value = ((): ValueId => {
    switch (kind) {
      case "snn.accumulate":
        return builder.add(kind, [spikes], {}, loc);
      case "snn.readout":
        return read(spikes);
      case "snn.rehearsed-readout":
        return builder.add(kind, [spikes], { start: 0, rehearsal: 1 }, loc);
      case "snn.max-pool":
        return read(builder.add(kind, [spikes], pool, loc));
      case "snn.rehearsed-max-pool":
        return read(builder.add(kind, [spikes], { ...pool, rehearsal: 1 }, loc));
    }
  })();
  return builder.finish({ name: "spiking", outputs: [{ name: "y", value }], ...rate });
}

function caseOf(kind: OpKind): Case {
  const special = cases[kind];
  if (special !== undefined) return special;
  if (isPlainActivation(kind)) return [activations[kind][0], [image]];
  const name = kind.slice(kind.indexOf(".") + 1);
  if (unaryNames.some((each) => each === name)) return [{}, [image]];
  if (binaryNames.some((each) => each === name)) return [{}, [image, image]];
  expect(reduceNames.map((each) => `reduce-${each}`)).toContain(name);
  return [{ axes: [2, 3], keepDims: true }, [image]];
}

/** A module for an op of this kind, and a sample; null where the variant makes no sense for it. */
function moduleFor<K extends OpKind>(
  kind: K,
  variant: Variant,
): { readonly module: Module; readonly inputs: readonly Tensor[] } | null {
  if (kind === "ann.input") return moduleFor("ann.identity", variant);
  // What comes from outside or from the step before is given by the runtime: recordings.test.ts, feedback.test.ts.
  if (kind === "snn.input" || kind === "snn.previous") return null;
  if (isOnSpikes(kind)) {
    return { module: spikingModule(kind), inputs: [image] };
  }
  if (kind === "snn.few-spikes" || kind === "snn.ttfs") {
    return { module: framedModule(kind), inputs: [image] };
  }
  const [attrs, operands, constants = []] = caseOf(kind);
  // The table's attributes are checked when the op's type is inferred.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
  const op: OneOp<K> = { kind, attrs: attrs as OpAttrs[K], operands, constants, tensors };
  const module = moduleOf(op, variant);
  const inputs = operands.filter((_, i) => !constants.includes(i));
  return module === null ? null : { module, inputs };
}

/** Where an op of this kind is computed. */
async function placeOf(kind: OpKind): Promise<"native" | "host"> {
  const made = moduleFor(kind, "row-major");
  if (made === null) return "native";
  const { module } = made;
  return (await hostKinds(module)).length === 0 ? "native" : "host";
}

/** Forms of native ops that the host computes. */
const limits: readonly (readonly [OpKind, string, OneOp<OpKind>])[] = [
  limit("three spatial axes", {
    kind: "ann.conv",
    attrs: {
      strides: [1, 1, 1],
      padsBegin: [0, 0, 0],
      padsEnd: [0, 0, 0],
      dilations: [1, 1, 1],
      weight: "w",
      bias: null,
      groups: 1,
    },
    operands: [noise([1, 2, 3, 3, 3])],
    tensors: { w: noise([2, 2, 2, 2, 2]) },
  }),
  limit("indices that are no constant", {
    kind: "ann.gather",
    attrs: { axis: 1 },
    operands: [image, tensorOf("i32", [2], [0, 1])],
  }),
  limit("a scale that is not a constant", {
    kind: "ann.quantize-linear",
    attrs: { axis: 0, to: "i8" },
    operands: [image, f([], [0.1]), tensorOf("i8", [], [0])],
  }),
  limit("sixty-four bits", {
    kind: "ann.add",
    attrs: {},
    operands: [tensorOf("i64", [2], [1, 2]), tensorOf("i64", [2], [1, 2])],
  }),
  limit("integers", {
    kind: "ann.div",
    attrs: {},
    operands: [tensorOf("i32", [2], [1, 2]), tensorOf("i32", [2], [1, 2])],
  }),
];

function limit<K extends OpKind>(
  reason: string,
  op: OneOp<K>,
): readonly [OpKind, string, OneOp<OpKind>] {
  return [op.kind, reason, op];
}

const kinds = Object.keys(specs).filter((key): key is OpKind => key in specs);

/** The ops in code of the first column of the page's tables. */
function firstColumn(heading: string): string[] {
  const page = textOf("docs/backends-wasm.md");
  const section = page.slice(page.indexOf(`## ${heading}`)).split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows
    .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([a-z0-9.-]+)`/g)])
    .map(([, kind = ""]) => kind);
}

describe("ops in WebAssembly", () => {
  it("are all but those that docs/backends-wasm.md lists", async () => {
    const onHost: OpKind[] = [];
    for (const kind of kinds) if ((await placeOf(kind)) === "host") onHost.push(kind);
    expect(firstColumn("Ops that the host computes").sort()).toEqual(onHost.sort());
  });

  it("give the interpreter's values where the host computes them, over time too", async () => {
    const onHost = kinds.filter((kind) => firstColumn("Ops that the host computes").includes(kind));
    for (const kind of onHost) {
      for (const variant of variants) {
        const made = moduleFor(kind, variant);
        if (made !== null) await expectSame(made.module, { operands: made.inputs });
      }
    }
  });

  it("give the same bits in any number of parts", async () => {
    const listed = firstColumn("Ops that the host computes");
    for (const kind of kinds) {
      if (listed.includes(kind)) continue;
      for (const variant of variants) {
        const made = moduleFor(kind, variant);
        if (made === null) continue;
        const alone = await outputInParts(made.module, made.inputs, 1);
        for (const parts of [2, 5]) {
          const found = await outputInParts(made.module, made.inputs, parts);
          expect([kind, variant, parts, ...found]).toEqual([kind, variant, parts, ...alone]);
        }
      }
    }
  });

  it("give inputs and outputs of 64 bits, and their means", async () => {
    const builder = new Builder();
    const x = builder.input("x", real("i64", [2]), loc);
    const sum = builder.add("ann.add", [x, x], {}, loc);
    const floats = builder.add("ann.cast", [sum], { to: "f32", saturate: false }, loc);
    const outputs = [
      { name: "y", value: sum },
      { name: "z", value: floats },
    ];
    const module = builder.finish({ name: "wide", outputs });
    const probes = [
      { value: sum, keep: "trace" as const },
      { value: x, keep: "mean" as const },
    ];
    const options = { timesteps: 1, probes };
    const { wanted, found } = await both(module, [tensorOf("i64", [2], [2 ** 40, -3])], options);
    expect(found.sample.outputs).toEqual(wanted.sample.outputs);
    expect(found.sample.probes).toEqual(wanted.sample.probes);
  });

  it.each(limits)("%s goes to the host: %s", async (kind, _, op) => {
    expect(firstColumn("Limits")).toContain(kind);
    const module = known(moduleOf(op, "row-major"), kind);
    expect(await hostKinds(module)).toEqual([kind]);
  });
});
