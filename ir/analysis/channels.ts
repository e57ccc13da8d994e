/**
 * Which axis of a value numbers its channels: what per-channel statistics and thresholds go by.
 * Read off the ops that made the value; a module does not store it.
 */
import { known } from "../diagnostic.ts";
import type { Module } from "../module.ts";
import { ownChannelAxis, traitsOf } from "../op/known.ts";
import { type Op, type ValueId, isOp } from "../op/op.ts";
import { sameShape } from "../type.ts";

/**
 * The channel axis of `value`: what its producers say, through elementwise and structural ops, and
 * axis 1 (ONNX's place of channels) where nobody says; 0 for rank ≤ 1.
 */
export function channelAxisOf(module: Module, value: ValueId): number {
  const byResult = new Map(module.ops.map((op) => [op.result, op]));
  let op = known(byResult.get(value), `the op that makes %${value}`);
  // Axes are followed upwards through transposes, and so mapped back downwards, last first.
  const permutations: (readonly number[])[] = [];
  for (;;) {
    if (isOp(op, "ann.transpose")) permutations.push(op.attrs.perm);
    const from = sourceOfLayout(op, (v) => known(byResult.get(v), `the op that makes %${v}`));
    if (from === null) break;
    op = from;
  }
  let axis = ownChannelAxis(op);
  for (const perm of permutations.reverse()) axis = perm.indexOf(axis);
  return axis;
}

/** The operand whose layout the result has, or null where the op lays down one of its own. */
function sourceOfLayout(op: Op, producer: (value: ValueId) => Op): Op | null {
  const operands = op.inputs.map(producer).filter((input) => !isOp(input, "ann.constant"));
  switch (traitsOf(op).channels) {
    case "second":
    case "last":
      return null;
    case "first":
      return operands[0] ?? null;
    case "kept":
      return operands.find((input) => sameShape(input.type.shape, op.type.shape)) ?? null;
  }
}
