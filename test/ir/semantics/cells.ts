/** Cells of one neuron, and what they make of a current over time, for tests of what neurons mean. */
import { isFramedNeuron, isStateful } from "../../../ir/op/known.ts";
import type { FramedKind, OpAttrs, SpikingKind } from "../../../ir/op/op.ts";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import {
  type Cell,
  type FramedCell,
  cellOf,
  framedCellOf,
  steppedCellOf,
} from "../../../ir/semantics/spiking.ts";
import type { DType, Domain, Shape } from "../../../ir/type.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { type Tensors, loc, numbers } from "../one-op.ts";

function opOf<K extends SpikingKind>(
  kind: K,
  attrs: OpAttrs[K],
  tensors: Tensors,
  domain: Domain = "current",
  dtype: DType = "f32",
) {
  const builder = new Builder({ tensors: new Map(Object.entries(tensors)) });
  const x = builder.input("x", { domain, dtype, shape: [1] }, loc);
  const op = builder.opOf(builder.add(kind, [x], attrs, loc));
  return { op, lookup: (ref: string) => builder.tensorAt(ref) };
}

/** An i32 tensor. */
export function i(shape: Shape, values: readonly number[]): Tensor {
  return tensorOf("i32", shape, values);
}

/** A cell for one neuron, or whatever else the op is made of. */
export function cell<K extends SpikingKind>(
  kind: K,
  attrs: OpAttrs[K],
  tensors: Tensors = {},
  domain: Domain = "current",
  dtype: DType = "f32",
): Cell {
  const { op, lookup } = opOf(kind, attrs, tensors, domain, dtype);
  return cellOf(known(isStateful(op) ? op : null, "an op with a state"), [1], lookup);
}

export function framed<K extends FramedKind>(
  kind: K,
  attrs: OpAttrs[K],
  tensors: Tensors,
  ticks: number,
  dtype: DType = "f32",
): { readonly cell: FramedCell; readonly stepped: Cell } {
  const { op, lookup } = opOf(kind, attrs, tensors, "current", dtype);
  const neuron = known(isFramedNeuron(op) ? op : null, "a framed neuron");
  return {
    cell: framedCellOf(neuron, [1], lookup, ticks),
    stepped: steppedCellOf(neuron, [1], lookup, ticks),
  };
}

/** Results, potentials, spikes and their digits of a cell on a current over time. */
export function run(made: Cell, current: readonly number[], dtype: DType = "f32") {
  const [y, v, spikes, bits]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (const x of current) {
    y.push(...numbers(made.step(tensorOf(dtype, [1], [x]))));
    if (made.neurons === null) continue;
    v.push(...made.neurons.membranePotential);
    spikes.push(made.neurons.spikeCount);
    bits.push(...made.neurons.bitsOfEach);
  }
  return { y: y.map((each) => each + 0), v, spikes, bits };
}

const gradedAttrs = {
  threshold: "threshold",
  vInit: "vInit",
  amplitude: "amplitude",
  ceiling: null,
  bits: 2,
  alphabet: "word",
  sign: "retract",
  schedule: "constant",
  shares: null,
} as const;

type GradedAttrs = OpAttrs["snn.graded"];

export function graded(
  attrs: Partial<GradedAttrs>,
  { threshold = 1, vInit = 0, amplitude = 1, ceiling = 0 } = {},
  dtype: DType = "f32",
  tables: Tensors = {},
): Cell {
  const one = (value: number) => tensorOf(dtype, [], [value]);
  const tensors = {
    threshold: one(threshold),
    vInit: one(vInit),
    amplitude: one(amplitude),
    ceiling: one(ceiling),
    ...tables,
  };
  return cell("snn.graded", { ...gradedAttrs, ...attrs }, tensors, "current", dtype);
}
