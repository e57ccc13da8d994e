/**
 * The plain quantised network beside a spiking one: what a network of differential code computes at its
 * first timestep, said as an ANN whose activations are rounded.
 */
import { isNeuron } from "../../ir/op/known.ts";
import { type Builder, rewrite } from "../../ir/build.ts";
import { invariant, known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";

/**
 * The ANN that rounds, wherever `module` has graded neurons, to the values that these can send at their
 * first timestep: y = q · clip(⌊(x + v0)/q + ½⌋, low, K), with q the step of a channel and low 0 for a
 * rectifier, −K otherwise. The network of differential code at T = 1 has the same outputs but for the
 * rounding of floats. Ceilings are left out: balancing puts no K·q above one.
 */
export function quantisedAnn(module: Module): Module {
  invariant(module.code === "differential", "what is quantised is made by convert-differential");
  const { properties, ...quantised } = rewrite(module, (op, builder) => {
    if (isOp(op, "snn.difference", "snn.accumulate")) return operandOf(op);
    if (isOp(op, "snn.max-pool")) {
      return builder.add("ann.max-pool", op.inputs, op.attrs, op.loc, op.result);
    }
    if (isOp(op, "snn.graded")) return rounded(op, builder);
    invariant(!isNeuron(op), `${op.kind} has no rounding of its own`);
    return null;
  });
  return {
    ...quantised,
    code: "none",
    timesteps: 1,
    properties: new Set([...properties].filter((each) => each === "batchnorm-free")),
  };
}

function rounded(op: OpOf<"snn.graded">, builder: Builder): ValueId {
  const { bits, alphabet, sign } = op.attrs;
  invariant(alphabet === "word", "powers of two are no staircase of even steps");
  const largest = 2 ** bits - 1;
  const step = firstStepOf(op, builder);
  const vInit = builder.tensorAt(op.attrs.vInit);
  const inverse = tensorOf(
    "f32",
    step.shape,
    [...step.data].map((q) => 1 / q),
  );
  const one = builder.tensor("unit", tensorOf("f32", [], [1]));
  const zero = builder.tensor("none", tensorOf("f32", [], [0]));
  const scaled = (value: ValueId, by: Tensor, result?: ValueId): ValueId =>
    builder.add(
      "ann.affine",
      [value],
      { scale: builder.tensor("step", by), shift: zero },
      op.loc,
      result,
    );
  const started = builder.add(
    "ann.affine",
    [operandOf(op)],
    { scale: one, shift: builder.tensor("start", vInit) },
    op.loc,
  );
  const whole = builder.add(
    "ann.fake-quantize",
    [scaled(started, inverse)],
    { step: 1, low: sign === "free" ? -largest : 0, high: largest, rounding: "nearest" },
    op.loc,
  );
  return scaled(whole, step, op.result);
}

/** θ · ρ of the first timestep. */
function firstStepOf(op: OpOf<"snn.graded">, builder: Builder): Tensor {
  const { threshold, schedule, shares } = op.attrs;
  const whole = builder.tensorAt(threshold);
  if (schedule !== "table") return whole;
  const table = builder.tensorAt(known(shares, "shares"));
  const shape = table.shape.slice(1);
  const first = [...table.data].slice(
    0,
    shape.reduce((n, extent) => n * extent, 1),
  );
  const larger = first.length > whole.data.length ? shape : whole.shape;
  const steps = Math.max(first.length, whole.data.length);
  const at = (values: ArrayLike<number>, i: number): number => {
    invariant(values.length === 1 || values.length === steps, "steps and shares are alike");
    return known(values[values.length === 1 ? 0 : i], "a step");
  };
  return tensorOf(
    "f32",
    larger,
    Array.from({ length: steps }, (_, i) => at(whole.data, i) * at(first, i)),
  );
}

function operandOf(op: Op): ValueId {
  return known(op.inputs[0], "an operand");
}
