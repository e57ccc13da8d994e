/**
 * Rebuilds an analogue network so that values with an offset are sent without it. What they lack is
 * carried along beside them, as a constant that linear ops are applied to at once, until a bias takes
 * it or an op that is not linear needs the value as it was.
 */
import { isProduct, ownChannelAxis, isWeighted } from "../../../ir/op/known.ts";
import { type Builder, builderBeside, makeOp } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { type Loc, fusedLoc, shortName } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import { type Tensor, scalar, tensor, tensorOf, zeros } from "../../../ir/tensor.ts";
import { type Shape, real } from "../../../ir/type.ts";
import { consumers, isOutput } from "../../../ir/analysis/walk.ts";
import { alongAxis, spread, wide } from "../../fuse/affine.ts";
import { isLinear, rectifierCeiling } from "../spiking-form.ts";
import type { Offset } from "./offsets.ts";

/** A value of the network that was: the sum of these. */
interface Carried {
  readonly value: ValueId;
  /** Of type f64; broadcasts to the value's shape. Null where the value is what it was. */
  readonly constant: Tensor | null;
}

/** The module in which the values of `offsets` are sent as what differs from their constants. */
export function withoutOffsets(
  module: Module,
  offsets: ReadonlyMap<ValueId, Offset>,
  pass: string,
): Module {
  return new Carrier(module, offsets, pass).run();
}

class Carrier {
  private readonly module: Module;
  private readonly offsets: ReadonlyMap<ValueId, Offset>;
  private readonly pass: string;
  private readonly builder: Builder;
  private readonly carried = new Map<ValueId, Carried>();
  /** Values as they were, where they had to be made again. */
  private readonly whole = new Map<ValueId, ValueId>();
  /** Values that depend on the sample. */
  private readonly varying = new Set<ValueId>();
  private readonly users: ReadonlyMap<ValueId, readonly Op[]>;

  constructor(module: Module, offsets: ReadonlyMap<ValueId, Offset>, pass: string) {
    this.module = module;
    this.offsets = offsets;
    this.pass = pass;
    this.users = consumers(module);
    for (const op of module.ops) {
      const varies = op.inputs.some((value) => this.varying.has(value));
      if (varies || isOp(op, "ann.input")) this.varying.add(op.result);
    }
    this.builder = builderBeside(module);
  }

  run(): Module {
    for (const op of this.module.ops) {
      this.carried.set(op.result, this.convert(op));
    }
    const outputs = this.module.outputs.map(({ name, value }) => ({
      name,
      value: this.wholeOf(value),
    }));
    return this.builder.finish({ ...this.module, outputs });
  }

  private convert(op: Op): Carried {
    const offset = this.offsets.get(op.result);
    if (isOp(op, "ann.input")) {
      this.builder.push(op);
      return this.centred({ value: op.result, constant: null }, op, offset);
    }
    if (offset !== undefined && rectifierCeiling(op) !== null) return this.rectifier(op, offset);
    const operands = op.inputs.map((value) => this.carriedOf(value));
    const made =
      operands.every(({ constant }) => constant === null) && this.wantedBy(op) === null
        ? null
        : (this.linear(op, operands) ?? this.maxPool(op, operands));
    return this.centred(made ?? { value: this.again(op), constant: null }, op, offset);
  }

  /** The value less its offset, which is carried on. */
  private centred(made: Carried, op: Op, offset: Offset | undefined): Carried {
    if (offset === undefined) return made;
    const { constant } = offset;
    const rest = made.constant === null ? null : spread(made.constant, op.type.shape);
    const shift = constant.data.map((c, i) => (rest?.data[i] ?? 0) - c);
    const value = this.shifted(made.value, tensor("f64", op.type.shape, shift), op.loc);
    return { value, constant: compressed(constant, op.type.shape) };
  }

  /**
   * f(x) = c + p − n of a rectifier with the ceiling C, for any x:
   *
   *     p = clip(x − c, 0, C − c)      n = clip(c − x, 0, c)
   */
  private rectifier(op: Op, { constant }: Offset): Carried {
    const { shape } = op.type;
    const { builder } = this;
    const operand = this.carriedOf(known(op.inputs[0], "an activation's operand"));
    const before = operand.constant === null ? null : spread(operand.constant, shape);
    const c = Float64Array.from(constant.data);
    const shift = c.map((x, i) => (before?.data[i] ?? 0) - x);
    const difference = this.shifted(operand.value, tensor("f64", shape, shift), op.loc);
    const ceiling = known(rectifierCeiling(op), "a rectifier");
    const positive =
      ceiling === Infinity
        ? builder.add("ann.relu", [difference], {}, op.loc)
        : this.clipped(
            difference,
            c.map((x) => ceiling - x),
            op,
          );
    const opposite = builder.add("ann.neg", [difference], {}, this.locOf(op.loc));
    const negative = this.clipped(opposite, c, op);
    const value = builder.add("ann.sub", [positive, negative], {}, this.locOf(op.loc));
    return { value, constant: compressed(constant, shape) };
  }

  /** clip(x, 0, most) with a largest value for each element; none of those that have 0. */
  private clipped(x: ValueId, most: Float64Array, op: Op): ValueId {
    const { shape } = op.type;
    const first = most[0] ?? 0;
    if (first > 0 && most.every((m) => m === first)) {
      return this.builder.add("ann.clip", [x], { min: 0, max: first }, op.loc);
    }
    // A clip has one ceiling: with several, each element is seen in units of its own.
    const units = most.map((m) => (m === 0 ? 0 : 1 / m));
    const seen = this.scaled(x, tensor("f64", shape, units), op.loc);
    const made = this.builder.add("ann.clip", [seen], { min: 0, max: 1 }, op.loc);
    return this.scaled(made, tensor("f64", shape, most), op.loc);
  }

  /** A linear op on what is left and on the constants apart; null where it is not linear in them. */
  private linear(op: Op, operands: readonly Carried[]): Carried | null {
    const varying = op.inputs.map((value) => this.varying.has(value));
    if (op.type.dtype !== "f32" || isOp(op, "ann.batchnorm") || !isLinear(op, varying)) return null;
    const known = op.inputs.map((value) => this.heldBy(value));
    // A factor, divisor or index that is computed is not known here.
    if (isProduct(op) && varying.some((varies, i) => !varies && known[i] === null)) return null;
    if (isOp(op, "ann.gather") && varying[1] === true) return null;
    const shapes = op.inputs.map((value) => this.shapeOf(value));
    const constants = operands.map(({ constant }, i): Tensor => {
      const shape = shapes[i] ?? [];
      const held = known[i] ?? null;
      if (held !== null && isProduct(op)) return held.dtype === "f32" ? wide(held) : held;
      return constant === null ? zeros("f64", shape) : spread(constant, shape);
    });
    const added = this.amount(op, constants);
    if (!added.data.every((x) => Number.isFinite(Math.fround(x)))) return null;
    const { builder } = this;
    const inputs = operands.map(({ value }) => value);
    const { shape } = op.type;
    if (isOp(op, "ann.affine")) {
      const own = spread(wide(builder.tensorAt(op.attrs.shift)), shape);
      const shift = tensor(
        "f64",
        shape,
        own.data.map((x, i) => x + (added.data[i] ?? 0)),
      );
      const few = compressed(shift, shape);
      const stored = tensorOf("f32", few.shape, few.data);
      const attrs = { ...op.attrs, shift: builder.tensor(`${shortName(op.loc)}.shift`, stored) };
      return { value: builder.add(op.kind, inputs, attrs, op.loc, op.result), constant: null };
    }
    // What the rectifier behind takes off may come off here.
    const wanted = this.wantedBy(op);
    const sum = added.data.map((x, i) => x - (wanted?.data[i] ?? 0));
    const perChannel = isWeighted(op)
      ? alongAxis(tensor("f64", shape, sum), shape, ownChannelAxis(op))
      : null;
    if (isWeighted(op) && perChannel !== null && this.isUsedWithout(op)) {
      const own = op.attrs.bias === null ? null : builder.tensorAt(op.attrs.bias);
      const values = perChannel.map((x, i) => x + (own?.data[i] ?? 0));
      const bias = tensorOf("f32", [values.length], values);
      const attrs = { ...op.attrs, bias: builder.tensor(`${shortName(op.loc)}.bias`, bias) };
      const result = wanted === null ? op.result : undefined;
      const value = builder.add(op.kind, inputs, attrs, op.loc, result);
      return { value, constant: wanted === null ? null : compressed(wanted, shape) };
    }
    const value = builder.add(op.kind, inputs, op.attrs, op.loc);
    return { value, constant: compressed(added, shape) };
  }

  /** Whether anything looks at the op's value that could do without a constant in it. */
  private isUsedWithout(op: Op): boolean {
    return (this.users.get(op.result) ?? []).some(
      (user) =>
        rectifierCeiling(user) !== null ||
        isLinear(
          user,
          user.inputs.map((value) => this.varying.has(value)),
        ),
    );
  }

  /** The constant of a rectifier that alone reads what the synapse `op` makes; else null. */
  private wantedBy(op: Op): Tensor | null {
    if (!isWeighted(op)) return null;
    const [user, ...others] = this.users.get(op.result) ?? [];
    if (user === undefined || others.length > 0 || isOutput(this.module, op.result)) return null;
    return rectifierCeiling(user) === null
      ? null
      : (this.offsets.get(user.result)?.constant ?? null);
  }

  /** What the op makes of constants, without what it adds by itself. */
  private amount(op: Op, constants: readonly Tensor[]): Tensor {
    const { kind, result, inputs, loc } = op;
    const type = real("f64", op.type.shape);
    let unbiased = makeOp(kind, result, inputs, op.attrs, type, loc);
    let lookup = (ref: string): Tensor => this.builder.tensorAt(ref);
    if (isWeighted(op)) {
      unbiased = makeOp(op.kind, result, inputs, { ...op.attrs, bias: null }, type, loc);
    }
    if (isOp(op, "ann.affine")) {
      const { shift } = op.attrs;
      const other = lookup;
      lookup = (ref) => (ref === shift ? scalar("f32", 0) : other(ref));
    }
    return evaluate(unbiased, constants, lookup);
  }

  /** The maximum of what is left, where each window has one constant; null elsewhere. */
  private maxPool(op: Op, [operand]: readonly Carried[]): Carried | null {
    if (!isOp(op, "ann.max-pool") || operand === undefined) return null;
    const { value, constant } = operand;
    if (constant === null) return null;
    const input = this.shapeOf(known(op.inputs[0], "an operand"));
    const perChannel = alongAxis(constant, input, 1);
    if (perChannel === null) return null;
    const pooled = this.builder.add("ann.max-pool", [value], op.attrs, op.loc);
    const shape = op.type.shape.map((extent, axis) => (axis === 1 ? extent : 1));
    return { value: pooled, constant: tensor("f64", shape, perChannel) };
  }

  /** The op on the values as they were. */
  private again(op: Op): ValueId {
    const inputs = op.inputs.map((value) => this.wholeOf(value));
    return this.builder.add(op.kind, inputs, op.attrs, op.loc, op.result);
  }

  private wholeOf(value: ValueId): ValueId {
    const carried = this.carriedOf(value);
    if (carried.constant === null) return carried.value;
    const there = this.whole.get(value);
    if (there !== undefined) return there;
    const { loc } = this.builder.opOf(carried.value);
    const made = this.shifted(carried.value, carried.constant, loc);
    this.whole.set(value, made);
    return made;
  }

  /** x + shift, rounded to float32; x itself where that changes nothing. */
  private shifted(x: ValueId, shift: Tensor, loc: Loc): ValueId {
    if (shift.data.every((value) => value === 0)) return x;
    const stored = this.stored(shift, x);
    // Operands of a sum have one rank.
    const { shape } = this.builder.typeOf(x);
    const full =
      stored.shape.length === shape.length ? stored : { ...stored, shape: shape.map(() => 1) };
    const constant = this.builder.constant(`${shortName(loc)}.constant`, full, this.locOf(loc));
    return this.builder.add("ann.add", [x, constant], {}, this.locOf(loc));
  }

  /** x · scale. */
  private scaled(x: ValueId, scale: Tensor, loc: Loc): ValueId {
    const { builder } = this;
    const attrs = {
      scale: builder.tensor(`${shortName(loc)}.scale`, this.stored(scale, x)),
      shift: builder.tensor("zero", scalar("f32", 0)),
    };
    return builder.add("ann.affine", [x], attrs, this.locOf(loc));
  }

  /** Numbers for the elements of `value`, rounded to float32 and as few as there are different ones. */
  private stored(held: Tensor, value: ValueId): Tensor {
    const { shape, data } = compressed(held, this.builder.typeOf(value).shape);
    return tensorOf("f32", shape, data);
  }

  private carriedOf(value: ValueId): Carried {
    return known(this.carried.get(value), `what became of %${value}`);
  }

  /** What a value holds that is a constant of the network. */
  private heldBy(value: ValueId): Tensor | null {
    const op = this.builder.opOf(this.carriedOf(value).value);
    return isOp(op, "ann.constant") ? this.builder.tensorAt(op.attrs.value) : null;
  }

  private shapeOf(value: ValueId): Shape {
    return this.builder.typeOf(this.carriedOf(value).value).shape;
  }

  private locOf(loc: Loc): Loc {
    return fusedLoc(this.pass, [loc]);
  }
}

/** `held` with one number for each channel, or for all, where the others are the same. */
function compressed(held: Tensor, shape: Shape): Tensor {
  const axis = shape.length >= 2 ? 1 : 0;
  const perChannel = alongAxis(held, shape, axis);
  if (perChannel === null) return held;
  const [first = 0] = perChannel;
  if (perChannel.every((x) => x === first)) return tensor("f64", [], Float64Array.of(first));
  return tensor(
    "f64",
    shape.map((extent, i) => (i === axis ? extent : 1)),
    perChannel,
  );
}
