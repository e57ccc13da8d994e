/**
 * A network: ops in topological order, the tensors they name, and what is claimed of the whole.
 * Immutable; a pass makes a new one and shares what it did not change.
 */
import { known } from "./diagnostic.ts";
import { type Op, type OpKind, type OpOf, type ValueId, isOp } from "./op.ts";
import type { Tensor, TensorRef } from "./tensor.ts";

/** The code of a module: how a value is carried by spikes. `none` before conversion. */
export type Code = "none" | "rate";

export const codes = ["none", "rate"] as const satisfies readonly Code[];

/**
 * What passes may claim of a whole module; `passes/properties.ts` has the checker of each.
 *
 * - `canonical`: no dropouts, identities, or ops on constants only.
 * - `batchnorm-free`: no `ann.batchnorm`.
 * - `spiking`: every activation is a neuron; the outputs are read out.
 * - `balanced`: thresholds were chosen from calibration statistics.
 * - `integer`: everything between the encoder of the input and the read-out is made of integers.
 */
export type Property = "canonical" | "batchnorm-free" | "spiking" | "balanced" | "integer";

export const properties = [
  "canonical",
  "batchnorm-free",
  "spiking",
  "balanced",
  "integer",
] as const satisfies readonly Property[];

export interface Output {
  /** The name that the source model gives this output. */
  readonly name: string;
  readonly value: ValueId;
}

export interface Module {
  readonly name: string;
  readonly code: Code;
  /** Timesteps a run takes unless the caller says otherwise; 1 while `code` is "none". */
  readonly timesteps: number;
  readonly ops: readonly Op[];
  readonly outputs: readonly Output[];
  readonly tensors: ReadonlyMap<TensorRef, Tensor>;
  readonly properties: ReadonlySet<Property>;
}

/** The op that makes `value`. Linear; build `producers` for many look-ups. */
export function producerOf(module: Module, value: ValueId): Op {
  return known(
    module.ops.find((op) => op.result === value),
    `the op that makes %${value}`,
  );
}

/** The tensor that `ref` names. */
export function tensorAt(module: Pick<Module, "tensors">, ref: TensorRef): Tensor {
  return known(module.tensors.get(ref), `tensor @${ref}`);
}

/** The module's inputs, in the order of the source model. */
export function inputsOf(module: Module): readonly OpOf<"ann.input">[] {
  return opsOf(module, "ann.input");
}

/** All ops of some kinds, in order. */
export function opsOf<K extends OpKind>(
  module: Module,
  ...kinds: readonly K[]
): readonly OpOf<K>[] {
  return module.ops.filter((op): op is OpOf<K> => isOp(op, ...kinds));
}
