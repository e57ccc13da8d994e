/**
 * The body of one generated function: locals, loops and the arithmetic that kernels are written
 * in. Expressions form a tree, each used once; what is used again stands in a local.
 */
import type binaryen from "binaryen";
import { known } from "../../../ir/diagnostic.ts";
import type { CodeModule, Expr, WasmType } from "./types.ts";

/** A local variable of a generated function. */
export class Local {
  readonly index: number;
  readonly type: WasmType;
  private readonly code: FunctionWriter;

  constructor(code: FunctionWriter, index: number, type: WasmType) {
    this.code = code;
    this.index = index;
    this.type = type;
  }

  /** A fresh read of it. */
  get(): Expr {
    return this.code.wasm.local.get(this.index, this.code.assembler.typeOf(this.type));
  }

  set(value: Expr): void {
    this.code.push(this.code.wasm.local.set(this.index, value));
  }

  /** Adds to an i32. */
  advance(amount: Expr | null): void {
    if (amount !== null) this.set(this.code.wasm.i32.add(this.get(), amount));
  }

  /** Adds a number of bytes to an i32; nothing is emitted for 0. */
  step(amount: number): void {
    if (amount !== 0) this.advance(this.code.int(amount));
  }
}

/** Writes one function, statement by statement. */
export class FunctionWriter {
  readonly assembler: CodeModule;
  /** binaryen's constructors of instructions. */
  readonly wasm: binaryen.Module;
  private readonly parameters: readonly Local[];
  private readonly locals: WasmType[] = [];
  private readonly free = new Map<WasmType, Local[]>();
  private readonly blocks: Expr[][] = [[]];
  private labels = 0;

  constructor(assembler: CodeModule, parameters: number) {
    this.assembler = assembler;
    this.wasm = assembler.wasm;
    this.parameters = Array.from({ length: parameters }, (_, i) => new Local(this, i, "i32"));
  }

  parameter(index: number): Local {
    return known(this.parameters[index], `parameter ${index}`);
  }

  local(type: WasmType): Local {
    const index = this.parameters.length + this.locals.length;
    this.locals.push(type);
    return new Local(this, index, type);
  }

  /** Several locals of one type. */
  several(count: number, type: WasmType): Local[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  /** A local with a value. */
  define(type: WasmType, value: Expr): Local {
    const local = this.local(type);
    local.set(value);
    return local;
  }

  /** Locals for the time of `body` only, given back after it. */
  borrow(type: WasmType, count: number, body: (locals: readonly Local[]) => void): void {
    const free = this.free.get(type) ?? [];
    this.free.set(type, free);
    const taken = Array.from({ length: count }, () => free.pop() ?? this.local(type));
    body(taken);
    free.push(...taken);
  }

  push(statement: Expr): void {
    known(this.blocks.at(-1), "an open block").push(statement);
  }

  int(value: number): Expr {
    return this.wasm.i32.const(value);
  }

  /** The statements that `body` writes, as one expression. */
  block(body: () => void): Expr {
    this.blocks.push([]);
    body();
    const statements = known(this.blocks.pop(), "an open block");
    const [only] = statements;
    if (statements.length === 1 && only !== undefined) return only;
    return this.wasm.block(null, statements);
  }

  when(condition: Expr, then: () => void, otherwise?: () => void): void {
    const ifTrue = this.block(then);
    if (otherwise === undefined) this.push(this.wasm.if(condition, ifTrue));
    else this.push(this.wasm.if(condition, ifTrue, this.block(otherwise)));
  }

  /** Runs `body` while `condition` holds, perhaps never. */
  while(condition: () => Expr, body: () => void): void {
    const label = `L${this.labels++}`;
    const again = this.block(() => {
      body();
      this.push(this.wasm.br(label));
    });
    this.push(this.wasm.loop(label, this.wasm.if(condition(), again)));
  }

  /** Runs `body` once, then again while `condition` holds. */
  repeat(body: () => void, condition: () => Expr): void {
    const label = `L${this.labels++}`;
    const all = this.block(() => {
      body();
      this.push(this.wasm.br(label, condition()));
    });
    this.push(this.wasm.loop(label, all));
  }

  /** Runs `body` `count` times, a number known now; no loop for 0 or 1. */
  times(count: number, body: () => void): void {
    if (count <= 0) return;
    if (count === 1) {
      body();
      return;
    }
    this.borrow("i32", 1, ([left]) => {
      const counter = known(left, "a counter");
      counter.set(this.int(count));
      this.repeat(
        () => {
          body();
          counter.step(-1);
        },
        () => counter.get(),
      );
    });
  }

  /** Runs `body` while `index` < `end`, adding `step` after each; perhaps never. */
  upTo(index: Local, end: () => Expr, step: number, body: () => void): void {
    this.while(
      () => this.wasm.i32.lt_s(index.get(), end()),
      () => {
        body();
        index.step(step);
      },
    );
  }

  localTypes(): binaryen.Type[] {
    return this.locals.map((type) => this.assembler.typeOf(type));
  }

  /** The whole body. */
  finish(): Expr {
    return this.wasm.block(null, known(this.blocks[0], "the outermost block"));
  }
}
