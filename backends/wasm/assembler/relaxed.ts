/** The one instruction of relaxed SIMD that kernels use; binaryen's functions for making instructions lack it. */
import type binaryen from "binaryen";
import { invariant } from "../../../ir/diagnostic.ts";
import type { Expr } from "./types.ts";

/** `i16x8.relaxed_dot_i8x16_i7x16_s`: eight sums of two products each, made of another instruction. */
export function dotOfBytes(
  library: typeof binaryen,
  wasm: binaryen.Module,
  weights: Expr,
  words: Expr,
): Expr {
  const dot = wasm.i16x8.add(weights, words);
  binariesOf(library).setOp(dot, library.RelaxedDotI8x16I7x16SToVecI16x8);
  return dot;
}

/** Of binaryen, what its types leave out: how an instruction is made another. */
interface BinaryNodes {
  setOp(node: Expr, op: binaryen.Operations): void;
}

function binariesOf(library: object): BinaryNodes {
  const nodes: unknown = "Binary" in library ? library.Binary : null;
  invariant(canSetOp(nodes), "binaryen cannot change what an instruction does");
  return nodes;
}

function canSetOp(nodes: unknown): nodes is BinaryNodes {
  const isClass = typeof nodes === "function" || (typeof nodes === "object" && nodes !== null);
  return isClass && "setOp" in nodes && typeof nodes.setOp === "function";
}
