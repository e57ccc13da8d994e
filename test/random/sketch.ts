/**
 * A module under construction from random choices. Every step either adds ops that fit or does
 * nothing, so that any list of steps, and any part of it, makes a well-typed module.
 */
import { type SketchInput } from "./inputs.ts";
import { broadcastNames, windowOf, perChannel, poolOf } from "./choices.ts";
import { Builder } from "../../ir/build.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { Module, Output } from "../../ir/module.ts";
import { type OpAttrs, type OpKind, type ValueId, isInput } from "../../ir/op/op.ts";
import { uniform } from "../../ir/random.ts";
import { type TensorRef, tensorOf } from "../../ir/tensor.ts";
import {
  type Domain,
  type Shape,
  type Type,
  broadcastShapes,
  elementCount,
  real,
  sameShape,
  sameType,
} from "../../ir/type.ts";
import { reachable } from "../../ir/analysis/walk.ts";

/** One step: what to do, three small choices for it, and a seed for its numbers. */
export interface Step {
  readonly kind: StepKind;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly seed: number;
}

/** Values larger than this are not enlarged further. */
const mostElements = 256;

export class Sketch {
  readonly builder = new Builder();
  /** What each input is to hold; those over time have frames. */
  readonly inputs: SketchInput[] = [];
  private readonly values: ValueId[] = [];
  /** What comes back, and which of the values that fit it is to be carried there. */
  private readonly sources: { readonly source: ValueId; readonly choice: number }[] = [];
  private draws = 0;
  private seed = 0;

  /** The value that the next step works on. */
  get last(): ValueId {
    const value = this.values[this.values.length - 1];
    return value ?? this.input([1], 0);
  }

  /** An input, whose bits are the same for every engine. */
  get first(): ValueId {
    return this.values[0] ?? this.input([1], 0);
  }

  get type(): Type {
    return this.typeAt(this.last);
  }

  typeAt(value: ValueId): Type {
    return this.builder.typeOf(value);
  }

  get shape(): Shape {
    return this.type.shape;
  }

  get isSmall(): boolean {
    return elementCount(this.shape) <= mostElements;
  }

  input(shape: Shape, seed: number): ValueId {
    const type = real("f32", shape);
    const name = `input ${this.inputs.length}`;
    const value = this.builder.input(name, type, this.locOf("Input"));
    this.inputs.push({ type, seed, frames: null });
    this.values.push(value);
    return value;
  }

  /** An input with frames, which is the last value then. */
  inputOverTime(type: Type, seed: number, frames: number): ValueId {
    const name = `input ${this.inputs.length}`;
    const value = this.builder.inputOverTime(name, type, this.locOf("Input"));
    this.inputs.push({ type, seed, frames });
    this.values.push(value);
    return value;
  }

  /** Adds an op where its operands fit; its result is then the last value. */
  add<K extends OpKind>(
    kind: K,
    attrs: OpAttrs[K],
    inputs: readonly ValueId[] = [this.last],
  ): void {
    const added = this.builder.tryAdd(kind, inputs, attrs, this.locOf(kind));
    if (added.ok) this.values.push(added.value);
  }

  /** A tensor of eighths between −1.5 and 1.5, or of positive eighths up to 2. */
  tensor(hint: string, shape: Shape, sign: "any" | "positive" = "any"): TensorRef {
    const values = Array.from({ length: elementCount(shape) }, () =>
      sign === "any"
        ? Math.round(this.draw() * 24 - 12) / 8
        : Math.ceil(this.draw() * 15.9 + 0.05) / 8,
    );
    return this.builder.tensor(hint, tensorOf("f32", shape, values));
  }

  /** An earlier value of the last one's shape; null where there is none. */
  earlier(choice: number): ValueId | null {
    const alike = this.values.filter(
      (value) => value !== this.last && sameShape(this.builder.typeOf(value).shape, this.shape),
    );
    return alike[choice % Math.max(1, alike.length)] ?? null;
  }

  /** An earlier value of another shape that broadcasts with the last one's; null where there is none. */
  meeting(choice: number): ValueId | null {
    const fitting = this.values.filter((value) => {
      const { shape } = this.builder.typeOf(value);
      const together = broadcastShapes(shape, this.shape);
      return (
        !sameShape(shape, this.shape) &&
        together !== null &&
        elementCount(together) <= 4 * mostElements
      );
    });
    return fitting[choice % Math.max(1, fitting.length)] ?? null;
  }

  /**
   * A shape that broadcasts with the last one, and may enlarge it: axes of one element grow, others
   * become one, and axes in front come or go.
   */
  broadcastable(): Shape {
    const isFew = elementCount(this.shape) <= mostElements / 4;
    const axes = this.shape.map((extent, axis) => {
      if (extent > 1) return this.draw() < 1 / 3 ? 1 : extent;
      return isFew && this.draw() < (axis === 0 ? 1 / 4 : 2 / 3)
        ? 2 + Math.floor(this.draw() * 2)
        : 1;
    });
    const ranks = this.draw();
    if (ranks < 1 / 4) return axes.slice(1 + Math.floor(this.draw() * axes.length));
    if (ranks > 3 / 4 && axes.length < 5) return [isFew && this.draw() < 1 / 2 ? 2 : 1, ...axes];
    return axes;
  }

  take(step: Step): void {
    this.seed = step.seed;
    steps[step.kind](this, step);
  }

  finish(
    name: string,
    options: Partial<Pick<Module, "code" | "timesteps" | "properties">>,
  ): Module {
    const outputs: Output[] = [{ name: "out", value: this.last }];
    const all = this.sources.map(({ source, choice }) => {
      const alike = this.values.filter((v) => sameType(this.typeAt(v), this.typeAt(source)));
      return { source, value: alike[alike.length - 1 - (choice % alike.length)] ?? source };
    });
    const module = this.builder.finish({ name, outputs, carries: all, ...options });
    const needed = reachable(module);
    const ops = module.ops.filter((op) => isInput(op) || needed.has(op.result));
    const carries = all.filter(({ source }) => needed.has(source));
    const kept = new Builder({ tensors: module.tensors });
    for (const op of ops) kept.push(op);
    return kept.finish({ name, outputs, carries, ...options });
  }

  /** The value that one of the last value's shape, of any that there will be, had a timestep before. */
  previous(domain: Domain, choice: number): void {
    const initial = this.tensor("initial", this.shape);
    this.add("snn.previous", { initial, domain }, []);
    this.sources.push({ source: this.last, choice });
  }

  private draw(): number {
    return uniform(this.seed, this.draws++, 0, 0);
  }

  private locOf(op: string): ReturnType<typeof sourceLoc> {
    return sourceLoc("random.onnx", `/${op}/${this.values.length}`, op);
  }
}

/** Half of a value, so that what goes round does not grow. */
function half(sketch: Sketch): OpAttrs["ann.affine"] {
  const scale = sketch.builder.tensor("half", tensorOf("f32", [], [0.5]));
  return { scale, shift: sketch.builder.tensor("none", tensorOf("f32", [], [0])) };
}

const hasChannels = (sketch: Sketch): boolean => sketch.shape.length >= 3;

const steps = {
  conv: (sketch, step) => {
    if (!hasChannels(sketch)) return;
    const { a, b, c } = step;
    const channels = sketch.shape[1] ?? 1;
    const groups = channels % 2 === 0 && a % 3 === 0 ? 2 : 1;
    const out = groups * (1 + (b % 3));
    const kernel = 1 + (c % 3);
    const spatial = sketch.shape.slice(2).map(() => kernel);
    sketch.add("ann.conv", {
      ...windowOf(sketch, step, kernel),
      weight: sketch.tensor("conv.weight", [out, channels / groups, ...spatial]),
      bias: c > 3 ? sketch.tensor("conv.bias", [out]) : null,
      groups,
    });
  },
  "conv-transpose": (sketch, step) => {
    if (!hasChannels(sketch) || !sketch.isSmall) return;
    const channels = sketch.shape[1] ?? 1;
    const out = 1 + (step.b % 3);
    const kernel = 2 + (step.c % 2);
    const spatial = sketch.shape.slice(2).map(() => kernel);
    sketch.add("ann.conv-transpose", {
      ...windowOf(sketch, step, kernel),
      weight: sketch.tensor("up.weight", [channels, out, ...spatial]),
      bias: step.c > 3 ? sketch.tensor("up.bias", [out]) : null,
      groups: 1,
      outputPadding: spatial.map(() => 0),
    });
  },
  linear: (sketch, { b, c }) => {
    const out = 1 + (b % 5);
    sketch.add("ann.linear", {
      weight: sketch.tensor("fc.weight", [out, sketch.shape[sketch.shape.length - 1] ?? 1]),
      bias: c % 2 === 0 ? sketch.tensor("fc.bias", [out]) : null,
    });
  },
  affine: (sketch, { a, b }) =>
    sketch.add("ann.affine", {
      scale: sketch.tensor("scale", perChannel(sketch, a)),
      shift: sketch.tensor("shift", perChannel(sketch, b)),
    }),
  batchnorm: (sketch, _step) => {
    const channels = [sketch.shape[1] ?? 1];
    if (sketch.shape.length < 2) return;
    sketch.add("ann.batchnorm", {
      scale: sketch.tensor("bn.scale", channels),
      bias: sketch.tensor("bn.bias", channels),
      mean: sketch.tensor("bn.mean", channels),
      variance: sketch.tensor("bn.variance", channels, "positive"),
      epsilon: 1e-5,
    });
  },
  relu: (sketch) => sketch.add("ann.relu", {}),
  identity: (sketch) => sketch.add("ann.identity", {}),
  sigmoid: (sketch) => sketch.add("ann.sigmoid", {}),
  "soft-lif": (sketch, { a, b }) =>
    sketch.add("ann.soft-lif", {
      tauRc: 0.02,
      tauRef: a / 1000,
      sigma: (1 + b) / 16,
      amplitude: 1 / 128,
    }),
  "leaky-relu": (sketch, { a }) => sketch.add("ann.leaky-relu", { alpha: a / 16 }),
  clip: (sketch, { a, b }) =>
    sketch.add("ann.clip", { min: -a % 3, max: b > 5 ? Infinity : 1 + b }),
  neg: (sketch) => sketch.add("ann.neg", {}),
  "max-pool": (sketch, step) => {
    if (hasChannels(sketch)) sketch.add("ann.max-pool", poolOf(sketch, step));
  },
  "average-pool": (sketch, step) => {
    if (!hasChannels(sketch)) return;
    sketch.add("ann.average-pool", { ...poolOf(sketch, step), countIncludePad: step.a > 3 });
  },
  mean: (sketch, { a, b }) => {
    const rank = sketch.shape.length;
    const axes = rank > 2 && a % 2 === 0 ? sketch.shape.map((_, i) => i).slice(2) : [rank - 1];
    if (rank > 1) sketch.add("ann.reduce-mean", { axes, keepDims: b % 2 === 0 });
  },
  residual: (sketch, { a }) => {
    const other = sketch.earlier(a);
    if (other !== null) sketch.add("ann.add", {}, [sketch.last, other]);
  },
  "second-input": (sketch, { seed }) => {
    const before = sketch.last;
    sketch.add("ann.add", {}, [before, sketch.input(sketch.shape, seed)]);
  },
  /** Spikes, currents or values from outside, alone from here on or beside what there is. */
  events: (sketch, { a, b, c, seed }) => {
    const before = sketch.last;
    const domain = a % 3 === 0 ? "current" : a > 5 ? "real" : "spike";
    sketch.inputOverTime({ ...sketch.type, domain }, seed, b);
    if (c > 3) sketch.add("ann.add", {}, [before, sketch.last]);
  },
  /** A value that comes back, as it is or beside what there is; once more later where c is large. */
  recall: (sketch, { a, b, c }) => {
    const before = sketch.last;
    if (sketch.type.dtype !== "f32") return;
    const { domain } = sketch.type;
    const other = domain === "real" ? "real" : a % 2 === 0 ? "spike" : "current";
    sketch.previous(other, b);
    if (c > 5) sketch.previous(other, b + 1);
    if (c % 2 === 0) sketch.add("ann.affine", half(sketch));
    if (a < 6) sketch.add("ann.add", {}, [before, sketch.last]);
  },
  /** Functions of two values whose shapes broadcast, the last value on either side. */
  broadcast: (sketch, { a, b, c, seed }) => {
    const before = sketch.last;
    if (sketch.type.dtype !== "f32") return;
    let other = c % 3 === 0 ? sketch.meeting(a) : null;
    if (other === null && c % 2 === 0) {
      const value = sketch.tensor("operand", sketch.broadcastable());
      sketch.add("ann.constant", { value }, []);
    } else if (other === null) sketch.input(sketch.broadcastable(), seed);
    other ??= sketch.last;
    const names = broadcastNames.length;
    const kind = a % (sketch.typeAt(before).domain === "real" ? names : 3);
    const pair = c > 3 ? [before, other] : [other, before];
    sketch.add(`ann.${broadcastNames[kind] ?? "add"}`, {}, pair);
    if (sketch.typeAt(sketch.last).dtype === "bool")
      sketch.add("ann.cast", { to: "f32", saturate: false });
    if (b > 5) sketch.add("ann.relu", {});
  },
  constant: (sketch, { a }) => {
    const before = sketch.last;
    sketch.add("ann.constant", { value: sketch.tensor("constant", perChannel(sketch, a)) }, []);
    sketch.add("ann.add", {}, [before, sketch.last]);
  },
  concat: (sketch, { a, b }) => {
    const other = sketch.earlier(a);
    if (!sketch.isSmall || sketch.shape.length < 2) return;
    sketch.add("ann.concat", { axis: 1 + (b % (sketch.shape.length - 1)) }, [
      sketch.last,
      other ?? sketch.last,
    ]);
  },
  flatten: (sketch) => sketch.add("ann.reshape", { shape: [1, elementCount(sketch.shape)] }),
  image: (sketch, { a }) => {
    const count = elementCount(sketch.shape);
    const width = [4, 3, 2, 1].find((w) => count % (w * w) === 0) ?? 1;
    const shape = [1, count / (width * width), width, width];
    if (a > 3) sketch.add("ann.reshape", { shape });
  },
  transpose: (sketch, { a }) => {
    const rank = sketch.shape.length;
    const free = rank - 1;
    if (free < 1) return;
    const perm = Array.from({ length: free }, (_, i) => 1 + ((i + a) % free));
    sketch.add("ann.transpose", { perm: [0, ...perm] });
  },
  pad: (sketch, { a, b, c }) => {
    if (!sketch.isSmall) return;
    const atEnd = (value: number): number[] =>
      sketch.shape.map((_, axis) => (axis === sketch.shape.length - 1 ? value : 0));
    const mode = c % 2 === 0 ? "constant" : "edge";
    sketch.add("ann.pad", { begin: atEnd(a % 3), end: atEnd(b % 2), mode, value: 0 });
  },
  slice: (sketch, { a, b }) => {
    const { shape } = sketch;
    const axis = a % shape.length;
    const sizes = shape.map((extent, i) =>
      i === axis && axis > 0 ? Math.ceil(extent / 2) : extent,
    );
    const backwards = b % 2 === 1;
    sketch.add("ann.slice", {
      starts: shape.map((extent, i) => (i === axis && backwards ? extent - 1 : 0)),
      sizes,
      steps: shape.map((_, i) => (i === axis && backwards ? -1 : 1)),
    });
  },
  /** Moves by constant indices, and a triangle. */
  gather: (sketch, { a, b, c }) => {
    const before = sketch.last;
    const { shape } = sketch;
    if (!sketch.isSmall || shape.length < 2) return;
    if (a > 5) {
      sketch.add("ann.trilu", { upper: b > 3, diagonal: c - 3 });
      return;
    }
    const axis = 1 + (b % (shape.length - 1));
    const extent = shape[axis] ?? 1;
    const indices = Array.from({ length: 1 + (c % 4) }, (_, i) => (a + 3 * i) % extent);
    const value = sketch.builder.tensor("indices", tensorOf("i64", [indices.length], indices));
    sketch.add("ann.constant", { value }, []);
    sketch.add("ann.gather", { axis }, [before, sketch.last]);
  },
  softmax: (sketch) => sketch.add("ann.softmax", { axis: sketch.shape.length - 1 }),
  neuron: (sketch, { a, b, c }) => {
    const threshold = sketch.tensor("threshold", perChannel(sketch, a), "positive");
    sketch.add("snn.if", {
      threshold,
      vInit: sketch.tensor("v", perChannel(sketch, b), "positive"),
      amplitude: c % 2 === 0 ? threshold : sketch.tensor("amplitude", perChannel(sketch, c)),
      reset: c > 4 ? "zero" : "subtract",
    });
  },
  // Steps of θ/t are left out: sums of them hang on their order, and so might a spike.
  graded: (sketch, { a, b, c }) => {
    const threshold = sketch.tensor("threshold", perChannel(sketch, a), "positive");
    sketch.add("snn.graded", {
      threshold,
      vInit: sketch.tensor("v", perChannel(sketch, b), "positive"),
      amplitude: c % 3 > 0 ? threshold : sketch.tensor("amplitude", perChannel(sketch, c)),
      ceiling: a > 5 ? sketch.tensor("ceiling", perChannel(sketch, b + c), "positive") : null,
      bits: 1 + (b % 4),
      alphabet: c > 4 ? "power" : "word",
      sign: a % 3 === 0 ? "positive" : a % 3 === 1 ? "retract" : "free",
      schedule: b > 5 ? "halving" : b > 4 ? "table" : "constant",
      shares:
        b === 5 ? sketch.tensor("shares", [1 + c, ...perChannel(sketch, a)], "positive") : null,
    });
  },
  lif: (sketch, { a, b, c }) => {
    sketch.add("snn.lif", {
      threshold: sketch.tensor("threshold", perChannel(sketch, a), "positive"),
      vInit: sketch.tensor("v", perChannel(sketch, b)),
      amplitude: sketch.tensor("amplitude", perChannel(sketch, c)),
      leak: 0.5 + b / 16,
      refractory: a > 3 ? c / 2 : 0,
      spikeTime: b > 3 ? "step" : "exact",
      reset: c > 4 ? "subtract" : "zero",
    });
  },
  "temporal-bias": (sketch, { a, b }) => {
    const table = sketch.tensor("table", [1 + b, ...perChannel(sketch, a)]);
    sketch.add("snn.temporal-bias", { table });
  },
  "low-pass": (sketch) => sketch.add("snn.low-pass", { decay: 0.5 }),
  increments: (sketch, { a }) => {
    if (sketch.type.domain !== "real") sketch.add("snn.accumulate", {});
    if (a > 3) sketch.add("ann.relu", {});
    sketch.add("snn.difference", {});
  },
  encoder: (sketch, { a, b, c, seed }) => {
    const amplitude = sketch.tensor("amplitude", perChannel(sketch, c), "positive");
    if (a === 7) {
      const threshold = sketch.tensor("threshold", perChannel(sketch, b), "positive");
      sketch.add("snn.delta-encode", { threshold, amplitude });
      return;
    }
    const gain = sketch.tensor("gain", perChannel(sketch, b), "positive");
    const sizes = { gain, amplitude, sign: c % 2 === 0 ? "free" : "positive" } as const;
    if (a > 4) sketch.add("snn.phase-encode", { ...sizes, bits: 1 + (b % 5) });
    else if (a > 2) {
      sketch.add("snn.latency-encode", { ...sizes, steps: 1 + b, threshold: c / 16 });
    } else {
      sketch.add("snn.poisson-encode", { ...sizes, seed }, [sketch.last, sketch.first]);
    }
  },
  "few-spikes": (sketch, { a, b }) => {
    const rows = sketch.tensor("rows", [1 + b, ...perChannel(sketch, a)], "positive");
    if (sketch.type.domain === "real") sketch.add("snn.difference", {});
    sketch.add("snn.few-spikes", {
      threshold: rows,
      reset: rows,
      amplitude: a > 3 ? rows : sketch.tensor("amplitude", [1 + b, ...perChannel(sketch, a + 1)]),
      vInit: sketch.tensor("v", perChannel(sketch, b)),
    });
  },
  ttfs: (sketch, { a, b, c }) => {
    if (sketch.type.domain === "real") sketch.add("snn.difference", {});
    sketch.add("snn.ttfs", {
      threshold: sketch.tensor("threshold", perChannel(sketch, a), "positive"),
      vInit: sketch.tensor("v", perChannel(sketch, b)),
      amplitude: sketch.tensor("amplitude", perChannel(sketch, c)),
      resolution: "tick",
    });
  },
  weights: (sketch, { a, b }) => {
    const channels = sketch.shape[1] ?? 1;
    const out = 1 + (b % 6);
    if (sketch.shape.length < 3) {
      const weight = sketch.tensor("fc.weight", [out, sketch.shape.at(-1) ?? 1]);
      sketch.add("ann.linear", { weight, bias: null });
      return;
    }
    const window = windowOf(sketch, { a, b, c: 0 }, 3);
    const spatial = sketch.shape.slice(2).map(() => 3);
    const weight = sketch.tensor("conv.weight", [out, channels, ...spatial]);
    sketch.add("ann.conv", { ...window, weight, bias: null, groups: 1 });
  },
  "spiking-max-pool": (sketch, step) => {
    if (hasChannels(sketch)) sketch.add("snn.max-pool", poolOf(sketch, step));
  },
} as const satisfies Record<string, (sketch: Sketch, step: Step) => void>;

export type StepKind = keyof typeof steps;
