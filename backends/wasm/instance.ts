/** A program in memory, ready to run samples one after the other on one thread. */
import { invariant, known } from "../../ir/diagnostic.ts";
import { evaluate } from "../../ir/interpret.ts";
import { type ValueId, isOp } from "../../ir/op.ts";
import { type Cell, cellOf } from "../../ir/semantics/spiking.ts";
import { type Tensor, type TensorData, type TensorRef, allocate } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { arenaAddress } from "./compile.ts";
import type { HostTask, Located, Part, Program } from "./program.ts";

/** Memory for a program, with its constants in place. Throws a RangeError where there is no room. */
export function createMemory(program: Program): WebAssembly.Memory {
  const { pages, shared } = program;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  const bytes = new Uint8Array(memory.buffer);
  for (const { address, data } of program.constants) bytes.set(data, address);
  return memory;
}

type Run = (part: number, parts: number, elapsed: number) => void;

export class Instance {
  readonly program: Program;
  private readonly arena: number;
  private readonly memories: {
    readonly f32: Float32Array;
    readonly i32: Int32Array;
    readonly f64: Float64Array;
  };
  private readonly exports: ReadonlyMap<string, Run>;
  private readonly orders = new Map<Located, Int32Array>();
  private readonly held = new Map<ValueId, Tensor>();
  private readonly cells = new Map<HostTask, Cell>();

  /** `thread` says which arena of the memory is this instance's. */
  constructor(
    program: Program,
    compiled: WebAssembly.Module,
    memory: WebAssembly.Memory,
    thread: number,
  ) {
    this.program = program;
    const { buffer } = memory;
    this.memories = {
      f32: new Float32Array(buffer),
      i32: new Int32Array(buffer),
      f64: new Float64Array(buffer),
    };
    this.arena = arenaAddress(program, thread);
    const arena = new WebAssembly.Global({ value: "i32", mutable: false }, this.arena);
    const math: WebAssembly.ModuleImports = {};
    for (const name of program.math) math[name] = hostFunction(name);
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory, arena }, math });
    this.exports = new Map(
      [...program.begin, ...program.each].flatMap((part) =>
        "call" in part ? [[part.call, functionOf(exports, part.call)] as const] : [],
      ),
    );
  }

  /** Writes a sample and runs what does not depend on time. Input `i` has the module's shape. */
  begin(inputs: readonly TensorData[]): void {
    this.program.inputs.forEach((at, i) => {
      if (at !== null) this.write(at, known(inputs[i], `input ${i}`), 0);
    });
    this.cells.clear();
    this.perform(this.program.begin, 0);
  }

  /** Runs the next chunk of timesteps, `elapsed` of which have been. */
  advance(elapsed: number): void {
    this.perform(this.program.each, elapsed);
  }

  /** A value at a timestep of the chunk, in row-major order of its shape. */
  read(at: Located, step: number, into: { [index: number]: number }, offset = 0): void {
    const order = this.orderOf(at);
    const { memory, first } = this.elements(at, step);
    for (let i = 0; i < order.length; i++) into[offset + i] = memory[first + (order[i] ?? 0)] ?? 0;
  }

  private write(at: Located, data: ArrayLike<number>, step: number): void {
    const order = this.orderOf(at);
    const { memory, first } = this.elements(at, step);
    invariant(data.length === order.length, `${data.length} of ${order.length} elements`);
    for (let i = 0; i < order.length; i++) memory[first + (order[i] ?? 0)] = data[i] ?? 0;
  }

  /** All of memory in elements of the value's kind, and the place of its first element. */
  private elements(
    at: Located,
    step: number,
  ): { readonly memory: Float32Array | Int32Array | Float64Array; readonly first: number } {
    const bytes = at.element === "f64" ? 8 : 4;
    const first = (at.address + (at.inArena ? this.arena : 0)) / bytes + step * at.lead;
    return { memory: this.memories[at.element], first };
  }

  /** For each element in row-major order, how many elements from the first it lies. */
  private orderOf(at: Located): Int32Array {
    const ready = this.orders.get(at);
    if (ready !== undefined) return ready;
    const order = new Int32Array(elementCount(at.shape));
    let filled = 0;
    const visit = (axis: number, from: number): void => {
      const extent = at.shape[axis];
      if (extent === undefined) {
        order[filled++] = from;
        return;
      }
      for (let i = 0; i < extent; i++) visit(axis + 1, from + i * (at.strides[axis] ?? 0));
    };
    visit(0, 0);
    this.orders.set(at, order);
    return order;
  }

  private perform(parts: readonly Part[], elapsed: number): void {
    for (const part of parts) {
      if ("call" in part) known(this.exports.get(part.call), part.call)(0, 1, elapsed);
      else this.compute(known(this.program.tasks[part.task], "a task"));
    }
  }

  /** Runs an op by the interpreter's function for it, timestep by timestep. */
  private compute(task: HostTask): void {
    const { op, result } = task;
    const lookup = (ref: TensorRef): Tensor => known(this.program.tensors.get(ref), `@${ref}`);
    for (let step = 0; step < task.steps; step++) {
      const operands = task.operands.map(({ value, type, at }): Tensor => {
        if (at === null) return known(this.held.get(value), `%${value}`);
        const data = allocate(type.dtype, elementCount(type.shape));
        this.read(at, step, data);
        return { dtype: type.dtype, shape: type.shape, data };
      });
      let value: Tensor;
      if (isOp(op, "snn.if", "snn.max-pool", "snn.readout")) {
        const first = known(operands[0], "an operand");
        const cell = this.cells.get(task) ?? cellOf(op, first.shape, lookup);
        this.cells.set(task, cell);
        value = cell.step(first);
      } else value = evaluate(op, operands, lookup);
      if (result === null) this.held.set(op.result, value);
      else this.write(result, value.data, step);
    }
  }
}

function functionOf(exports: WebAssembly.Exports, name: string): Run {
  const found = exports[name];
  invariant(typeof found === "function", `no function "${name}"`);
  return (part, parts, elapsed) => {
    Reflect.apply(found, undefined, [part, parts, elapsed]);
  };
}

/** A function on doubles by name: those of `Math`. */
function hostFunction(name: string): (...operands: number[]) => number {
  const found: unknown = Reflect.get(Math, name);
  invariant(typeof found === "function", `no Math.${name}`);
  return (...operands) => Number(Reflect.apply(found, Math, operands));
}
