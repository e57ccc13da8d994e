/**
 * What the simulator knows of a kind of op: how its result is computed, and what that costs by
 * "All other operations" of docs/ir.md. Costs are those of one application: of a still op once, of
 * others at each timestep.
 */
import type { Op, Tensor, Type } from "./types.ts";

export const costKinds = [
  ...(["multiplyAccumulates", "multiplications", "additions"] as const),
  ...(["comparisons", "divisions", "functions"] as const),
];
export type CostKind = (typeof costKinds)[number];
export type Cost = Readonly<Partial<Record<CostKind, number>>>;
export type Operations = Record<CostKind, number>;

export const noOperations = (): Operations => ({
  ...{ multiplyAccumulates: 0, multiplications: 0, additions: 0 },
  ...{ comparisons: 0, divisions: 0, functions: 0 },
});

export function charge(total: Operations, cost: Cost, times = 1): void {
  for (const kind of costKinds) total[kind] += (cost[kind] ?? 0) * times;
}

/** An op with the types of what it reads, and the tensors that its operands are where constant. */
export interface Site {
  readonly op: Op;
  readonly types: readonly Type[];
  readonly constants: readonly (Tensor | undefined)[];
}

export interface Formula {
  /** The result, not yet rounded to its element type, unless it is a move. */
  readonly compute: (operands: readonly Float64Array[]) => Float64Array;
  readonly cost: Cost;
}

/** For each element of a result, the operand it is taken from, and which element; −1 is a filler. */
export interface Move {
  readonly operand: Int32Array;
  readonly element: Int32Array;
  readonly filler: number;
}

/** An op with weights on one operand. */
export interface Synapse extends Formula {
  /** Which operand has the weights on it. */
  readonly operand: number;
  /** For each element of that operand, how many weights a word in it meets. */
  readonly fanOut: Float64Array;
  /** All products of one application. */
  readonly products: number;
  /** What is done beside the products. */
  readonly rest: Cost;
}
