/**
 * What weights are given in a network over time: words of neurons. Where a weight would meet a current,
 * which it had to multiply at every timestep, neurons of either sign are put in between; sums that meet no
 * weight stay currents. Of values that are only moved about (joined, padded, cut) those are sent that are
 * currents, and the words of the others go along.
 */
import { movedOperands } from "../../../ir/op/known.ts";
import type { Builder } from "../../../ir/build.ts";
import { type Drive, driveOf, isNothing } from "../../../ir/account/drive.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { Loc } from "../../../ir/loc.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import { type Tensor, type TensorRef, scalar, tensorOf, zeros } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import { spread } from "../../fuse/affine.ts";

/** A value as words. */
export interface Words {
  readonly value: ValueId;
  /**
   * What the words hold beyond the increments that they stand for, as neurons start from it; null where
   * that is nothing. Broadcasts to the value's shape.
   */
  readonly start: Tensor | null;
}

/** Makes neurons that send a current. */
export type Encode = (current: ValueId) => Words;

/** The words of the values of a network that is being built. */
export class WordsOf {
  private readonly builder: Builder;
  private readonly encode: Encode;
  private readonly drives = new Map<ValueId, Drive>();
  private readonly made = new Map<ValueId, Words>();
  /** Ops of the builder whose drives are known. */
  private seen = 0;

  constructor(builder: Builder, encode: Encode) {
    this.builder = builder;
    this.encode = encode;
  }

  private readonly opOf = (value: ValueId): Op => this.builder.opOf(value);
  private readonly tensors = (ref: TensorRef): Tensor => this.builder.tensorAt(ref);

  /** What drives a value that has been built. */
  driveOf(value: ValueId): Drive {
    const { builder, drives } = this;
    for (; this.seen < builder.ops.length; this.seen++) {
      const op = known(builder.ops[this.seen], "an op");
      const operands = op.inputs.map((each) => known(drives.get(each), `the drive of %${each}`));
      drives.set(op.result, driveOf(op, operands, this.opOf, this.tensors));
    }
    return known(drives.get(value), `the drive of %${value}`);
  }

  /** The value as words: as it is where spikes drive it, or where it stays the same. */
  of(value: ValueId): Words {
    if (this.driveOf(value) !== "current") return { value, start: null };
    const there = this.made.get(value);
    if (there !== undefined) return there;
    const words = this.moved(value) ?? this.encode(value);
    this.made.set(value, words);
    return words;
  }

  /** A value as words even where it stays the same. */
  private sent(value: ValueId): Words {
    if (this.driveOf(value) !== "still") return this.of(value);
    const there = this.made.get(value) ?? this.encode(value);
    this.made.set(value, there);
    return there;
  }

  /** The move that makes a value, on the words of its operands; null where the value itself is sent. */
  private moved(value: ValueId): Words | null {
    const { builder } = this;
    const op = builder.opOf(value);
    const operands = movedOperands(op, this.opOf);
    // A constant around a decoded value is no part of what changes.
    const isEdged = isOp(op, "ann.pad") && op.attrs.mode === "constant" && op.attrs.value !== 0;
    if (operands === null || isEdged) return null;
    const moved = operands.map((i) => known(op.inputs[i], "an operand"));
    const [first] = moved;
    if (moved.length === 1 && first !== undefined && !this.isWorthSending(first, op)) return null;
    const words = op.inputs.map((each, i) =>
      isNothing(op, i, this.opOf, this.tensors) ? { value: each, start: null } : this.sent(each),
    );
    const inputs = words.map((each) => each.value);
    const made = builder.add(op.kind, inputs, op.attrs, op.loc);
    return { value: made, start: this.startOf(builder.opOf(made), words) };
  }

  /** Whether to send what a move takes: where it picks a part, the rest would be sent for nothing. */
  private isWorthSending(operand: ValueId, move: Op): boolean {
    if (this.made.has(operand) || this.driveOf(operand) !== "current") return true;
    return elementCount(this.builder.typeOf(operand).shape) <= elementCount(move.type.shape);
  }

  private startOf(move: Op, words: readonly Words[]): Tensor | null {
    if (words.every(({ start }) => start === null)) return null;
    const { builder } = this;
    const operands = words.map(({ value, start }) => {
      const op = builder.opOf(value);
      if (isOp(op, "ann.constant")) return builder.tensorAt(op.attrs.value);
      return start === null
        ? zeros(op.type.dtype, op.type.shape)
        : tensorOf(start.dtype, op.type.shape, spread(start, op.type.shape).data);
    });
    return evaluate(move, operands, this.tensors);
  }
}

/** Neurons take currents: spikes that feed them directly pass through a weight of 1. */
export function unspiked(value: ValueId, loc: Loc, builder: Builder): ValueId {
  if (builder.typeOf(value).domain !== "spike") return value;
  const scale = builder.tensor("unit", scalar("f32", 1));
  const shift = builder.tensor("zero", scalar("f32", 0));
  return builder.add("ann.affine", [value], { scale, shift }, loc);
}
