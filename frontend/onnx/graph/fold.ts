/**
 * Values of ops that depend on constants only, computed when an operator needs one: the target of
 * a Reshape, the weights of a Conv behind a DequantizeLinear. Nothing is folded that nobody asks
 * for; a pass does that later. Work and memory are budgeted before they are spent.
 */
import { fail, known } from "../../../ir/diagnostic.ts";
import type { Builder } from "../../../ir/build.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { type Op, type ValueId, isInput } from "../../../ir/op/op.ts";
import { type Tensor, allocate } from "../../../ir/tensor.ts";
import { type DType, type Shape, elementCount } from "../../../ir/type.ts";
import { type Loc, formatLoc } from "../../../ir/loc.ts";
import { diagnose } from "../diagnostics.ts";

/** How constant a value is: by the model alone, by the inputs that were given, or not at all. */
export type Constancy = "constant" | "given" | "variable";

export class Folder {
  private readonly constancy = new Map<ValueId, Constancy>();
  private readonly values = new Map<ValueId, Tensor>();
  private readonly inputsBehind = new Map<ValueId, readonly string[]>();
  private readonly builder: Builder;
  private readonly bytes: number;
  private bytesLeft: number;
  private workLeft: number;

  constructor(builder: Builder, budget: { bytes: number; work: number }) {
    this.builder = builder;
    this.bytes = budget.bytes;
    this.bytesLeft = budget.bytes;
    this.workLeft = budget.work;
  }

  /** Tells the folder of a graph input, and of its value where one was given. */
  noteInput(value: ValueId, name: string, given: Tensor | null): void {
    this.constancy.set(value, given === null ? "variable" : "given");
    if (given !== null) {
      this.values.set(value, given);
      this.inputsBehind.set(value, [name]);
    }
  }

  /** Must be called for every op that is added, in order. */
  noteOp(op: Op): void {
    if (op.kind === "ann.constant") {
      this.constancy.set(op.result, "constant");
      return;
    }
    let constancy: Constancy = op.kind === "snn.previous" ? "variable" : "constant";
    const behind = new Set<string>();
    for (const input of op.inputs) {
      const of = this.constancyOf(input);
      if (of === "variable") constancy = "variable";
      else if (of === "given" && constancy === "constant") constancy = "given";
      for (const name of this.inputsBehind.get(input) ?? []) behind.add(name);
    }
    this.constancy.set(op.result, constancy);
    if (constancy === "given") this.inputsBehind.set(op.result, [...behind]);
  }

  constancyOf(value: ValueId): Constancy {
    return this.constancy.get(value) ?? "variable";
  }

  /** Inputs whose given values `value` rests on. */
  specialisedBy(value: ValueId): readonly string[] {
    return this.inputsBehind.get(value) ?? [];
  }

  /**
   * The inputs that `value` depends on, where all are so small that a user may give their values:
   * flags, rates, shapes. Else none, and none where that would leave no input.
   */
  smallInputsBehind(value: ValueId): readonly string[] {
    const names: string[] = [];
    const seen = new Set<ValueId>([value]);
    // A set is walked in the order of insertion, those included that are added on the way.
    for (const next of seen) {
      const op = this.builder.opOf(next);
      for (const input of op.inputs) seen.add(input);
      if (!isInput(op)) continue;
      if (elementCount(op.type.shape) > smallInput || names.length >= mostSmallInputs) return [];
      names.push(op.attrs.name);
    }
    const inputs = this.builder.ops.filter(isInput).length;
    return names.length < inputs ? names : [];
  }

  /** The value of a constant; it must not be "variable". Without recursion: chains may be long. */
  valueOf(value: ValueId): Tensor {
    const todo: ValueId[] = [value];
    for (let next = todo.at(-1); next !== undefined; next = todo.at(-1)) {
      if (this.values.has(next)) {
        todo.pop();
        continue;
      }
      const op = this.builder.opOf(next);
      const missing = op.inputs.filter((input) => !this.values.has(input));
      if (missing.length > 0) {
        for (const input of missing) todo.push(input);
        continue;
      }
      this.values.set(next, this.compute(op));
      todo.pop();
    }
    return known(this.values.get(value), `the constant %${value}`);
  }

  /** Takes a value of `elements`, and the work to make it, off the budget before it is made. */
  spend(elements: number, work: number, loc: Loc): void {
    this.take(8 * elements, 0, work, loc);
  }

  /** Bytes that stay, bytes that are needed for a moment, and work. */
  private take(kept: number, transient: number, work: number, loc: Loc): void {
    const op = formatLoc(loc);
    if (!(kept + transient <= this.bytesLeft)) {
      fail(diagnose("too-much-memory", loc, { op, limit: this.bytes }));
    }
    if (!(work <= this.workLeft)) fail(diagnose("too-much-work", loc, { op }));
    this.bytesLeft -= kept;
    this.workLeft -= work;
  }

  private compute(op: Op): Tensor {
    const tensors = (ref: string): Tensor => this.builder.tensorAt(ref);
    if (op.kind === "ann.constant") return tensors(op.attrs.value);
    const inputs = op.inputs.map((input) =>
      known(this.values.get(input), `the constant %${input}`),
    );
    const count = elementCount(op.type.shape);
    const [first] = inputs;
    // Weights that are one number repeated are large, and need no index of where each comes from.
    if (op.kind === "ann.expand" && first?.data.length === 1) {
      this.take(bytesInMemory(op.type.dtype) * count, 0, count, op.loc);
      const data = allocate(op.type.dtype, count).fill(first.data[0] ?? 0);
      return { dtype: op.type.dtype, shape: op.type.shape, data };
    }
    const work = foldingWork(op, (value) => this.builder.typeOf(value).shape, tensors);
    const widest = Math.max(count, ...inputs.map(({ data }) => data.length));
    this.take(bytesInMemory(op.type.dtype) * count, transientBytes * widest, work, op.loc);
    return evaluate(op, inputs, tensors);
  }
}

/** Elements of an input, and inputs, whose values people would type. */
const smallInput = 16;
const mostSmallInputs = 4;

/** What the interpreter needs for an element while it computes: doubles and indices of operands. */
const transientBytes = 36;

function bytesInMemory(dtype: DType): number {
  return allocate(dtype, 1).byteLength;
}

/** What an op costs that goes through its elements one by one, in multiply-adds of a product. */
const perElement = 20;

/** About how long the interpreter takes for an op, in multiply-adds of a matrix product. */
export function foldingWork(
  op: Op,
  shapeOf: (value: ValueId) => Shape,
  tensors: (ref: string) => Tensor,
): number {
  const out = elementCount(op.type.shape);
  const shapes = op.inputs.map(shapeOf);
  const read = shapes.reduce((sum, shape) => sum + elementCount(shape), 0);
  switch (op.kind) {
    case "ann.matmul":
      return out * (shapes[0]?.at(-1) ?? 1) + read;
    case "ann.linear":
      return out * (tensors(op.attrs.weight).shape[1] ?? 1);
    case "ann.conv":
    case "ann.conv-transpose": {
      const [, ...rest] = tensors(op.attrs.weight).shape;
      return Math.max(out, read) * elementCount(rest);
    }
    case "ann.max-pool":
    case "ann.average-pool":
      return out * elementCount(op.attrs.kernel) * 4;
    case "ann.lrn":
      return out * op.attrs.size * 4;
    case "ann.einsum":
      // Each letter is one loop, as long as the axes that carry it.
      return einsumWork(op.attrs.equation, shapes) * perElement + read;
    case "ann.resize":
      // Antialiasing widens the kernel by the reduction; cubic reads four points an axis.
      return (out + read) * perElement * 4 ** Math.min(op.type.shape.length, 4);
    default:
      return (out + read) * perElement;
  }
}

function einsumWork(equation: string, shapes: readonly Shape[]): number {
  const terms = (equation.split("->")[0] ?? "").replace(/\s/g, "").split(",");
  const extents = new Map<string, number>();
  let ellipsis = 1;
  terms.forEach((term, i) => {
    const shape = shapes[i] ?? [];
    const letters = term.replace("...", "");
    const extra = shape.length - letters.length;
    if (term.includes("...")) {
      const at = term.indexOf("...");
      ellipsis = Math.max(ellipsis, elementCount(shape.slice(at, at + extra)));
    }
    [...letters].forEach((letter, k) => {
      const at = term.includes("...") && k >= term.indexOf("...") ? k + extra : k;
      extents.set(letter, Math.max(extents.get(letter) ?? 1, shape[at] ?? 1));
    });
  });
  return [...extents.values()].reduce((product, extent) => product * extent, ellipsis);
}
