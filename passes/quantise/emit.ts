/**
 * Writes the integer module that `plan.ts` has planned, with the units that were chosen: weights,
 * and biases rounded, neurons as `neurons/` has them, inputs quantised, read-outs scaled back.
 *
 * Rounded weights shift what they sum to on average, which a bias takes back. Where what is received sums to
 * its value, a bias would come at each timestep: there the shift goes along with the sums, and is taken
 * back once, by the potential that neurons start from, or when the sum is read out.
 */
import { isNeuron, isWeighted, ownChannelAxis } from "../../ir/op/known.ts";
import { summingWindow } from "./windows.ts";
import { type Builder, builderBeside } from "../../ir/build.ts";
import { invariant, known } from "../../ir/diagnostic.ts";
import { type Loc, fusedLoc, shortName } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import {
  type NeuronKind,
  type Op,
  type OpOf,
  type ValueId,
  isInput,
  isOp,
} from "../../ir/op/op.ts";
import { type Tensor, type TensorRef, scalar, tensorOf } from "../../ir/tensor.ts";
import { dtypeLimits } from "../../ir/semantics/values/scalar.ts";
import { type DType, type Shape, elementCount } from "../../ir/type.ts";
import type { WeightedOp } from "../fuse/weights.ts";
import {
  type Grid,
  along,
  combine,
  compress,
  gridOf,
  meansAlong,
  movesUnits,
  moved,
  uniformGrid,
} from "./grid.ts";
import { momentsBeside } from "./moments.ts";
import { takesIncrements } from "./neurons/forms.ts";
import { type IntegerPlan, keyOf } from "./plan.ts";
import { type Chosen, roundRows } from "./round.ts";
import { quantised, roundHalfAway } from "./units/scale.ts";
import { type UnitSource, unitsAlongAxis } from "./units/table.ts";

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
  /** By how much what is summed over time is too large on average, in the units of the network before. */
  readonly surplus?: Grid;
}

/** The integer module. */
export function emitIntegers(
  module: Module,
  plan: IntegerPlan,
  chosen: Chosen,
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
  private readonly chosen: Chosen;
  private readonly encodings: ReadonlyMap<ValueId, InputEncoding>;

  constructor(
    module: Module,
    plan: IntegerPlan,
    chosen: Chosen,
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
      invariant(
        isOp(op, "snn.readout", "snn.accumulate"),
        `${op.kind} between integers and floats`,
      );
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
    if (isNeuron(op)) return this.neuron(op);
    if (movesUnits(op)) return this.move(op);
    switch (op.kind) {
      case "ann.affine":
        return this.affine(op);
      case "ann.average-pool":
        return this.windowSum(op);
      case "ann.add":
      case "ann.sub":
        return this.sum(op);
      case "snn.temporal-bias":
        return this.biased(op);
      case "ann.max-pool":
      case "snn.max-pool":
      case "ann.resize": {
        const x = this.operand(op, 0);
        const units = this.byIndex(x, 1);
        return { ...x, value: this.again(op, [x.value]), units };
      }
      default: {
        const x = this.operand(op, 0);
        const { surplus } = x;
        const value = this.again(op, [x.value]);
        if (!isOp(op, "ann.neg") || surplus === undefined) return { ...x, value };
        return { ...x, value, surplus: { ...surplus, data: surplus.data.map((over) => -over) } };
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
    const { rounded, shifts } = this.chosen.round(op, weight, {
      inputs,
      units: units.data,
      source,
      means: seen?.axis === axis ? seen.means : null,
      surplus: x.surplus === undefined ? null : meansAlong(x.surplus, axis),
    });
    const isOnce = this.isOnce(op);
    const attrs = {
      weight: this.keep(op.attrs.weight, "i8", weight.shape, rounded),
      bias: this.bias(op, source, units.data, isOnce ? shifts.map(() => 0) : shifts),
    };
    const { result, loc } = op;
    const surplus = along(op.type.shape.length, ownChannelAxis(op), shifts);
    const made = (value: ValueId): Made => ({ value, units, ...(isOnce ? { surplus } : {}) });
    switch (op.kind) {
      case "ann.conv":
        return made(this.builder.add(op.kind, [x.value], { ...op.attrs, ...attrs }, loc, result));
      case "ann.conv-transpose":
        return made(this.builder.add(op.kind, [x.value], { ...op.attrs, ...attrs }, loc, result));
      case "ann.linear":
        return made(this.builder.add(op.kind, [x.value], attrs, loc, result));
    }
  }

  /** Whether a bias of the op would come at each timestep, and what is received sums to its value. */
  private isOnce(op: Op): boolean {
    return takesIncrements(this.module) && op.type.domain !== "real";
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
    const { weights, biases, surplus } = this.perElement(op, 0, source, { x, units, scale });
    const attrs = {
      scale: this.keep(op.attrs.scale, "i8", weights.shape, weights.data),
      shift: this.keep(op.attrs.shift, "i32", biases.shape, biases.data),
    };
    const value = this.builder.add(op.kind, [x.value], attrs, op.loc, op.result);
    return { value, units, surplus };
  }

  /** The weight and the bias of each element of a source that has one weight for each. */
  private perElement(
    op: Op,
    index: number,
    source: UnitSource,
    { x, units, scale }: { readonly x: Made; readonly units: Grid; readonly scale: Grid },
  ): { readonly weights: Grid; readonly biases: Grid; readonly surplus: Grid } {
    const weights = combine([scale, x.units, units], ([weight = 0, from = 0, unit = 0]) =>
      unit === 0 ? 0 : quantised(weight * from, unit, source.levels),
    );
    const value = known(op.inputs[index], `operand ${index}`);
    const seen = momentsBeside(this.chosen.momentsOf(value), units);
    const means: Grid = { shape: units.shape, data: units.data.map((_, k) => seen?.(k).mean ?? 0) };
    const given: Grid = { shape: units.shape, data: units.data.map((_, k) => source.bias(k)) };
    const over = x.surplus ?? uniformGrid(units.shape.length, 0);
    const shifts = combine(
      [weights, scale, x.units, units, means, over],
      ([step = 0, weight = 0, from = 0, unit = 0, mean = 0, surplus = 0]) =>
        unit === 0 || from === 0 ? 0 : ((step * unit) / from - weight) * mean + weight * surplus,
    );
    const isOnce = this.isOnce(op);
    const none = uniformGrid(units.shape.length, 0);
    const biases = combine(
      [units, given, isOnce ? none : shifts],
      ([unit = 0, bias = 0, shift = 0]) => (unit === 0 ? 0 : roundHalfAway((bias - shift) / unit)),
    );
    return { weights, biases, surplus: isOnce ? shifts : none };
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
    return { ...x, value, units };
  }

  private sum(op: OpOf<"ann.add" | "ann.sub">): Made {
    const [a, b] = [this.operand(op, 0), this.operand(op, 1)];
    const units = combine([a.units, b.units], ([left = 0, right = 0]) => {
      invariant(left === right || left === 0 || right === 0, "a sum of two units");
      return left === 0 ? right : left;
    });
    const none = uniformGrid(op.type.shape.length, 0);
    const surplus = combine([a.surplus ?? none, b.surplus ?? none], ([left = 0, right = 0]) =>
      op.kind === "ann.add" ? left + right : left - right,
    );
    return { value: this.again(op, [a.value, b.value]), units: compress(units), surplus };
  }

  private move(op: Op): Made {
    const parts = op.inputs.map((_, i) => this.operand(op, i));
    const shapes = parts.map(({ value }) => this.shapeOf(value));
    const move = (of: (part: Made) => Grid): Grid => moved(op, parts.map(of), shapes);
    const value = this.again(
      op,
      parts.map((part) => part.value),
    );
    const none = (part: Made): Grid => uniformGrid(this.shapeOf(part.value).length, 0);
    const surplus = move((part) => part.surplus ?? none(part));
    return { value, units: move((part) => part.units), surplus };
  }

  private neuron(op: OpOf<NeuronKind>): Made {
    const { value: current, units, surplus } = this.operand(op, 0);
    const form = known(this.plan.neurons.get(op.result), "what neurons become");
    const { builder } = this;
    const none = uniformGrid(op.type.shape.length, 0);
    return form.make({ builder, current, units, surplus: surplus ?? none });
  }

  private biased(op: OpOf<"snn.temporal-bias">): Made {
    const x = this.operand(op, 0);
    const units = this.unitsOf(this.source(keyOf(op)));
    const { rows, shape, data } = roundRows(this.builder.tensorAt(op.attrs.table), units);
    const attrs = { table: this.keep(op.attrs.table, "i32", [rows, ...shape], data) };
    return { ...x, value: this.builder.add(op.kind, [x.value], attrs, op.loc, op.result), units };
  }

  private readout(op: OpOf<"snn.readout" | "snn.accumulate">): Made {
    const x = this.operand(op, 0);
    const loc = fusedLoc(name, [op.loc]);
    const sum = this.builder.add(op.kind, [x.value], op.attrs, op.loc);
    const none = uniformGrid(x.units.shape.length, 0);
    const shift = combine([x.surplus ?? none], ([over = 0]) => -over + 0);
    const all = { ...x, value: sum, shift };
    return { value: this.scaled(all, shortName(op.loc), loc, op.result), units: x.units };
  }

  /** Floats in units, as the numbers they stand for. */
  private scaled(
    { value, units, shift }: Made & { readonly shift: Grid },
    label: string,
    loc: Loc,
    result?: ValueId,
  ): ValueId {
    const attrs = {
      scale: this.grid(`${label}.unit`, "f32", units),
      shift: shift.data.every((each) => each === 0)
        ? this.builder.tensor("zero", scalar("f32", 0))
        : this.grid(`${label}.shift`, "f32", shift),
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
    const shift = uniformGrid(made.units.shape.length, 0);
    return this.scaled({ ...made, value: cast, shift }, shortName(loc), from);
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
      made = this.rescaled(op, index, made, source);
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
  private rescaled(op: Op, index: number, x: Made, source: UnitSource): Made {
    const from = this.builder.opOf(x.value);
    const loc = fusedLoc(name, [from.loc, op.loc]);
    const label = `${shortName(from.loc)}.rescale`;
    const units = this.unitsOf(source);
    const scale = uniformGrid(units.shape.length, 1);
    const { weights, biases, surplus } = this.perElement(op, index, source, { x, units, scale });
    const dtype = weights.data.every((w) => Math.abs(w) < 2 ** 7) ? "i8" : "i16";
    const { shape } = from.type;
    const perChannel = units.shape.every((extent, axis) => axis === 1 || extent === 1);
    // A window has one to three axes of space.
    if (shape.length < 3 || shape.length > 5 || !perChannel) {
      const attrs = {
        scale: this.grid(label, dtype, weights),
        shift: this.grid(`${label}.bias`, "i32", biases),
      };
      return { value: this.builder.add("ann.affine", [x.value], attrs, loc), units, surplus };
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
      weight: this.keep(label, dtype, kernel, row(weights)),
      bias: isShifted ? this.keep(`${label}.bias`, "i32", [channels], row(biases)) : null,
      groups: channels,
    };
    return { value: this.builder.add("ann.conv", [x.value], attrs, loc), units, surplus };
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
