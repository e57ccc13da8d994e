/**
 * A compiled module as plain data: the WebAssembly, the constants, and where values lie. It can be
 * sent to another thread or written to files; instance.ts runs it.
 */
import type { Op, ValueId } from "../../ir/op/op.ts";
import type { Tensor, TensorRef } from "../../ir/tensor.ts";
import type { Shape } from "../../ir/type.ts";
import { aligned } from "./memory/arena.ts";
import type { MaskShape } from "./memory/spikes.ts";
import type { SumTables } from "./memory/tables.ts";
import { type Element, type View, elementBytes } from "./memory/view.ts";

/** A view with its address. */
export interface Located {
  /** Bytes from the start of memory, or of the arena. */
  readonly address: number;
  readonly inArena: boolean;
  readonly element: Element;
  readonly shape: Shape;
  /** Elements per axis. */
  readonly strides: readonly number[];
  /** Elements from one timestep to the next; 0 where there is one value for all. */
  readonly lead: number;
}

/** One thing to do in a run: an exported function, or a task of the host. */
export type ProgramStep = { readonly call: string } | { readonly task: number };

/** An op that the host computes by the interpreter's function for it. */
export interface HostTask {
  readonly op: Op;
  readonly operands: readonly { readonly type: Op["type"]; readonly at: Located }[];
  readonly result: Located;
  readonly steps: number;
}

/** What a run counts, as doubles [row, timestep of the chunk]. */
export interface CountBuffer {
  readonly at: Located;
  readonly rows: CountRows;
}

/** Which row holds what. Rows 0 … n − 1 are spikes of the neuron ops, in the order of the module. */
export interface CountRows {
  readonly count: number;
  readonly spikes: ReadonlyMap<ValueId, number>;
  /** Digits of those neurons' spikes that may have several. */
  readonly bits: ReadonlyMap<ValueId, number>;
  /** Weights met, by the number of timesteps after the word was sent; none where they are not counted. */
  readonly events: readonly EventRows[];
}

export interface EventRows {
  /** By words of one digit that are additions. */
  readonly plain: number;
  /** By other words of one digit. */
  readonly digits: number;
  /** By words of several digits, and by their digits. */
  readonly words: number;
  readonly wordBits: number;
}

export function countRowsOf(
  neurons: readonly ValueId[],
  withWords: readonly ValueId[],
  delays: number,
): CountRows {
  let next = 0;
  const rowsFor = (values: readonly ValueId[]): Map<ValueId, number> =>
    new Map(values.map((value) => [value, next++]));
  const spikes = rowsFor(neurons);
  const bits = rowsFor(withWords);
  const events = Array.from({ length: delays }, () => ({
    ...{ plain: next++, digits: next++, words: next++, wordBits: next++ },
  }));
  return { count: Math.max(1, next), spikes, bits, events };
}

/** Where to find the mean of a value over the timesteps. */
export interface Average {
  readonly at: Located;
  /** Whether it is the sum over the timesteps so far; else the value itself, which never varies. */
  readonly summed: boolean;
}

/** Where spikes lie: as values, or as masks of which planes of each sign there are lie in the arena. */
export type SpikesAt =
  | { readonly kind: "values"; readonly at: Located }
  | {
      readonly kind: "masks";
      /** Bytes from the start of the arena. */
      readonly planes: readonly number[];
      readonly shape: MaskShape;
      /** Whether the grid's channels are axis 1 of the value; its last axis otherwise. */
      readonly image: boolean;
    };

export interface Program {
  readonly binary: Uint8Array<ArrayBuffer>;
  /** Functions that the host gives under `math`. */
  readonly math: readonly string[];
  readonly constants: readonly { readonly address: number; readonly data: Uint8Array }[];
  /** Made in memory from constants, before anything runs. */
  readonly tables: readonly SumTables[];
  readonly constantBytes: number;
  /** Of one thread. */
  readonly arenaBytes: number;
  /** Whether its memory is shared between threads. */
  readonly shared: boolean;
  /**
   * For threads that share each sample: the function at which they wait for each other, and the
   * place in the arena of a word that one tells the others by. Null where they take whole samples.
   */
  readonly sync: { readonly call: string; readonly address: number } | null;
  /** Timesteps of a frame where the module's code has frames, which run as one timestep here; else 1. */
  readonly frameTicks: number;
  /** Names of the functions in the order of the binary, imported ones first. */
  readonly functions: readonly string[];
  /** Timesteps of a chunk. */
  readonly steps: number;
  readonly begin: readonly ProgramStep[];
  readonly each: readonly ProgramStep[];
  /** After a chunk whose spikes are to be counted, where `each` does not count them. */
  readonly count: readonly ProgramStep[];
  readonly tasks: readonly HostTask[];
  /** Tensors that tasks read. */
  readonly tensors: ReadonlyMap<TensorRef, Tensor>;
  /** In the order of the module. */
  readonly inputs: readonly Located[];
  /** Which of them have a frame for each timestep. */
  readonly overTime: readonly boolean[];
  /** Inputs of spikes, by number, with the weights that each element meets; none where they are not counted. */
  readonly arrivals: readonly {
    readonly input: number;
    readonly delay: number;
    readonly fanOut: Float64Array;
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly value: ValueId;
    readonly at: Located;
  }[];
  readonly kept: ReadonlyMap<ValueId, Located>;
  readonly averages: ReadonlyMap<ValueId, Average>;
  readonly traces: ReadonlyMap<ValueId, Located>;
  /** Spikes that are read as they lie there, and such as the host writes. */
  readonly recorded: ReadonlyMap<ValueId, SpikesAt>;
  readonly given: ReadonlyMap<ValueId, SpikesAt>;
  readonly counts: CountBuffer | null;
  /** Connections of all synapses: how much work a timestep is at most. */
  readonly connections: number;
}

export function locate(view: View): Located {
  return {
    address: view.buffer.address + view.offset * elementBytes(view.element),
    inArena: view.buffer.kind !== "constant",
    element: view.element,
    shape: view.shape,
    strides: view.strides,
    lead: view.lead,
  };
}

/** Bytes from one thread's arena to the next. */
export function arenaAddress(program: Program, thread: number): number {
  return aligned(program.constantBytes) + thread * program.arenaBytes;
}

/** Bytes of memory for so many threads. */
export function memoryBytes(program: Program, threads: number): number {
  return arenaAddress(program, threads);
}
