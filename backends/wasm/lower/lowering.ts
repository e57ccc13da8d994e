/**
 * From a module to steps over memory. Values are lowered when something asks for them, so that what
 * a bigger kernel has taken in is never made at all. This file holds what the lowerings of the op
 * families share; the families stand beside it and are joined in table.ts.
 */
import { variesByItself } from "../../../ir/op/known.ts";
import { onFirstThread } from "../assembler/memory.ts";
import { invariant, known } from "../../../ir/diagnostic.ts";
import { type Module, tensorAt } from "../../../ir/module.ts";
import type { Op, ValueId, OpOf } from "../../../ir/op/op.ts";
import type { Tensor, TensorRef } from "../../../ir/tensor.ts";
import { type DType, type Shape, elementCount } from "../../../ir/type.ts";
import type { FunctionWriter } from "../assembler/code.ts";
import { weightBytes } from "../kernels/lanes.ts";
import type { SharedSchedule } from "../kernels/neurons/graded.ts";
import type { SpikeMasks } from "../memory/spikes.ts";
import { type RowSteps, mostRowSteps, rowStepsBytes } from "../memory/row-steps.ts";
import type { WordPlanes } from "../memory/words.ts";
import { type SumTables, tableLength } from "../memory/tables.ts";
import {
  type Buffer,
  type BufferKind,
  type Element,
  type View,
  bytesFor,
  elementBytes,
  rowMajor,
} from "../memory/view.ts";
import type { WindowKernel } from "./neurons/cost.ts";
import { type Layouts, type Room, layoutsOf } from "./layout.ts";

/**
 * A part of a run. Steps of phase `begin` run once per sample, steps of phase `each` once per chunk
 * of timesteps, each in the order in which they were emitted; steps of phase `count` when asked for.
 */
export interface Step {
  readonly name: string;
  readonly phase: "begin" | "each" | "count";
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
  /** Writes the body of a function of (part, parts, elapsed timesteps). Null where the host computes it. */
  readonly emit: ((code: FunctionWriter) => void) | null;
  /** What the host computes, by the interpreter's function for the op. */
  readonly host: HostStep | null;
}

/** An op that runs outside of WebAssembly. */
export interface HostStep {
  readonly op: Op;
  readonly operands: readonly View[];
  readonly result: View;
  readonly steps: number;
}

/** Ops whose values may be spikes in masks. */
export type MaskedKind = "snn.if" | "snn.graded" | "snn.max-pool";

/** Spikes in memory, and what one of them is worth. */
export interface Spikes {
  readonly masks: SpikeMasks;
  /** Per channel of the grid, or per neuron in row-major order of the op's shape. */
  readonly amplitude: { readonly perChannel: Float64Array } | { readonly perNeuron: Float64Array };
  readonly op: OpOf<MaskedKind>;
}

/** Words in memory, and what they are worth. */
export interface Words {
  readonly planes: WordPlanes;
  /** Per channel of the grid. */
  readonly amplitude: Float64Array;
  /** What all words of a timestep are multiplied by besides: a row each, the last one for all that follow. */
  readonly shares: readonly number[];
  readonly op: OpOf<"snn.graded">;
}

/**
 * How many spikes each element of a value is, and of how many digits: one of one where it is not 0; or it
 * is a whole number of units (null: of ones) times ρ_t, one spike of the digits set in that number; or it
 * is the number of spikes; or, as an integer of 32 bits, the word that was sent.
 */
export interface SpikeWords {
  readonly view: View;
  readonly counts: "non-zero" | "bits" | "number" | "word";
  readonly unit: View | null;
  readonly schedule: SharedSchedule;
}

/** What is asked of a program besides its outputs. */
export interface LoweringOptions {
  /** Timesteps of a run; Infinity where it has no end. */
  readonly timesteps: number;
  /** Timesteps of one chunk. */
  readonly steps: number;
  /** Whether state lives on from chunk to chunk. */
  readonly chunked: boolean;
  /** Values that must be in memory, each timestep apart. */
  readonly keep: ReadonlySet<ValueId>;
  /** Neurons whose potentials are kept after each timestep. */
  readonly traces: ReadonlySet<ValueId>;
  /** The kernel of all windows of spikes; null where the cost model chooses. */
  readonly windows: WindowKernel | null;
  /** Whether 3 × 3 convolutions may be done by Winograd's tiles. */
  readonly tiles: boolean;
  /** Whether words are bytes, which are multiplied by an instruction of relaxed SIMD; else two bytes each. */
  readonly relaxed: boolean;
  /** Threads that work on one sample together. */
  readonly parts: number;
  /** Spikes per neuron and timestep, where they are known. */
  readonly rates: ReadonlyMap<ValueId, number>;
  /** Neurons whose spikes the host writes. */
  readonly given: ReadonlySet<ValueId>;
}

/** Gives the view of an op's result, or null where the family has no kernel for it. */
export type Lower = (lowering: Lowering, op: Op) => View | null;

/** Gives the spikes of an op's result, or null where the family makes none of it. */
export type LowerSpikes = (lowering: Lowering, op: Op) => Spikes | null;

/** Gives the words of an op's result, or null where the family makes none of it. */
export type LowerWords = (lowering: Lowering, op: Op) => Words | null;

/** What knows how to lower which ops, in the order in which they are asked. */
export interface Families {
  readonly values: readonly Lower[];
  readonly spikes: readonly LowerSpikes[];
  readonly words: readonly LowerWords[];
}

export class Lowering {
  readonly module: Module;
  readonly options: LoweringOptions;
  readonly layouts: Layouts;
  readonly steps: Step[] = [];
  readonly traces = new Map<ValueId, View>();
  /** What neurons have fired, where it does not show in their masks; filled when their value is lowered. */
  readonly fired = new Map<ValueId, SpikeWords>();
  /** Where values are kept that come back, by the op that they come back in. */
  readonly kept = new Map<ValueId, View>();
  private readonly ops: ReadonlyMap<ValueId, Op>;
  private readonly uses = new Map<ValueId, number>();
  private readonly varying = new Set<ValueId>();
  private readonly views = new Map<ValueId, View>();
  private readonly rooms = new Map<View, Room>();
  private readonly constants = new Map<string, Buffer>();
  private readonly made: {
    readonly buffer: Buffer;
    readonly from: Buffer;
    readonly shape: Omit<SumTables, "address" | "from">;
  }[] = [];
  private readonly trains = new Map<ValueId, Spikes | null>();
  private readonly sent = new Map<ValueId, Words | null>();
  /** Values of which only some timesteps are to be written, with those that are once they are made. */
  private readonly sparse = new Map<ValueId, RowSteps | null>();
  private readonly families: Families;

  constructor(module: Module, options: LoweringOptions, families: Families) {
    this.module = module;
    this.options = options;
    this.families = families;
    this.layouts = layoutsOf(module);
    this.ops = new Map(module.ops.map((op) => [op.result, op]));
    for (const op of module.ops) {
      for (const value of op.inputs) this.uses.set(value, (this.uses.get(value) ?? 0) + 1);
      if (variesByItself(op) || op.inputs.some((value) => this.varying.has(value))) {
        this.varying.add(op.result);
      }
    }
    for (const { value } of module.carries) this.uses.set(value, (this.uses.get(value) ?? 0) + 1);
    for (const { value } of module.outputs) this.uses.set(value, (this.uses.get(value) ?? 0) + 1);
  }

  opOf(value: ValueId): Op {
    return known(this.ops.get(value), `the op that makes %${value}`);
  }

  operandOf(op: Op, index = 0): ValueId {
    return known(op.inputs[index], `operand ${index} of ${op.kind}`);
  }

  tensor(ref: TensorRef): Tensor {
    return tensorAt(this.module, ref);
  }

  /** Whether a value may differ from timestep to timestep. */
  isVarying(value: ValueId): boolean {
    return this.varying.has(value);
  }

  /** Timesteps of a chunk that a value has: 1 where it does not vary. */
  stepsOf(value: ValueId): number {
    return this.isVarying(value) ? this.options.steps : 1;
  }

  phaseOf(value: ValueId): Step["phase"] {
    return this.isVarying(value) ? "each" : "begin";
  }

  /** Whether one op alone reads the value and nobody else asks for it. */
  isPrivate(value: ValueId): boolean {
    return this.uses.get(value) === 1 && !this.options.keep.has(value);
  }

  /** The value in memory; lowers what makes it the first time. */
  dense(value: ValueId): View {
    const ready = this.views.get(value);
    invariant(ready === undefined || (this.sparse.get(value) ?? null) === null, "one reader");
    if (ready !== undefined) return ready;
    const op = this.opOf(value);
    for (const family of this.families.values) {
      const view = family(this, op);
      if (view === null) continue;
      this.views.set(value, view);
      return view;
    }
    invariant(false, `no kernel for ${op.kind}`);
  }

  /**
   * The value in memory for an op that reads it alone and passes over what is not there: null for `steps` where all
   * timesteps are.
   */
  someSteps(value: ValueId): { readonly view: View; readonly steps: RowSteps | null } {
    if (!this.isPrivate(value) || this.views.has(value)) {
      return { view: this.dense(value), steps: null };
    }
    this.sparse.set(value, null);
    const view = this.dense(value);
    return { view, steps: this.sparse.get(value) ?? null };
  }

  /** Room to say which timesteps of a value are there; null where its reader wants all of them. */
  rowSteps(value: ValueId, rows: number): RowSteps | null {
    if (!this.sparse.has(value) || this.options.steps > mostRowSteps) return null;
    const buffer = this.buffer("scratch", `%${value} when`, rowStepsBytes(rows));
    const made = { buffer, rows };
    this.sparse.set(value, made);
    return made;
  }

  /** Takes `rowSteps` back. */
  allSteps(value: ValueId): void {
    this.sparse.set(value, null);
  }

  /**
   * The spikes that an op's value is made of; lowers them the first time. Null where it is made of
   * none, or of ones that masks cannot hold.
   */
  spikesOf(op: Op): Spikes | null {
    const ready = this.trains.get(op.result);
    if (ready !== undefined) return ready;
    let found: Spikes | null = null;
    for (const family of this.families.spikes) found ??= family(this, op);
    this.trains.set(op.result, found);
    return found;
  }

  /** The words that an op's value is made of; lowers them the first time. Null where it is made of none. */
  wordsOf(op: Op): Words | null {
    const ready = this.sent.get(op.result);
    if (ready !== undefined) return ready;
    let found: Words | null = null;
    for (const family of this.families.words) found ??= family(this, op);
    this.sent.set(op.result, found);
    return found;
  }

  /** The value of the same elements for one of another name. */
  alias(value: ValueId, view: View): void {
    this.views.set(value, view);
  }

  emit(step: Omit<Step, "host"> & { readonly emit: (code: FunctionWriter) => void }): void {
    this.steps.push({ ...step, host: null });
  }

  emitHost(step: Omit<Step, "emit"> & { readonly host: HostStep }): void {
    this.steps.push({ ...step, emit: null });
  }

  buffer(kind: BufferKind, name: string, bytes: number): Buffer {
    return { name, kind, bytes, data: null, address: 0 };
  }

  /** Constant bytes, once for each name. */
  constant(name: string, make: () => Float32Array | Int32Array | Int16Array | Int8Array): Buffer {
    const ready = this.constants.get(name);
    if (ready !== undefined) return ready;
    const array = make();
    const data = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const buffer: Buffer = { name, kind: "constant", bytes: data.length, data, address: 0 };
    this.constants.set(name, buffer);
    return buffer;
  }

  /** Tables of sums, made in memory from weights that are a constant. */
  tables(name: string, from: Buffer, shape: Omit<SumTables, "address" | "from">): Buffer {
    const ready = this.constants.get(name);
    if (ready !== undefined) return ready;
    const bytes = tableLength(shape) * weightBytes(shape.element);
    const buffer = this.buffer("constant", name, bytes);
    this.constants.set(name, buffer);
    this.made.push({ buffer, from, shape });
    return buffer;
  }

  /** How to make the tables, once everything has an address. */
  allTables(): readonly SumTables[] {
    return this.made.map(({ buffer, from, shape }) => ({
      ...shape,
      address: buffer.address,
      from: from.address,
    }));
  }

  allConstants(): readonly Buffer[] {
    return [...this.constants.values()];
  }

  /** A place for `value`, laid out as its readers like it. */
  place(value: ValueId): View {
    const { shape, dtype } = this.opOf(value).type;
    // What no kernel computes with is held in doubles, for the host.
    const element = elementOf(dtype) ?? "f64";
    const steps = this.stepsOf(value);
    const name = `%${value}`;
    if (!this.layouts.images.has(value) || element === "f64") {
      const bytes = bytesFor(element, shape, steps);
      const lead = steps > 1 ? elementCount(shape) : 0;
      return rowMajor(this.buffer("scratch", name, bytes), element, shape, lead);
    }
    const room = this.layouts.rooms.get(value) ?? noRoom(shape);
    return this.imagePlace(name, element, shape, room, steps, this.phaseOf(value));
  }

  /** A place with channels last and zeros around; emits the step that makes them zero. */
  imagePlace(
    name: string,
    element: Element,
    shape: Shape,
    room: Room,
    steps: number,
    phase: Step["phase"],
  ): View {
    const channels = shape[1] ?? 1;
    const spatial = shape.slice(2);
    const padded = spatial.map(
      (extent, axis) => (room.before[axis] ?? 0) + extent + (room.after[axis] ?? 0),
    );
    const strides: number[] = [0, 1];
    let stride = channels;
    const spatialStrides = padded.map(() => 0);
    for (let axis = padded.length - 1; axis >= 0; axis--) {
      spatialStrides[axis] = stride;
      stride *= padded[axis] ?? 1;
    }
    strides.push(...spatialStrides);
    strides[0] = stride;
    const offset = spatialStrides.reduce((sum, s, axis) => sum + s * (room.before[axis] ?? 0), 0);
    const bytes = elementBytes(element) * stride * steps;
    const buffer = this.buffer("scratch", name, bytes);
    const view = { buffer, element, offset, shape, strides, lead: steps > 1 ? stride : 0 };
    this.rooms.set(view, room);
    if ([...room.before, ...room.after].some((n) => n > 0)) {
      this.emit({
        name: `${name} halo`,
        phase,
        reads: [],
        writes: [buffer],
        emit(code) {
          clearAround(code, view, room, steps);
        },
      });
    }
    return view;
  }

  /** Whether there are at least so many zeros around a view. */
  hasRoom(view: View, need: Room): boolean {
    const have = this.rooms.get(view);
    const least = (x: readonly number[] | undefined, y: readonly number[]): boolean =>
      y.every((n, axis) => n === 0 || (x?.[axis] ?? 0) >= n);
    return least(have?.before, need.before) && least(have?.after, need.after);
  }
}

function noRoom(shape: Shape): Room {
  const zeros = shape.slice(2).map(() => 0);
  return { before: zeros, after: zeros };
}

/** How kernels hold values of a dtype, truth as 0 or 1; null where only the host computes with it. */
export function elementOf(dtype: DType): Element | null {
  switch (dtype) {
    case "f32":
      return "f32";
    case "i32":
    case "i16":
    case "i8":
    case "u16":
    case "u8":
    case "bool":
      return "i32";
    case "f64":
    case "f16":
    case "bf16":
    case "i64":
    case "u64":
    case "u32":
      return null;
  }
}

/** Fills with zeros what lies around an image: whole rows above and below, then the sides. */
function clearAround(code: FunctionWriter, view: View, room: Room, steps: number): void {
  const { wasm } = code;
  const rank = view.shape.length - 2;
  const [rowAxis, columnAxis] = rank === 1 ? [null, 0] : [0, 1];
  const before = (axis: number | null): number => (axis === null ? 0 : (room.before[axis] ?? 0));
  const after = (axis: number | null): number => (axis === null ? 0 : (room.after[axis] ?? 0));
  const pixel = 4 * (view.strides[columnAxis + 2] ?? 0);
  const columns = view.shape[columnAxis + 2] ?? 1;
  const rows = rowAxis === null ? 1 : (view.shape[rowAxis + 2] ?? 1);
  const row = pixel * (before(columnAxis) + columns + after(columnAxis));
  const fill = (offset: number, bytes: number, at: () => number): void => {
    if (bytes > 0)
      code.push(
        wasm.memory.fill(wasm.i32.add(at(), code.int(offset)), code.int(0), code.int(bytes)),
      );
  };
  onFirstThread(code, () => {
    const start = code.define(
      "i32",
      wasm.i32.add(
        wasm.global.get("arena", code.assembler.typeOf("i32")),
        code.int(view.buffer.address),
      ),
    );
    code.times(steps, () => {
      fill(0, row * before(rowAxis), () => start.get());
      fill(row * (before(rowAxis) + rows), row * after(rowAxis), () => start.get());
      if (before(columnAxis) + after(columnAxis) > 0) {
        const at = code.define("i32", wasm.i32.add(start.get(), code.int(row * before(rowAxis))));
        code.times(rows, () => {
          fill(0, pixel * before(columnAxis), () => at.get());
          fill(pixel * (before(columnAxis) + columns), pixel * after(columnAxis), () => at.get());
          at.step(row);
        });
      }
      start.step(4 * view.lead);
    });
  });
}
