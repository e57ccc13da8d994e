/**
 * Rebuilds an analogue network so that what changes over time is sent as increments whose sum is the
 * value: the form that differential, few-spikes and first-spike codes share. Which neurons send them
 * is the caller's.
 *
 * Linear ops work on increments without their biases; what the biases amount to is a constant, the
 * `offset` of the value they go into, and neurons start from it. A function that is not linear is
 * computed on the value decoded so far (Huang et al., MM 2024; Jiang et al., ICLR 2024), and
 * neurons of either sign send its changes on to the next weights.
 */
import { isNeuron, isProduct, isWeighted, ownChannelAxis } from "../../../ir/op/known.ts";
import { type Builder, Builder as NewBuilder, builderBeside } from "../../../ir/build.ts";
import { fail, invariant, known } from "../../../ir/diagnostic.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { type Loc, fusedLoc } from "../../../ir/loc.ts";
import type { Code, Module, Output } from "../../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import { broadcastIndices } from "../../../ir/semantics/semantics.ts";
import { type Tensor, type TensorRef, scalar, tensorOf, zeros } from "../../../ir/tensor.ts";
import { broadcastShapes, elementCount, sameShape } from "../../../ir/type.ts";
import { diagnose } from "../../diagnostics.ts";
import { uniformValue, withoutDead } from "../../graph.ts";
import { type Fate, isLinear, planConversion, rectifierCeiling } from "../spiking-form.ts";
import { refuseQuantisers } from "./over-time.ts";
import { type Words, WordsOf, unspiked } from "./words.ts";

/** Neurons to be made. */
export interface SpikingSite {
  /** The increments that they integrate. */
  readonly current: ValueId;
  /** What the increments leave out: the potential to start from. Broadcasts to the value's shape. */
  readonly offset: TensorRef;
  /** The largest value to send; Infinity where there is none. */
  readonly ceiling: number;
  /** Whether values of either sign are sent; else they are rectified. */
  readonly signed: boolean;
  readonly loc: Loc;
  /** The id to take; a new one if undefined. */
  readonly result: ValueId | undefined;
}

export interface IncrementCode {
  readonly code: Code;
  readonly timesteps: number;
  /** For the locations of ops that have no counterpart. */
  readonly pass: string;
  makeNeurons(builder: Builder, site: SpikingSite): ValueId;
  /** The value that an op which is no rectifier is a function of, if neurons are to compute it. */
  readonly operandOf?: (op: Op) => ValueId | null;
  /** Neurons that compute such an op. */
  readonly makeActivation?: (builder: Builder, op: Op, site: SpikingSite) => ValueId;
}

/** What has become of a value of the analogue network. */
type Carried =
  /** The same at every timestep. */
  | { readonly kind: "constant"; readonly value: ValueId }
  /** Over time: the value is the sum of these so far, and the offset. */
  | { readonly kind: "increments"; readonly value: ValueId; readonly offset: Tensor | null }
  /** The value itself, as far as it is known at each timestep. */
  | { readonly kind: "decoded"; readonly value: ValueId };

/**
 * Values of either sign by neurons that have no negative spikes: those that send the positive values,
 * less those that send the negative ones.
 */
export function byPairs(
  builder: Builder,
  site: SpikingSite,
  make: (builder: Builder, site: SpikingSite) => ValueId,
): ValueId {
  if (!site.signed) return make(builder, site);
  invariant(site.result === undefined, "a pair of neurons stands for no activation");
  const minus = builder.tensor("minus", scalar("f32", -1));
  const zero = builder.tensor("zero", scalar("f32", 0));
  const opposite = builder.add(
    "ann.affine",
    [site.current],
    { scale: minus, shift: zero },
    site.loc,
  );
  const start = builder.tensorAt(site.offset);
  const offset = builder.tensor("offset", { ...start, data: start.data.map((x) => 0 - x) });
  const positive = make(builder, site);
  const negative = make(builder, { ...site, current: opposite, offset });
  return builder.add("ann.sub", [positive, negative], {}, site.loc);
}

/** The network of `module` (code "none") in increments; fails where nothing of it became neurons. */
export function inIncrements(module: Module, code: IncrementCode): Module {
  return new IncrementConversion(module, code).run();
}

class IncrementConversion {
  private readonly module: Module;
  private readonly code: IncrementCode;
  private readonly builder: Builder;
  private readonly fates: ReadonlyMap<ValueId, Fate>;
  private readonly carried = new Map<ValueId, Carried>();
  private readonly weights: ReadonlySet<ValueId>;
  /** What the values that increments were made for hold beyond them. */
  private readonly offsets = new Map<ValueId, Tensor | null>();
  private readonly decoded = new Map<ValueId, ValueId>();
  private readonly changes = new Map<ValueId, ValueId>();
  private readonly words: WordsOf;

  constructor(module: Module, code: IncrementCode) {
    this.module = module;
    this.code = code;
    const plan = planConversion(module);
    refuseQuantisers(module, plan);
    this.fates = plan.fates;
    this.weights = plan.weights;
    this.builder = builderBeside(module);
    this.words = new WordsOf(this.builder, (current) => this.encode(current));
  }

  run(): Module {
    for (const op of this.module.ops) {
      if (op.kind === "ann.input") {
        this.builder.push(op);
        this.carried.set(op.result, { kind: "constant", value: op.result });
      } else {
        const carried = this.activation(op) ?? this.convert(op);
        this.carried.set(op.result, carried);
        if (carried.kind === "increments" && !this.offsets.has(carried.value)) {
          this.offsets.set(carried.value, carried.offset);
        }
      }
    }
    const outputs = this.module.outputs.map(({ name, value }): Output => ({
      name,
      value: this.decode(value),
    }));
    const { timesteps, code } = this.code;
    // Constant terms have become offsets.
    const made = withoutDead(this.builder.finish({ ...this.module, code, timesteps, outputs }));
    if (!made.ops.some(isNeuron)) fail(diagnose("no-activation", null, {}));
    return made;
  }

  private carriedOf(value: ValueId): Carried {
    return known(this.carried.get(value), `what became of %${value}`);
  }

  /** The op as neurons; null where it is not an activation that becomes some. */
  private activation(op: Op): Carried | null {
    const rectifies = this.fates.get(op.result) === "neuron";
    const operand = rectifies ? op.inputs[0] : (this.code.operandOf?.(op) ?? undefined);
    if (operand === undefined) return null;
    const { value, offset } = this.increments(operand);
    const site: SpikingSite = {
      current: unspiked(value, this.fused(op.loc), this.builder),
      offset: this.offsetRef(offset),
      ceiling: rectifierCeiling(op) ?? Infinity,
      signed: false,
      loc: op.loc,
      result: op.result,
    };
    const { builder, code } = this;
    const made = rectifies
      ? code.makeNeurons(builder, site)
      : known(code.makeActivation, "neurons of activations")(builder, op, site);
    return { kind: "increments", value: made, offset: null };
  }

  private convert(op: Op): Carried {
    const operands = op.inputs.map((value) => this.carriedOf(value));
    if (operands.every(({ kind }) => kind === "constant")) {
      // An activation that is no rectifier stays the same too, but goes on as spikes like any other.
      const kind = this.fates.get(op.result) === "refused" ? "decoded" : "constant";
      return { kind, value: this.again(op, this.valuesOf(operands)) };
    }
    if (isOp(op, "ann.max-pool")) return this.maxPool(op);
    const weighted = this.weights.has(op.result);
    const anyDecoded = operands.some(({ kind }) => kind === "decoded");
    if (this.isLinearIn(op) && (weighted || !anyDecoded)) return this.linear(op, weighted);
    const product = this.productWithStill(op);
    return (
      product ?? {
        kind: "decoded",
        value: this.again(
          op,
          op.inputs.map((value) => this.decode(value)),
        ),
      }
    );
  }

  /**
   * A matrix product whose weights are a value that stays the same for a sample; null where there is none,
   * and where the words leave something out, which the product is not the same of for each sample.
   */
  private productWithStill(op: Op): Carried | null {
    if (!isOp(op, "ann.matmul")) return null;
    const stays = op.inputs.map((each) => {
      const { kind, value } = this.carriedOf(each);
      return kind !== "increments" && this.words.driveOf(value) === "still";
    });
    if (stays.filter((each) => each).length !== 1) return null;
    const inputs: ValueId[] = [];
    for (const [i, value] of op.inputs.entries()) {
      if (stays[i] === true) {
        inputs.push(this.carriedOf(value).value);
        continue;
      }
      const { value: changes, offset } = this.increments(value);
      const words = this.words.of(changes);
      if (difference(offset, words.start) !== null) return null;
      inputs.push(words.value);
    }
    return { kind: "increments", value: this.again(op, inputs), offset: null };
  }

  /** Whether the op is linear in what changes over time, and all else in it is known beforehand. */
  private isLinearIn(op: Op): boolean {
    const varying = op.inputs.map((value) => this.carriedOf(value).kind !== "constant");
    if (!isLinear(op, varying)) return false;
    return (
      !isProduct(op) || op.inputs.every((value, i) => varying[i] === true || this.isKnown(value))
    );
  }

  /** Whether a value is a constant of the network, whatever the sample. */
  private isKnown(value: ValueId): boolean {
    return this.constantOf(value) !== null;
  }

  private constantOf(value: ValueId): Tensor | null {
    const carried = this.carriedOf(value);
    if (carried.kind !== "constant") return null;
    const op = this.builder.opOf(carried.value);
    return isOp(op, "ann.constant") ? this.builder.tensorAt(op.attrs.value) : null;
  }

  private linear(op: Op, weighted: boolean): Carried {
    const inputs: ValueId[] = [];
    const offsets: (Tensor | null)[] = [];
    for (const value of op.inputs) {
      const constant = this.constantOf(value);
      if (isProduct(op) && constant !== null) {
        inputs.push(known(this.carried.get(value), "a constant").value);
        offsets.push(constant);
        continue;
      }
      if (constant !== null && op.inputs.length > 1) {
        // A constant term is all offset.
        inputs.push(this.silence(constant, op.loc));
        offsets.push(constant);
        continue;
      }
      const { value: changes, offset } = this.increments(value);
      const words = weighted ? this.words.of(changes) : { value: changes, start: null };
      inputs.push(words.value);
      offsets.push(difference(offset, words.start));
    }
    const offset = finite(this.offsetOf(op, offsets), op.loc);
    const unchanged = this.beside(op, inputs);
    if (unchanged !== null) return { kind: "increments", value: unchanged, offset };
    const plain = withoutBias(op, this.builder);
    const made = this.builder.add(plain.kind, inputs, plain.attrs, op.loc, op.result);
    return { kind: "increments", value: made, offset };
  }

  /** The increments of a value that a constant of the network is added to: they are its own. */
  private beside(op: Op, inputs: readonly ValueId[]): ValueId | null {
    if (!isOp(op, "ann.add")) return null;
    const at = op.inputs.findIndex((value) => this.isKnown(value));
    const other = inputs[1 - at];
    if (at < 0 || other === undefined) return null;
    return sameShape(this.builder.typeOf(other).shape, op.type.shape) ? other : null;
  }

  /** The op on the offsets of its operands, biases included; null where that is zero. */
  private offsetOf(op: Op, offsets: readonly (Tensor | null)[]): Tensor | null {
    const quiet = offsets.every((offset, i) =>
      isProduct(op) && this.constantOf(known(op.inputs[i], "an operand")) !== null
        ? true
        : offset === null,
    );
    if (quiet && !hasBias(op, this.builder)) return null;
    if (quiet) {
      const bias = channelBias(op, this.builder);
      if (bias !== null) return bias;
    }
    const operands = op.inputs.map((value, i): Tensor => {
      const { dtype, shape } = known(
        this.module.ops.find((each) => each.result === value),
        "an operand",
      ).type;
      return offsets[i] ?? zeros(dtype, shape);
    });
    const full = operands.map((each, i) => spread(each, op, i, this.module));
    return evaluate(op, full, (ref) => this.builder.tensorAt(ref));
  }

  /** A pool of running sums, where what is left out of them is the same within each window. */
  private maxPool(op: Op): Carried {
    const [operand] = op.inputs;
    invariant(isOp(op, "ann.max-pool") && operand !== undefined, "a max-pool");
    const carried = this.carriedOf(operand);
    if (carried.kind === "increments") {
      const { value, offset } = carried;
      const pooled = offset === null ? null : uniformPool(op, offset, this.builder);
      if (offset === null || pooled !== null) {
        const made = this.builder.add("snn.max-pool", [value], op.attrs, op.loc, op.result);
        return { kind: "increments", value: made, offset: pooled };
      }
    }
    return { kind: "decoded", value: this.again(op, [this.decode(operand)]) };
  }

  /** The value as increments. */
  private increments(value: ValueId): { readonly value: ValueId; readonly offset: Tensor | null } {
    const carried = this.carriedOf(value);
    if (carried.kind === "increments") return carried;
    return { value: this.changesOf(carried.value), offset: null };
  }

  /** What a real value changes by, timestep by timestep. */
  private changesOf(value: ValueId): ValueId {
    const there = this.changes.get(value);
    if (there !== undefined) return there;
    const made = this.builder.add("snn.difference", [value], {}, this.locOf(value));
    this.changes.set(value, made);
    return made;
  }

  /** Neurons of either sign that send increments, and from the start what the value holds beyond them. */
  private encode(current: ValueId): Words {
    const start = this.offsets.get(current) ?? null;
    const value = this.code.makeNeurons(this.builder, {
      current: unspiked(current, this.locOf(current), this.builder),
      offset: this.offsetRef(start),
      ceiling: Infinity,
      signed: true,
      loc: this.locOf(current),
      result: undefined,
    });
    return { value, start };
  }

  /** The value itself at each timestep. */
  private decode(value: ValueId): ValueId {
    const carried = this.carriedOf(value);
    if (carried.kind !== "increments") return carried.value;
    const there = this.decoded.get(carried.value);
    if (there !== undefined) return there;
    const loc = this.locOf(carried.value);
    const sum = this.builder.add("snn.accumulate", [carried.value], {}, loc);
    const made =
      carried.offset === null
        ? sum
        : this.builder.add(
            "ann.affine",
            [sum],
            {
              scale: this.builder.tensor("unit", scalar("f32", 1)),
              shift: this.builder.tensor("offset", carried.offset),
            },
            loc,
          );
    this.decoded.set(carried.value, made);
    return made;
  }

  private offsetRef(offset: Tensor | null): TensorRef {
    return this.builder.tensor("offset", offset ?? scalar("f32", 0));
  }

  /** Increments of nothing, in the shape of a constant. */
  private silence({ dtype, shape }: Tensor, loc: Loc): ValueId {
    return this.changesOf(this.builder.constant("zero", zeros(dtype, shape), this.fused(loc)));
  }

  private again(op: Op, inputs: readonly ValueId[]): ValueId {
    return this.builder.add(op.kind, inputs, op.attrs, op.loc, op.result);
  }

  private valuesOf(operands: readonly Carried[]): ValueId[] {
    return operands.map(({ value }) => value);
  }

  private locOf(value: ValueId): Loc {
    return this.fused(this.builder.opOf(value).loc);
  }

  private fused(loc: Loc): Loc {
    return fusedLoc(this.code.pass, [loc]);
  }
}

/** The op with nothing added to what it computes from its operands. */
export function withoutBias(op: Op, builder: Builder): Pick<Op, "kind" | "attrs"> {
  if (isWeighted(op) && op.attrs.bias !== null) {
    return { kind: op.kind, attrs: { ...op.attrs, bias: null } };
  }
  if (isOp(op, "ann.affine")) {
    const shift = builder.tensor("zero", scalar(op.type.dtype, 0));
    return { kind: op.kind, attrs: { ...op.attrs, shift } };
  }
  return op;
}

function hasBias(op: Op, builder: Builder): boolean {
  if (isWeighted(op)) return op.attrs.bias !== null;
  return isOp(op, "ann.affine") && builder.tensorAt(op.attrs.shift).data.some((x) => x !== 0);
}

/** a − b, as small as both are; null where that is zero. */
function difference(a: Tensor | null, b: Tensor | null): Tensor | null {
  if (b === null) return a;
  const from =
    a ??
    zeros(
      b.dtype,
      b.shape.map(() => 1),
    );
  const shape = known(broadcastShapes(from.shape, b.shape), "shapes that go together");
  const [left, right] = [broadcastIndices(from.shape, shape), broadcastIndices(b.shape, shape)];
  const rest = Array.from(left, (at, i) => (from.data[at] ?? 0) - (b.data[right[i] ?? 0] ?? 0));
  return rest.every((x) => x === 0) ? null : tensorOf(b.dtype, shape, rest);
}

/** A bias per channel in the shape that broadcasts to the op's value; null where it is not one. */
export function channelBias(op: Op, builder: Builder): Tensor | null {
  if (!isWeighted(op) || op.attrs.bias === null) {
    return null;
  }
  const bias = builder.tensorAt(op.attrs.bias);
  const axis = ownChannelAxis(op);
  const shape = op.type.shape.map((_, i) => (i === axis ? bias.data.length : 1));
  return { ...bias, shape };
}

/** An offset in the full shape of operand `index`, as ops without broadcasting take it. */
function spread(offset: Tensor, op: Op, index: number, module: Module): Tensor {
  const value = known(op.inputs[index], "an operand");
  const { shape, dtype } = known(
    module.ops.find((each) => each.result === value),
    "an operand",
  ).type;
  if (offset.data.length === elementCount(shape)) return { ...offset, shape };
  const full = new NewBuilder();
  const from = full.constant("offset", offset, op.loc);
  const expanded = full.opOf(full.add("ann.expand", [from], { shape }, op.loc));
  invariant(dtype === offset.dtype, "an offset of another type");
  return evaluate(expanded, [offset], (ref) => full.tensorAt(ref));
}

/** The offset; a division by 0 or an overflow makes one that no neuron can start from. */
function finite(offset: Tensor | null, loc: Loc): Tensor | null {
  const values = offset === null ? [] : Array.from(offset.data);
  const count = values.filter((x) => !Number.isFinite(x)).length;
  if (count > 0) fail(diagnose("constant-not-finite", loc, { count }));
  return offset;
}

/** The offset behind a max-pool, where it is the same within each window; else null. */
function uniformPool(op: Op, offset: Tensor, builder: Builder): Tensor | null {
  const one = uniformValue(offset);
  const perChannel = offset.shape.every((extent, axis) => axis === 1 || extent === 1);
  // The pool's own shape may differ, so that one value is all that fits both.
  if (one !== null) return scalar(offset.dtype, one);
  if (perChannel) return offset;
  const lookup = (ref: TensorRef): Tensor => builder.tensorAt(ref);
  const most = evaluate(op, [offset], lookup);
  const negated = { ...offset, data: Float32Array.from(offset.data, (x) => -x) };
  const least = evaluate(op, [negated], lookup);
  return most.data.every((x, i) => x === -(least.data[i] ?? NaN)) ? most : null;
}
