/**
 * A target: something else than snnc that a network is to run on, and how its files are made. A
 * backend first says all that it cannot do with a network; only what it says nothing about is
 * emitted. Files are returned, not written, and the same network and options give the same bytes.
 */
import type { Diagnostic } from "./diagnostic.ts";
import type { Json } from "./file/json.ts";
import type { Provenance } from "./file/package.ts";
import type { Module } from "./module.ts";
import type { OptionTable, OptionValues } from "./options.ts";
import type { TensorData } from "./tensor.ts";

/** How pixels become what an input takes: (pixel · scale − mean) / std. */
export interface PixelPreprocess {
  readonly scale: number;
  /** One value, or one per channel in the order that the network takes them. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Where the channels are in the input's shape. */
  readonly layout: "NCHW" | "NHWC";
  /** Colours in the order that the network takes them; null: grey for one channel, RGB for three. */
  readonly channels: "RGB" | "BGR" | "gray" | null;
}

/** A sample that goes with a network. */
export interface BuildSample {
  /** The class number, or null where it is not known. */
  readonly label: number | null;
  /** Elements of each input in the module's order, row-major. */
  readonly inputs: readonly TensorData[];
}

/** What may be given with a network, whatever the target; a backend says what it makes use of. */
export interface Materials {
  /** Names of values to keep observable at each timestep; `all` is every layer. */
  readonly probes: readonly string[];
  /** Names of layers whose membrane potentials are to be observable; `all` is every layer. */
  readonly membranes: readonly string[];
  /** How pixels become the input of a network that has one. */
  readonly preprocess: PixelPreprocess | null;
  /** Names of the classes, one per element of the first output. */
  readonly classes: readonly string[] | null;
  /** Samples to go with the network; null where none are wanted, which may be less than none given. */
  readonly samples: readonly BuildSample[] | null;
}

export type Material = keyof Materials;

/** Files that came with the package and go with every network. */
export interface Assets {
  /** The text of a file, by its name. */
  read(name: string): string;
}

/** What is asked of a backend besides the network. */
export interface BuildRequest<V> extends Materials {
  readonly options: V;
  /** Timesteps that a run takes unless told otherwise. */
  readonly timesteps: number;
  readonly assets: Assets;
  /** What the build is made from and by, for what files say of themselves; null where nothing is emitted. */
  readonly making: Making | null;
}

/** What a build is made from and by. */
export interface Making {
  readonly tool: { readonly name: string; readonly version: string };
  readonly network: { readonly file: string; readonly sha256: string };
  readonly provenance: Provenance | null;
}

export interface Emitted<R> {
  /** By name; none is called report.json or manifest.json, which are the build's own. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What there is to say about the result; becomes report.json. */
  readonly report: R;
  /** Every setting as it was taken, for the manifest. */
  readonly settings: { readonly [key: string]: Json };
  /** The report in short, for people: rows of a table, the first one its head. */
  readonly rows: readonly (readonly string[])[];
}

export interface Backend<T extends OptionTable = OptionTable, R = unknown> {
  /** One word. Unique; the command line calls the target so. */
  readonly name: string;
  readonly summary: string;
  readonly options: T;
  /** What of the materials it makes use of. The others are refused, not passed over. */
  readonly takes: readonly Material[];
  /**
   * Every name that a file of it may have: nothing else in a folder is ever replaced. `*` stands for any identifier
   * in lower case, where files are called after the network.
   */
  readonly fileNames: readonly string[];
  /** All reasons not to emit, each with its place and a way out. None: `emit` will not fail. */
  check(
    module: Module,
    request: BuildRequest<OptionValues<T>>,
  ): readonly Diagnostic[] | Promise<readonly Diagnostic[]>;
  emit(module: Module, request: BuildRequest<OptionValues<T>>): Emitted<R> | Promise<Emitted<R>>;
}

/** A backend whose option types have been put aside, as the list of targets holds it. */
export interface AnyBackend<R = unknown> extends Omit<Backend, "check" | "emit"> {
  check(
    module: Module,
    request: BuildRequest<Readonly<Record<string, unknown>>>,
  ): readonly Diagnostic[] | Promise<readonly Diagnostic[]>;
  emit(
    module: Module,
    request: BuildRequest<Readonly<Record<string, unknown>>>,
  ): Emitted<R> | Promise<Emitted<R>>;
}

/** Declares a backend; the types of its options follow from its table. */
export function defineBackend<const T extends OptionTable, R>(
  backend: Backend<T, R>,
): AnyBackend<R> {
  // Options are filled in from this backend's own table, so the values have the table's types.
  return backend;
}

/** Whether `name` is one of `names`, `*` in which stands for an identifier in lower case. */
export function isFileName(names: readonly string[], name: string): boolean {
  return names.some((each) => {
    const [before = "", after] = each.split("*");
    if (after === undefined) return each === name;
    const middle = name.slice(before.length, name.length - after.length);
    const isAround = name.startsWith(before) && name.endsWith(after);
    return isAround && /^[a-z][a-z0-9_]*$/.test(middle);
  });
}
