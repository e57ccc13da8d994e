/**
 * What `model.js` must know of a program to run it: written by the build as JSON into a section of
 * `model.wasm`, so that layout and code cannot come apart.
 */
import type { SumTables } from "../../memory/tables.ts";
import type { InputInfo, LayerInfo, OutputInfo, ProbeInfo } from "./api.ts";

/** The name of the custom section. */
export const sectionName = "snnc";
/** What `model.js` refuses to be other than its own. */
export const formatVersion = 2;

/** Where a value lies in memory. */
export interface ValuePlace {
  /** Bytes from the start of memory, or of the arena. */
  readonly address: number;
  readonly inArena: boolean;
  readonly element: "f32" | "i32" | "f64";
  readonly shape: readonly number[];
  /** Elements per axis. */
  readonly strides: readonly number[];
  /** Elements from one timestep to the next; 0 where there is one value for all. */
  readonly lead: number;
}

/** Sums of weights for every value of some inputs' bits, by eight inputs. */
export interface LocatedTables extends SumTables {
  /** How many values the bits of one table have. */
  readonly values: number;
  /** Rows from one table to the next: at least as many. */
  readonly rows: number;
}

export interface Description {
  readonly format: typeof formatVersion;
  readonly name: string;
  readonly kind: "snn" | "ann";
  readonly timesteps: number;
  /** As in `NetworkInfo`. */
  readonly mostTimesteps: number | null;
  readonly frame: number | null;
  readonly chunk: number;
  readonly classes: readonly string[] | null;
  readonly memory: {
    /** Where the bytes of `model.weights` go, one run after the other. */
    readonly segments: readonly (readonly [address: number, length: number])[];
    /** What is computed from weights before the first run. */
    readonly tables: readonly LocatedTables[];
    /** Where the arena of the first thread begins. */
    readonly arenaStart: number;
    /** Bytes from one thread's arena to the next. */
    readonly arenaBytes: number;
    /** The byte of `model.wasm` that says 1 for a memory of its own, 3 for a shared one, if any. */
    readonly sharedFlagAt: number | null;
  };
  /** Functions of `Math` that the code calls. */
  readonly math: readonly string[];
  /** Exported functions to call once per sample, per chunk, and after a chunk to count. */
  readonly begin: readonly string[];
  readonly each: readonly string[];
  readonly count: readonly string[];
  /** Doubles [layer, timestep of the chunk]; null where there are no layers. */
  readonly counts: ValuePlace | null;
  readonly inputs: readonly (InputInfo & { readonly at: ValuePlace | null })[];
  readonly outputs: readonly (OutputInfo & { readonly at: ValuePlace })[];
  readonly layers: readonly LayerInfo[];
  readonly probes: readonly (ProbeInfo & { readonly at: ValuePlace })[];
}
