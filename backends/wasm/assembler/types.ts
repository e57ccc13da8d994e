/** What generated code is made of, and what a function being written asks of its module. */
import type binaryen from "binaryen";

export type Expr = binaryen.ExpressionRef;
export type WasmType = "i32" | "i64" | "f32" | "f64" | "v128";

/** Functions of the host that generated code may call, all from doubles to a double. */
export type ImportedFunction = string;

/** The module that a function is written into. */
export interface CodeModule {
  /** binaryen's constructors of instructions. */
  readonly wasm: binaryen.Module;
  typeOf(type: WasmType): binaryen.Type;
  /** Calls `Math[name]`, or another function that the host gives, on doubles. */
  callHost(name: ImportedFunction, operands: readonly Expr[]): Expr;
  /**
   * Eight sums of two products each: i8 weights by words of 0 to 127, in i16. Relaxed SIMD, of which a
   * module may have it only where it was opened for that.
   */
  dotOfBytes(weights: Expr, words: Expr): Expr;
}
