/**
 * Writes the integer module that `plan.ts` has planned, with the units that were chosen: weights,
 * biases and thresholds rounded, inputs quantised, read-outs scaled back.
 *
 * A threshold is rounded, so the amplitude that goes into the next weights is corrected by as much:
 * a neuron that fires at θ' instead of θ sends θ'/θ of its amplitude, and its mean output stays.
 */
import { isWeighted } from "../../ir/op/known.ts";
import { summingWindow } from "./windows.ts";
import { type Builder, builderBeside } from "../../ir/build.ts";
import { invariant, known } from "../../ir/diagnostic.ts";
import { type Loc, fusedLoc, shortName } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isInput, isOp } from "../../ir/op/op.ts";
import { type Tensor, type TensorRef, scalar, tensorOf } from "../../ir/tensor.ts";
import { dtypeLimits } from "../../ir/semantics/values/scalar.ts";
import { type DType, type Shape, elementCount } from "../../ir/type.ts";
import { type WeightedOp, eachWeight } from "../fuse/weights.ts";
import { type Grid, combine, compress, gridOf, movesUnits, moved, uniformGrid } from "./grid.ts";
import { momentsBeside } from "./moments.ts";
import { type IntegerPlan, keyOf } from "./plan.ts";
import { quantised, roundHalfAway } from "./scale.ts";
import { type Known, type UnitSource, unitsAlongAxis } from "./units.ts";

const name = "quantise";

/** How a float value of the input becomes integers of one unit. */
export interface InputEncoding {
  readonly unit: number;
  readonly dtype: "i8" | "u8" | "i32";
  /** The smallest and the largest integer that it may become. */
  readonly low: number;
  readonly high: number;
}

/** A value of the new module with the unit of each element. */
interface Made {
  readonly value: ValueId;
  readonly units: Grid;
}

/** The integer module. */
export function emitIntegers(
  module: Module,
  plan: IntegerPlan,
  chosen: Known,
  encodings: ReadonlyMap<ValueId, InputEncoding>,
): Module {
  const emitter = new Emitter(module, plan, chosen, encodings);
  for (const op of module.ops) emitter.emit(op);
  return emitter.finish();
}

class Emitter {
  private readonly builder: Builder;
  private readonly made = new Map<ValueId, Made>();
  private readonly quantised = new Map<ValueId, Made>();
  private readonly module: Module;
  private readonly plan: IntegerPlan;
  private readonly chosen: Known;
  private readonly encodings: ReadonlyMap<ValueId, InputEncoding>;

  constructor(
    module: Module,
    plan: IntegerPlan,
    chosen: Known,
    encodings: ReadonlyMap<ValueId, InputEncoding>,
  ) {
    this.builder = builderBeside(module);
    this.module = module;
    this.plan = plan;
    this.chosen = chosen;
    this.encodings = encodings;
  }

  emit(op: Op): void {
    const ofIntegers = op.inputs.some((value) => this.plan.integers.has(value));
    if (this.plan.integers.has(op.result)) this.made.set(op.result, this.integers(op));
    else if (ofIntegers) {
      invariant(isOp(op, "snn.readout"), `${op.kind} between integers and floats`);
      this.made.set(op.result, this.readout(op));
    } else this.made.set(op.result, this.float(op));
  }

  finish(): Module {
    const outputs = this.module.outputs.map(({ name: of, value }) => ({
      name: of,
      value: this.asFloat(value),
    }));
    return this.builder.finish({ ...this.module, outputs });
  }

  private integers(op: Op): Made {
    if (isWeighted(op)) return this.synapse(op);
    if (movesUnits(op)) return this.move(op);
    switch (op.kind) {
      case "ann.affine":
        return this.affine(op);
      case "ann.average-pool":
        return this.windowSum(op);
      case "ann.add":
      case "ann.sub":
        return this.sum(op);
      case "snn.if":
        return this.neuron(op);
      case "ann.max-pool":
      case "snn.max-pool":
      case "ann.resize": {
        const x = this.operand(op, 0);
        const units = this.byIndex(x, 1);
        return { value: this.again(op, [x.value]), units };
      }
      default: {
        const x = this.operand(op, 0);
        return { value: this.again(op, [x.value]), units: x.units };
      }
    }
  }

  /** The op as it was, on what its operands became. */
  private float(op: Op): Made {
    if (isInput(op)) {
      this.builder.push(op);
      return { value: op.result, units: uniformGrid(0, 1) };
    }
    const inputs = op.inputs.map((value) => this.valueOf(value));
    return { value: this.again(op, inputs), units: uniformGrid(0, 1) };
  }

  private again(op: Op, inputs: readonly ValueId[]): ValueId {
    return this.builder.add(op.kind, inputs, op.attrs, op.loc, op.result);
  }

  private synapse(op: WeightedOp): Made {
    const x = this.operand(op, 0);
    const axis = op.kind === "ann.linear" ? this.shapeOf(x.value).length - 1 : 1;
    const inputs = this.byIndex(x, axis).data;
    const source = this.source(keyOf(op));
    const units = this.unitsOf(source);
    const weight = this.builder.tensorAt(op.attrs.weight);
    const seen = this.chosen.momentsOf(known(op.inputs[0], "an operand"));
    const means = seen?.axis === axis ? seen.means : null;
    const shifts = new Float64Array(units.data.length);
    const rounded = new Float64Array(weight.data.length);
    eachWeight(op, weight.shape, (i, input, output) => {
      const w = weight.data[i] ?? 0;
      const unit = units.data[output] ?? 0;
      if (unit === 0) return;
      const from = inputs[input % inputs.length] ?? 0;
      const step = quantised(w * from, unit, source.levels, source.isWhole(output));
      rounded[i] = step;
      if (means === null || from === 0) return;
      shifts[output] = (shifts[output] ?? 0) + ((step * unit) / from - w) * (means[input] ?? 0);
    });
    const attrs = {
      weight: this.keep(op.attrs.weight, "i8", weight.shape, rounded),
      bias: this.bias(op, source, units.data, shifts),
    };
    const { result, loc } = op;
    switch (op.kind) {
      case "ann.conv": {
        const all = { ...op.attrs, ...attrs };
        return { value: this.builder.add(op.kind, [x.value], all, loc, result), units };
      }
      case "ann.conv-transpose": {
        const all = { ...op.attrs, ...attrs };
        return { value: this.builder.add(op.kind, [x.value], all, loc, result), units };
      }
      case "ann.linear":
        return { value: this.builder.add(op.kind, [x.value], attrs, loc, result), units };
    }
  }

  /** The bias, less the mean shift that rounded weights make. */
  private bias(
    { attrs: { bias, weight } }: WeightedOp,
    source: UnitSource,
    units: Float64Array,
    shifts: Float64Array,
  ): TensorRef | null {
    const rounded = units.map((unit, k) =>
      unit === 0 ? 0 : roundHalfAway((source.bias(k) - (shifts[k] ?? 0)) / unit),
    );
    if (bias === null && rounded.every((each) => each === 0)) return null;
    return this.keep(bias ?? `${weight}.bias`, "i32", [units.length], rounded);
  }

  private affine(op: OpOf<"ann.affine">): Made {
    const x = this.operand(op, 0);
    const source = this.source(keyOf(op));
    const units = this.unitsOf(source);
    const rank = op.type.shape.length;
    const scale = gridOf(this.builder.tensorAt(op.attrs.scale), rank);
    const { weights, biases } = this.perElement(op, 0, source, { x: x.units, units, scale });
    const attrs = {
      scale: this.keep(op.attrs.scale, "i8", weights.shape, weights.data),
      shift: this.keep(op.attrs.shift, "i32", biases.shape, biases.data),
    };
    return { value: this.builder.add(op.kind, [x.value], attrs, op.loc, op.result), units };
  }

  /** The weight and the bias of each element of a source that has one weight for each. */
  private perElement(
    op: Op,
    index: number,
    source: UnitSource,
    { x, units, scale }: { readonly x: Grid; readonly units: Grid; readonly scale: Grid },
  ): { readonly weights: Grid; readonly biases: Grid } {
    const weights = combine([scale, x, units], ([weight = 0, from = 0, unit = 0]) =>
      unit === 0 ? 0 : quantised(weight * from, unit, source.levels),
    );
    const value = known(op.inputs[index], `operand ${index}`);
    const seen = momentsBeside(this.chosen.momentsOf(value), units);
    const means: Grid = { shape: units.shape, data: units.data.map((_, k) => seen?.(k).mean ?? 0) };
    const given: Grid = { shape: units.shape, data: units.data.map((_, k) => source.bias(k)) };
    const biases = combine(
      [weights, scale, x, units, means, given],
      ([step = 0, weight = 0, from = 0, unit = 0, mean = 0, bias = 0]) => {
        if (unit === 0) return 0;
        const shift = from === 0 ? 0 : ((step * unit) / from - weight) * mean;
        return roundHalfAway((bias - shift) / unit);
      },
    );
    return { weights, biases };
  }

  /** The sum of each window: a convolution of each channel with weights of 1. */
  private windowSum(op: OpOf<"ann.average-pool">): Made {
    const x = this.operand(op, 0);
    const [batch = 1, channels = 1, ...spatial] = this.shapeOf(x.value);
    const kernel: Shape = [channels, 1, ...op.attrs.kernel];
    const ones = new Float64Array(elementCount(kernel)).fill(1);
    const window = summingWindow(op, [batch, channels, ...spatial]);
    const attrs = {
      ...window,
      weight: this.keep(`${shortName(op.loc)}.ones`, "i8", kernel, ones),
      bias: null,
      groups: channels,
    };
    const value = this.builder.add("ann.conv", [x.value], attrs, op.loc, op.result);
    const shares = this.plan.shares.get(op.result);
    const units = combine(
      [this.byIndex(x, 1), known(shares, "the shares of a window")],
      ([unit = 1, share = 1]) => unit * share,
    );
    return { value, units };
  }

  private sum(op: OpOf<"ann.add" | "ann.sub">): Made {
    const [a, b] = [this.operand(op, 0), this.operand(op, 1)];
    const units = combine([a.units, b.units], ([left = 0, right = 0]) => {
      invariant(left === right || left === 0 || right === 0, "a sum of two units");
      return left === 0 ? right : left;
    });
    return { value: this.again(op, [a.value, b.value]), units: compress(units) };
  }

  private move(op: Op): Made {
    const parts = op.inputs.map((_, i) => this.operand(op, i));
    const shapes = parts.map(({ value }) => this.shapeOf(value));
    const units = moved(
      op,
      parts.map((part) => part.units),
      shapes,
    );
    const value = this.again(
      op,
      parts.map((part) => part.value),
    );
    return { value, units };
  }

  private neuron(op: OpOf<"snn.if">): Made {
    const x = this.operand(op, 0);
    const rank = op.type.shape.length;
    const at = (ref: TensorRef): Grid => gridOf(this.builder.tensorAt(ref), rank);
    const [threshold, vInit, amplitude] = [
      at(op.attrs.threshold),
      at(op.attrs.vInit),
      at(op.attrs.amplitude),
    ];
    // Where no current ever comes the unit is anyone's.
    const units = combine([x.units, threshold], ([unit = 0, theta = 1]) =>
      unit === 0 ? theta / 2 ** 12 : unit,
    );
    const thetas = combine([threshold, units], ([theta = 1, unit = 1]) =>
      Math.max(1, roundHalfAway(theta / unit)),
    );
    const starts = combine([vInit, units], ([v = 0, unit = 1]) => roundHalfAway(v / unit));
    const sent = combine(
      [amplitude, thetas, units, threshold],
      ([a = 1, steps = 1, unit = 1, theta = 1]) => (a * steps * unit) / theta,
    );
    const label = shortName(op.loc);
    const attrs = {
      threshold: this.grid(`${label}.threshold`, "i32", thetas),
      vInit: this.grid(`${label}.v_init`, "i32", starts),
      amplitude: this.builder.tensor("one", scalar("i8", 1)),
      reset: op.attrs.reset,
    };
    const value = this.builder.add(op.kind, [x.value], attrs, op.loc, op.result);
    return { value, units: compress(sent) };
  }

  private readout(op: OpOf<"snn.readout">): Made {
    const x = this.operand(op, 0);
    const loc = fusedLoc(name, [op.loc]);
    const mean = this.builder.add("snn.readout", [x.value], op.attrs, op.loc);
    return { value: this.scaled(mean, x.units, shortName(op.loc), loc, op.result), units: x.units };
  }

  /** Floats in units, as the numbers they stand for. */
  private scaled(value: ValueId, units: Grid, label: string, loc: Loc, result?: ValueId): ValueId {
    const attrs = {
      scale: this.grid(`${label}.unit`, "f32", units),
      shift: this.builder.tensor("zero", scalar("f32", 0)),
    };
    return this.builder.add("ann.affine", [value], attrs, loc, result);
  }

  /** An output, which may be of integers where no neuron is on its way. */
  private asFloat(value: ValueId): ValueId {
    const made = this.madeOf(value);
    if (!this.plan.integers.has(value)) return made.value;
    const { loc } = this.builder.opOf(made.value);
    const from = fusedLoc(name, [loc]);
    const cast = this.builder.add("ann.cast", [made.value], { to: "f32", saturate: true }, from);
    return this.scaled(cast, made.units, shortName(loc), from);
  }

  /** What the plan makes of operand `index` of `op`. */
  private operand(op: Op, index: number): Made {
    const value = known(op.inputs[index], `operand ${index}`);
    const before = this.builder.opOf(this.valueOf(value));
    const first = this.plan.sources.get(keyOf(op, index));
    if (first !== undefined && isOp(before, "ann.constant") && !this.plan.encoded.has(value)) {
      const units = this.unitsOf(first);
      return { value: this.constant(before, units), units };
    }
    let made = this.integersOf(value);
    for (let n = 0; ; n++) {
      const source = this.plan.sources.get(keyOf(op, index, n));
      if (source === undefined) return made;
      made = { value: this.rescaled(op, index, made, source), units: this.unitsOf(source) };
    }
  }

  private constant(op: OpOf<"ann.constant">, units: Grid): ValueId {
    const held = this.builder.tensorAt(op.attrs.value);
    const rounded = Float64Array.from(held.data, (c, k) =>
      c === 0 ? 0 : roundHalfAway(c / (units.data[k] ?? 1)),
    );
    const ref = this.keep(op.attrs.value, "i32", held.shape, rounded);
    return this.builder.add("ann.constant", [], { value: ref }, fusedLoc(name, [op.loc]));
  }

  /** Each element times a weight of its channel, or of its own where channels are not uniform. */
  private rescaled(op: Op, index: number, x: Made, source: UnitSource): ValueId {
    const from = this.builder.opOf(x.value);
    const loc = fusedLoc(name, [from.loc, op.loc]);
    const label = `${shortName(from.loc)}.rescale`;
    const units = this.unitsOf(source);
    const scale = uniformGrid(units.shape.length, 1);
    const { weights, biases } = this.perElement(op, index, source, { x: x.units, units, scale });
    const { shape } = from.type;
    const perChannel = units.shape.every((extent, axis) => axis === 1 || extent === 1);
    // A window has one to three axes of space.
    if (shape.length < 3 || shape.length > 5 || !perChannel) {
      const attrs = {
        scale: this.grid(label, "i8", weights),
        shift: this.grid(`${label}.bias`, "i32", biases),
      };
      return this.builder.add("ann.affine", [x.value], attrs, loc);
    }
    const channels = shape[1] ?? 1;
    const axes = shape.slice(2);
    const each = (value: number): number[] => axes.map(() => value);
    const kernel: Shape = [channels, 1, ...each(1)];
    const row = ({ data }: Grid): Float64Array =>
      Float64Array.from({ length: channels }, (_, c) => data[c % data.length] ?? 0);
    const isShifted = biases.data.some((bias) => bias !== 0);
    const attrs = {
      strides: each(1),
      padsBegin: each(0),
      padsEnd: each(0),
      dilations: each(1),
      weight: this.keep(label, "i8", kernel, row(weights)),
      bias: isShifted ? this.keep(`${label}.bias`, "i32", [channels], row(biases)) : null,
      groups: channels,
    };
    return this.builder.add("ann.conv", [x.value], attrs, loc);
  }

  /** A value as integers: its own, or a float of the input quantised. */
  private integersOf(value: ValueId): Made {
    if (this.plan.integers.has(value)) return this.madeOf(value);
    const there = this.quantised.get(value);
    if (there !== undefined) return there;
    const encoded = this.encode(value);
    this.quantised.set(value, encoded);
    return encoded;
  }

  private encode(value: ValueId): Made {
    const { unit, dtype, low, high } = known(this.encodings.get(value), `an encoding of %${value}`);
    const source = this.builder.opOf(this.valueOf(value));
    const loc = fusedLoc(name, [source.loc]);
    // There is no quantising to 32 bits in one step: 16 hold what a quantiser of 8 or fewer makes.
    const to: DType = dtype === "i32" ? "i16" : dtype;
    const scale = this.builder.constant("input.unit", scalar("f32", unit), loc);
    const zero = this.builder.constant("input.zero", scalar(to, 0), loc);
    let x = source.result;
    // Where the range is that of the type, its saturation is the clipping.
    const [least, most] = dtypeLimits(to);
    if (low > least + 1 || high < most) {
      const attrs = { min: low * unit, max: high * unit };
      x = this.builder.add("ann.clip", [x], attrs, loc);
    }
    // ONNX's rounding, half to even: it is one op with one meaning in every backend. Everything else
    // here is rounded half away from zero, by the compiler.
    const attrs = { axis: 0, to };
    let q = this.builder.add("ann.quantize-linear", [x, scale, zero], attrs, loc);
    if (dtype === "i32") q = this.builder.add("ann.cast", [q], { to: "i32", saturate: true }, loc);
    return { value: q, units: uniformGrid(source.type.shape.length, unit) };
  }

  /** The units of a value by index along `axis`, which the plan has found to be all there is. */
  private byIndex({ units }: Made, axis: number): Grid {
    const of = { ids: uniformGrid(units.shape.length, -1), factors: units };
    return known(unitsAlongAxis(of, axis, this.plan.table), "units by channel").factors;
  }

  private source(key: string): UnitSource {
    return known(this.plan.sources.get(key), `a source ${key}`);
  }

  /** The units of what a source makes; 0 of what is always 0. */
  private unitsOf({ ids, live }: UnitSource): Grid {
    const { unitOf } = this.chosen;
    return {
      shape: ids.shape,
      data: ids.data.map((id, k) => (live.data[k] === 0 ? 0 : unitOf(id))),
    };
  }

  private keep(ref: TensorRef, dtype: DType, shape: Shape, data: Float64Array): TensorRef {
    const value: Tensor = tensorOf(dtype, shape, data);
    return this.builder.tensor(ref.replace(/\.\d+$/, ""), value);
  }

  private grid(label: string, dtype: DType, grid: Grid): TensorRef {
    const { shape, data } = compress(grid);
    return this.keep(label, dtype, shape, data);
  }

  private madeOf(value: ValueId): Made {
    return known(this.made.get(value), `what became of %${value}`);
  }

  private valueOf(value: ValueId): ValueId {
    return this.madeOf(value).value;
  }

  private shapeOf(value: ValueId): Shape {
    return this.builder.typeOf(value).shape;
  }
}
