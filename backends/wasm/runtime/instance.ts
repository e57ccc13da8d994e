/** A program in memory, ready to run samples one after the other on one thread. */
import type { Recording } from "../../../ir/executable.ts";
import { isFramedNeuron, isStateful } from "../../../ir/op/known.ts";
import { invariant, known } from "../../../ir/diagnostic.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { notFiniteIn } from "../../../ir/run/finite.ts";
import { putFrame, requireFrames } from "../../../ir/run/frames.ts";
import { type Cell, steppedCellOf } from "../../../ir/semantics/spiking.ts";
import { type Stretch, restoreMasks, saveMasks, valuesIn } from "./recordings.ts";
import { type Tensor, type TensorData, type TensorRef, allocate } from "../../../ir/tensor.ts";
import { elementCount, stridesOf } from "../../../ir/type.ts";
import { mostPages, pagesOf } from "../memory/pages.ts";
import { fillTables } from "../memory/tables.ts";
import {
  type HostTask,
  type Located,
  type ProgramStep,
  type Program,
  type SpikesAt,
  arenaAddress,
  memoryBytes,
} from "../program.ts";

/**
 * Memory for a program on so many threads, with its constants in place. Throws a RangeError where
 * there is no room.
 */
export function createMemory(program: Program, threads = 1): WebAssembly.Memory {
  const pages = pagesOf(memoryBytes(program, threads));
  // eslint-disable-next-line no-restricted-syntax -- what WebAssembly.Memory itself throws
  if (pages > mostPages) throw new RangeError(`${pages} pages of memory`);
  const memory = new WebAssembly.Memory({
    initial: pages,
    maximum: pages,
    shared: program.shared,
  });
  const bytes = new Uint8Array(memory.buffer);
  for (const { address, data } of program.constants) bytes.set(data, address);
  for (const table of program.tables) fillTables(memory.buffer, table);
  return memory;
}

/** Where an instance works, and which part of each step is its own. */
export interface WorkShare {
  /** Which arena of the memory. */
  readonly arena: number;
  readonly part: number;
  readonly parts: number;
}

type StepFunction = (part: number, parts: number, elapsed: number) => void;

export class Instance {
  readonly program: Program;
  private readonly place: WorkShare;
  private readonly arena: number;
  private readonly memories: {
    readonly u8: Uint8Array;
    readonly f32: Float32Array;
    readonly i32: Int32Array;
    readonly f64: Float64Array;
  };
  private readonly exports: ReadonlyMap<string, StepFunction>;
  /** Null where elements lie in row-major order without gaps. */
  private readonly orders = new Map<Located, Int32Array | null>();
  private readonly cells = new Map<HostTask, Cell>();

  constructor(
    program: Program,
    compiled: WebAssembly.Module,
    memory: WebAssembly.Memory,
    place: WorkShare,
  ) {
    this.program = program;
    this.place = place;
    const { buffer } = memory;
    this.memories = {
      u8: new Uint8Array(buffer),
      f32: new Float32Array(buffer),
      i32: new Int32Array(buffer),
      f64: new Float64Array(buffer),
    };
    this.arena = arenaAddress(program, place.arena);
    const arena = new WebAssembly.Global({ value: "i32", mutable: false }, this.arena);
    const math: WebAssembly.ModuleImports = {};
    for (const name of program.math) math[name] = hostFunction(name);
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory, arena }, math });
    this.exports = new Map(
      [...program.begin, ...program.each, ...(program.sync === null ? [] : [program.sync])].flatMap(
        (part) => ("call" in part ? [[part.call, functionOf(exports, part.call)] as const] : []),
      ),
    );
  }

  /** Whether this part gives inputs and reads results. */
  isFirst(): boolean {
    return this.place.part === 0;
  }

  /** Waits for the other parts, where there are any. */
  sync(): void {
    if (this.program.sync !== null) this.perform([this.program.sync], 0);
  }

  /** Tells the other parts whether the sample's run ends here; they know after the next `sync`. */
  tellEnd(ended: boolean): void {
    const { sync } = this.program;
    if (sync !== null) this.memories.i32[(this.arena + sync.address) / 4] = ended ? 1 : 0;
  }

  /** What the first part told. */
  isTold(): boolean {
    const { sync } = this.program;
    return sync !== null && this.memories.i32[(this.arena + sync.address) / 4] === 1;
  }

  /** Writes a sample. Input `i` has the module's shape, or frames of it. */
  give(inputs: readonly TensorData[]): void {
    this.program.inputs.forEach((at, i) => {
      const given = known(inputs[i], `input ${i}`);
      if (this.isOverTime(i)) requireFrames(given, elementCount(at.shape), `input ${i}`);
      else this.write(at, given, 0);
    });
  }

  /** Writes the frames of the next chunk, `elapsed` timesteps into the sample. */
  giveFrames(inputs: readonly TensorData[], elapsed: number): void {
    this.program.inputs.forEach((at, i) => {
      if (!this.isOverTime(i)) return;
      const frames = known(inputs[i], `input ${i}`);
      const frame = new Float64Array(elementCount(at.shape));
      for (let step = 0; step < this.program.steps; step++) {
        putFrame(frames, elapsed + step, frame);
        this.write(at, frame, step);
      }
    });
  }

  private isOverTime(input: number): boolean {
    return this.program.overTime[input] === true;
  }

  /** Runs what does not depend on time. */
  begin(): void {
    this.cells.clear();
    this.perform(this.program.begin, 0);
  }

  /** Runs the next chunk of timesteps, `elapsed` of which have been. */
  advance(elapsed: number): void {
    this.perform(this.program.each, elapsed);
  }

  /** A value at a timestep of the chunk, in row-major order of its shape, at `into[offset …]`. */
  read(at: Located, step: number, into: TensorData, offset = 0): void {
    const order = this.orderOf(at);
    const { memory, first } = this.elements(at, step);
    if (order === null) {
      // Most values are few elements: a loop is done before `set` has begun.
      const count = elementCount(at.shape);
      if (count > 64) into.set(memory.subarray(first, first + count), offset);
      else for (let i = 0; i < count; i++) into[offset + i] = memory[first + i] ?? 0;
      return;
    }
    for (let i = 0; i < order.length; i++) into[offset + i] = memory[first + (order[i] ?? 0)] ?? 0;
  }

  /** Some elements of a value, by their index in row-major order, at `into[offset …]`. */
  pick(at: Located, step: number, chosen: Int32Array, into: TensorData, offset: number): void {
    const order = this.orderOf(at);
    const { memory, first } = this.elements(at, step);
    for (let i = 0; i < chosen.length; i++) {
      const index = chosen[i] ?? 0;
      into[offset + i] = memory[first + (order === null ? index : (order[index] ?? 0))] ?? 0;
    }
  }

  /** How many elements of a value are not finite at a timestep of the chunk. */
  countNotFinite(at: Located, step: number): number {
    const { memory, first } = this.elements(at, step);
    if (memory instanceof Int32Array) return 0;
    const span = at.shape.reduce((sum, n, axis) => sum + (n - 1) * (at.strides[axis] ?? 0), 1);
    const count = elementCount(at.shape);
    // Without gaps the order of elements does not matter.
    if (span === count) return notFiniteIn(memory, first, first + count);
    const all = new Float32Array(count);
    this.read(at, step, all);
    return notFiniteIn(all, 0, count);
  }

  /** Copies spikes of the chunk into a recording. */
  save(at: SpikesAt, into: Recording, stretch: Stretch): void {
    if (at.kind === "masks") {
      saveMasks(this.memories.u8, this.arena, at, into, stretch);
      return;
    }
    const values = valuesIn(into, at.at);
    const size = elementCount(at.at.shape);
    for (let step = 0; step < stretch.steps; step++)
      this.read(at.at, step, values, (stretch.elapsed + step) * size);
  }

  /** Copies recorded spikes into the chunk. */
  restore(at: SpikesAt, from: Recording, stretch: Stretch): void {
    if (at.kind === "masks") {
      restoreMasks(this.memories.u8, this.arena, at, from, stretch);
      return;
    }
    const values = valuesIn(from, at.at);
    const frame = allocate(at.at.element, elementCount(at.at.shape));
    for (let step = 0; step < this.program.steps; step++) {
      putFrame(values, stretch.elapsed + step, frame);
      this.write(at.at, frame, step);
    }
  }

  private write(at: Located, data: ArrayLike<number>, step: number): void {
    const order = this.orderOf(at);
    const { memory, first } = this.elements(at, step);
    const count = elementCount(at.shape);
    invariant(data.length === count, `${data.length} of ${count} elements`);
    if (order === null) memory.set(data, first);
    else for (let i = 0; i < count; i++) memory[first + (order[i] ?? 0)] = data[i] ?? 0;
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
  private orderOf(at: Located): Int32Array | null {
    const ready = this.orders.get(at);
    if (ready !== undefined) return ready;
    const order = isRowMajor(at) ? null : orderOf(at);
    this.orders.set(at, order);
    return order;
  }

  private perform(parts: readonly ProgramStep[], elapsed: number): void {
    for (const part of parts) {
      if ("task" in part) this.compute(known(this.program.tasks[part.task], "a task"));
      else {
        const run = known(this.exports.get(part.call), part.call);
        try {
          run(this.place.part, this.place.parts, elapsed);
        } catch (error) {
          explainTrap(error, this.program, part.call);
        }
      }
    }
  }

  /** Runs an op by the interpreter's function for it, timestep by timestep. */
  private compute(task: HostTask): void {
    const { op, result } = task;
    const lookup = (ref: TensorRef): Tensor => known(this.program.tensors.get(ref), `@${ref}`);
    for (let step = 0; step < task.steps; step++) {
      const operands = task.operands.map(({ type, at }): Tensor => {
        const data = allocate(type.dtype, elementCount(type.shape));
        this.read(at, step, data);
        return { dtype: type.dtype, shape: type.shape, data };
      });
      let value: Tensor;
      if (isStateful(op) || isFramedNeuron(op)) {
        const first = known(operands[0], "an operand");
        const { frameTicks } = this.program;
        const cell = this.cells.get(task) ?? steppedCellOf(op, first.shape, lookup, frameTicks);
        this.cells.set(task, cell);
        value = cell.step(first, operands[1]);
      } else value = evaluate(op, operands, lookup);
      this.write(result, value.data, step);
    }
  }
}

function isRowMajor({ shape, strides }: Located): boolean {
  return stridesOf(shape).every((stride, axis) => shape[axis] === 1 || strides[axis] === stride);
}

function orderOf(at: Located): Int32Array {
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
  return order;
}

/** A trap is our fault: no input can make generated code divide by zero or leave its memory. */
function explainTrap(error: unknown, program: Program, call: string): never {
  if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  const index = /wasm-function\[(\d+)\]/.exec(error.stack ?? "")?.[1];
  const name = index === undefined ? call : (program.functions[Number(index)] ?? call);
  invariant(false, `WebAssembly trapped in "${name}": ${error.message}`);
}

function functionOf(exports: WebAssembly.Exports, name: string): StepFunction {
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
