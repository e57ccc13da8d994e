/**
 * What stands between the plan and the kernels: what a kernel's compiler is given, and what it
 * returns. A kernel is one op for one timestep over arrays that are there already.
 */
import type { Module } from "../../ir/module.ts";
import type { Op } from "../../ir/op/op.ts";
import type { Neurons } from "../../ir/semantics/spiking.ts";
import type { TensorData } from "../../ir/tensor.ts";
import type { Packing } from "./packing.ts";

/** What a kernel's compiler is given: where operands and result lie. */
export interface Site {
  readonly op: Op;
  readonly module: Module;
  readonly inputs: readonly TensorData[];
  readonly inputOps: readonly Op[];
  readonly output: TensorData;
  readonly packing: Packing;
}

/** The parts of a step that a kernel provides. */
export interface Kernel {
  run(): void;
  reset?(): void;
}

export interface NeuronKernel extends Kernel {
  reset(): void;
  readonly neurons: Neurons;
}

/** Elements that synapse kernels read, and those that they make of them. */
export type Numbers = Float32Array | Int32Array | Int8Array | Uint8Array;
export type SumArray = Float32Array | Int32Array;

/**
 * The operand and the result of a synapse that kernels have loops for: floats, or integers, which
 * sums in double precision are exact for. Null for any other.
 */
export function synapseArrays(site: Site): { input: Numbers; output: SumArray } | null {
  const { output } = site;
  const [input] = site.inputs;
  if (input instanceof Float32Array && output instanceof Float32Array) return { input, output };
  const isInteger =
    input instanceof Int8Array || input instanceof Uint8Array || input instanceof Int32Array;
  return isInteger && output instanceof Int32Array ? { input, output } : null;
}
