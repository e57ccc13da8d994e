/**
 * What every importer keeps to, whatever format it reads: what it may be asked for, where the batch
 * is, how much it may make, and what it hands back. An importer mirrors its format; it never throws
 * for what the bytes hold, and never drops anything without a diagnostic.
 */
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { Module } from "../ir/module.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Type } from "../ir/type.ts";
import type { Format } from "./detect.ts";
import type { ExternalFiles } from "./external.ts";
import type { Limits } from "./limits.ts";
import type { UnsupportedOperator } from "./refusals.ts";

/** Reads one format. */
export interface Importer {
  readonly format: Format;
  import(bytes: Uint8Array, options: ImportOptions): ImportResult;
}

/** A declared extent: a number, the name of an unknown one, or null for one without a name. */
export type Dimension = number | string | null;

/**
 * What a user says about the batch: one axis for all inputs, none at all (null), or some inputs' own.
 * Inputs that are not named take part where they carry the same batch.
 */
export type BatchAxis = number | null | ReadonlyMap<string, number | null>;

/** What the value of an input is given as: a tensor, one number for all elements, or all of them. */
export type InputValue = Tensor | readonly number[];

export interface ImportOptions {
  /** The model's name for messages, without folders. */
  readonly file: string;
  /** Reads external data; null where files may not be read. */
  readonly files?: ExternalFiles | null;
  /**
   * Extent of the batch axis of inputs where the model leaves it open; 1 unless given. With 1, a
   * batch that the model fixes is taken out too. null keeps what the model says.
   */
  readonly batch?: number | null;
  /** Which axis of the inputs is the batch, where the model is not to decide it. */
  readonly batchAxis?: BatchAxis;
  /**
   * Names of the outputs that the module is to give, in this order, or of any values of the main
   * graph: the model is cut there. Unless given, all that do not depend on random numbers.
   */
  readonly outputs?: readonly string[];
  /**
   * Inputs that come as a stream, by name, each with its axis of time: the module takes one timestep of
   * them at each of its own, and the states of recurrent operators come back in it.
   */
  readonly stream?: ReadonlyMap<string, number>;
  /** Inputs that become constants of this value: the module does not take them. */
  readonly inputConstants?: ReadonlyMap<string, InputValue>;
  /** Complete shapes of inputs, by name. */
  readonly inputShapes?: ReadonlyMap<string, readonly number[]>;
  /** Inputs whose value may be built into the module where an operator needs it to be static. */
  readonly inputValues?: ReadonlyMap<string, Tensor>;
  /** Numbers for symbolic dimensions, by name. */
  readonly dimensions?: ReadonlyMap<string, number>;
  readonly limits?: Partial<Limits>;
}

export interface ImportedInput {
  readonly name: string;
  readonly type: Type;
  /** The element type in the file, where the IR holds it as a wider one; else null. */
  readonly format: string | null;
  /** As the model declares it; null where it declares no shape. */
  readonly declared: readonly Dimension[] | null;
}

export interface ImportResult {
  /** Null where anything is an error. */
  readonly module: Module | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly unsupported: readonly UnsupportedOperator[];
  readonly inputs: readonly ImportedInput[];
  /**
   * How often each operator occurs in what is needed of the model, by name (with its domain unless
   * the format's own).
   */
  readonly operators: ReadonlyMap<string, number>;
  /** Version of the format's own operators; 0 where it has none, or the model is unreadable. */
  readonly opset: number;
  /** Name and version of the exporter, "" where unknown. */
  readonly producer: string;
}
