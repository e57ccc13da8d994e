/**
 * Computes in float32, the type of neurons, what depends on the sample and may come to lie over time.
 *
 * Precondition: none. Result: no float that depends on
 * the sample is of another type but the inputs themselves, behind which stands a cast; weights and
 * constants are float32 too. Sums and products of integers that lead to floats are float32 as well,
 * where none of them can wrap around: they are the same numbers, and exact up to 2^24. Casts between
 * what has become one type are gone, so that a chain of integer convolutions is one of plain ones.
 *
 *     cast_f32(conv_i32(cast_i32(q) − z, W))  =  conv(cast_f32(q) − z, W)
 *
 * Not the same function: float16 rounds more, float64 less. Hence no part of `canonical`, which is also
 * what analogue networks are run as.
 */
import { type Builder, builderBeside } from "../../ir/build.ts";
import { type Diagnostic, invariant, known } from "../../ir/diagnostic.ts";
import { type Loc, fusedLoc } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../ir/op/op.ts";
import { tensorRefsOf } from "../../ir/op/table.ts";
import { type TensorRef, f32, scalar } from "../../ir/tensor.ts";
import { type DType, isFloat } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import { withoutDead } from "../graph.ts";
import { type PassContext, definePass } from "../pass.ts";
import { type Whole, wholeNumbers } from "./whole-numbers.ts";

const name = "use-float32";

/** Whole numbers up to this are exact in float32. */
const exactUpTo = 2 ** 24;

const mostFloat32 = 3.4028234663852886e38;

export const useFloat32 = definePass({
  name,
  role: "prepare",
  summary: "compute floats of other widths, and integers that become floats, in float32",
  requires: [],
  establishes: [],
  breaks: ["canonical"],
  preservesOutputs: false,
  options: {},
  run(module, { report }) {
    if (module.code !== "none") return module;
    const use = usesOf(module);
    const concerned = (op: Op): boolean => use.widened(op) || use.combined(op);
    if (!module.ops.some(concerned)) return module;
    return new Widening(module, use).run(report);
  },
});

/** How each value that depends on the sample is needed: as it is, or as float32. */
interface Uses {
  readonly ofSample: ReadonlySet<ValueId>;
  readonly whole: ReadonlyMap<ValueId, Whole>;
  readonly own: ReadonlySet<ValueId>;
  readonly wide: ReadonlySet<ValueId>;
  /** What quantisers made, moved or not. */
  readonly quantised: ReadonlySet<ValueId>;
  /** A float of another width. */
  widened(op: Op): boolean;
  /** Integers that are computed in float32. */
  combined(op: Op): boolean;
}

function usesOf(module: Module): Uses {
  const ofSample = new Set<ValueId>();
  for (const op of module.ops) {
    const depends = op.inputs.some((value) => ofSample.has(value));
    if (op.kind === "ann.input" || depends) ofSample.add(op.result);
  }
  const whole = wholeNumbers(module);
  const ops = new Map(module.ops.map((op) => [op.result, op]));
  const own = new Set<ValueId>();
  const wide = new Set<ValueId>();
  const floats = (value: ValueId): boolean => isFloat(known(ops.get(value), "an op").type.dtype);
  for (const { value } of module.outputs) (floats(value) ? wide : own).add(value);
  const combines = (op: Op): boolean => {
    if (isFloat(op.type.dtype) || op.type.dtype === "bool" || op.kind === "ann.input") return false;
    return ofSample.has(op.result) && whole.get(op.result)?.computed === true;
  };
  for (const op of module.ops.toReversed()) {
    const isOwn = own.has(op.result);
    const isWide = wide.has(op.result);
    // What is combined is made from float32; what is cast is made from what it is.
    if (isWide && (combines(op) || leadsToFloat(op, ops, combines))) {
      for (const value of dataOf(op)) wide.add(value);
      for (const value of op.inputs.slice(dataOf(op).length)) own.add(value);
    }
    if (isOwn || (isWide && !combines(op) && !leadsToFloat(op, ops, combines))) {
      for (const value of op.inputs) (floats(value) ? wide : own).add(value);
    }
  }
  return {
    ofSample,
    whole,
    own,
    wide,
    quantised: quantisedIn(module),
    widened: ({ kind, result, type: { dtype } }) =>
      kind !== "ann.input" && ofSample.has(result) && isFloat(dtype) && dtype !== "f32",
    combined: (op) => wide.has(op.result) && combines(op),
  };
}

function quantisedIn(module: Module): Set<ValueId> {
  const quantised = new Set<ValueId>();
  for (const op of module.ops) {
    const [operand] = op.inputs;
    const moves = operand !== undefined && quantised.has(operand) && keepsQuantised(op);
    if (op.kind === "ann.quantize-linear" || moves) quantised.add(op.result);
  }
  return quantised;
}

function keepsQuantised(op: Op): boolean {
  return isOp(op, "ann.reshape", "ann.transpose", "ann.slice", "ann.max-pool", "ann.identity");
}

/** A cast to float of integers that are in float32 already. */
function leadsToFloat(
  op: Op,
  ops: ReadonlyMap<ValueId, Op>,
  combines: (op: Op) => boolean,
): boolean {
  const [operand] = op.inputs;
  if (!isOp(op, "ann.cast") || !isFloat(op.attrs.to) || operand === undefined) return false;
  return combines(known(ops.get(operand), "an operand"));
}

/** The operands that an op computes with; the others are indices. */
function dataOf(op: Op): readonly ValueId[] {
  return op.kind === "ann.gather" ? op.inputs.slice(0, 1) : op.inputs;
}

class Widening {
  private readonly module: Module;
  private readonly use: Uses;
  private readonly builder: Builder;
  private readonly own = new Map<ValueId, ValueId>();
  private readonly wide = new Map<ValueId, ValueId>();
  private readonly before: ReadonlyMap<ValueId, Op>;
  private readonly converted = new Map<TensorRef, TensorRef>();
  private readonly told: Told = { widened: [], narrowed: [], combined: [], beyond: 0, largest: 0 };

  constructor(module: Module, use: Uses) {
    this.module = module;
    this.use = use;
    this.before = new Map(module.ops.map((op) => [op.result, op]));
    this.builder = builderBeside(module);
  }

  run(report: PassContext<unknown>["report"]): Module {
    for (const op of this.module.ops) this.take(op);
    const outputs = this.module.outputs.map(({ name: output, value }) => ({
      name: output,
      value: this.wide.get(value) ?? known(this.own.get(value), "an output"),
    }));
    for (const notice of notices(this.told)) report(notice);
    return withoutDead(this.builder.finish({ ...this.module, outputs }));
  }

  private take(op: Op): void {
    const { ofSample, own, wide } = this.use;
    if (!ofSample.has(op.result) || op.kind === "ann.input") {
      this.builder.push(op);
      this.own.set(op.result, op.result);
      if (op.type.dtype === "f32" && ofSample.has(op.result)) this.wide.set(op.result, op.result);
      return;
    }
    this.count(op);
    if (isFloat(op.type.dtype)) {
      this.wide.set(op.result, this.inFloat32(op));
      return;
    }
    if (own.has(op.result)) this.own.set(op.result, this.asItIs(op));
    if (!wide.has(op.result)) return;
    if (this.use.combined(op)) this.wide.set(op.result, this.combined(op));
    else if (!own.has(op.result)) this.own.set(op.result, this.asItIs(op));
  }

  /** A float op in float32. */
  private inFloat32(op: Op): ValueId {
    const [operand] = op.inputs;
    if (isOp(op, "ann.cast") && operand !== undefined) {
      const from = this.wide.get(operand);
      if (from !== undefined && op.type.dtype !== "f32") return from;
      if (from !== undefined && this.typeBefore(operand) !== "f32") return from;
      return this.toFloat32(operand, from ?? this.ownOf(operand), op.loc, op.result);
    }
    return this.asItIs(op);
  }

  /** The op on floats of float32 and on integers as they are. */
  private asItIs(op: Op): ValueId {
    const inputs = op.inputs.map((value) =>
      isFloat(this.typeBefore(value)) ? this.wideOf(value) : this.ownOf(value),
    );
    return this.builder.add(op.kind, inputs, this.attributes(op, isFloat), op.loc, op.result);
  }

  /** An op on integers, on the same numbers in float32. */
  private combined(op: Op): ValueId {
    const data = dataOf(op).map((value) => this.wideOf(value));
    const [first] = data;
    if (op.kind === "ann.cast" && first !== undefined) return first;
    const inputs = [...data, ...op.inputs.slice(data.length).map((value) => this.ownOf(value))];
    const attrs = this.attributes(op, () => true);
    const result = this.own.has(op.result) ? undefined : op.result;
    return this.builder.add(op.kind, inputs, attrs, op.loc, result);
  }

  private ownOf(value: ValueId): ValueId {
    const there = this.own.get(value);
    if (there !== undefined) return there;
    invariant(this.wide.has(value), `what became of %${value}`);
    const made = this.cast(this.wideOf(value), this.typeBefore(value));
    this.own.set(value, made);
    return made;
  }

  private wideOf(value: ValueId): ValueId {
    const there = this.wide.get(value);
    if (there !== undefined) return there;
    const from = this.builder.opOf(known(this.own.get(value), `what became of %${value}`));
    if (from.type.dtype === "f32") return from.result;
    const made = isOp(from, "ann.constant")
      ? this.builder.add("ann.constant", [], { value: this.float32(from.attrs.value) }, from.loc)
      : this.toFloat32(value, from.result, fusedLoc(name, [from.loc]));
    this.wide.set(value, made);
    return made;
  }

  private cast(value: ValueId, to: DType): ValueId {
    const loc = fusedLoc(name, [this.builder.opOf(value).loc]);
    return this.builder.add("ann.cast", [value], { to, saturate: true }, loc);
  }

  /**
   * `value`, which is `own` here, in float32. What a quantiser made is dequantised with a scale of 1:
   * the same numbers, in the form that passes know.
   */
  private toFloat32(value: ValueId, own: ValueId, loc: Loc, result?: ValueId): ValueId {
    const { builder } = this;
    if (!this.use.quantised.has(value)) {
      return builder.add("ann.cast", [own], { to: "f32", saturate: true }, loc, result);
    }
    const scale = builder.constant("unit", scalar("f32", 1), loc);
    const zero = builder.constant("zero", scalar(this.typeBefore(value), 0), loc);
    return builder.add("ann.dequantize-linear", [own, scale, zero], { axis: 0 }, loc, result);
  }

  private typeBefore(value: ValueId): DType {
    return known(this.before.get(value), `the op that makes %${value}`).type.dtype;
  }

  /** The attributes of an op, with those tensors in float32 whose type is one of these. */
  private attributes(op: Op, isConcerned: (dtype: DType) => boolean): Op["attrs"] {
    const refs = tensorRefsOf(op).filter(({ ref }) => {
      const { dtype } = this.builder.tensorAt(ref);
      return dtype !== "f32" && isConcerned(dtype);
    });
    return refs.reduce<Op["attrs"]>(
      (attrs, { attribute, ref }) => ({ ...attrs, [attribute]: this.float32(ref) }),
      op.attrs,
    );
  }

  /** A tensor in float32; what is beyond it is held at its largest, so that it stays a number. */
  private float32(ref: TensorRef): TensorRef {
    const there = this.converted.get(ref);
    if (there !== undefined) return there;
    const { shape, data } = this.builder.tensorAt(ref);
    const values = Float32Array.from(data, (x) => {
      const rounded = Math.fround(x);
      if (Number.isFinite(rounded) || !Number.isFinite(x)) return rounded;
      this.told.beyond++;
      return Math.sign(x) * mostFloat32;
    });
    const made = this.builder.tensor(ref, f32(shape, values));
    this.converted.set(ref, made);
    return made;
  }

  private count(op: Op): void {
    if (op.kind === "ann.cast") return;
    const whole = this.use.whole.get(op.result);
    const most = whole?.computed === true ? Math.max(-whole.low, whole.high) : Infinity;
    if (this.use.combined(op) || (this.use.widened(op) && most <= exactUpTo)) {
      this.told.combined.push(op.kind.slice(4));
      this.told.largest = Math.max(this.told.largest, most);
    } else if (this.use.widened(op)) {
      const { narrowed, widened } = this.told;
      (op.type.dtype === "f64" ? narrowed : widened).push(op.kind.slice(4));
    }
  }
}

/** What was computed in which type, for whoever asked for the conversion. */
interface Told {
  /** Kinds of ops, with repeats. */
  readonly widened: string[];
  readonly narrowed: string[];
  readonly combined: string[];
  /** Elements of tensors that float32 does not reach. */
  beyond: number;
  /** The largest whole number that may come up. */
  largest: number;
}

function notices({ widened, narrowed, combined, beyond, largest }: Told): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (widened.length > 0) found.push(diagnose("float16-widened", null, { ops: widened }));
  if (narrowed.length > 0) found.push(diagnose("float64-narrowed", null, { ops: narrowed }));
  if (beyond > 0) found.push(diagnose("beyond-float32", null, { count: beyond }));
  if (combined.length > 0) {
    const exact = largest <= exactUpTo;
    found.push(diagnose("integers-in-float32", null, { ops: combined, exact }));
  }
  return found;
}
