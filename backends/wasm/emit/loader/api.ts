/**
 * What a built network offers to the program that loads it. `snnc build` copies this file to
 * `model.d.ts` with the names of the network at hand in place of `string`; `model.js` keeps to it.
 */

/** Names of the network's inputs. */
export type InputName = string;
/** Names of its outputs. */
export type OutputName = string;
/** Names of its layers of spiking neurons. */
export type LayerName = string;
/** Names of the values that the build keeps observable. */
export type ProbeName = string;

/** How pixels of 0 to 255 become input: (pixel · scale − mean[c]) / std[c]. */
export interface Preprocess {
  readonly scale: number;
  /** One value, or one per channel in the order that the network takes them. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Where the channels are in the input's shape. */
  readonly layout: "NCHW" | "NHWC";
  /** Colours in the order that the network takes them; null: grey for one channel, RGB for three. */
  readonly channels: "RGB" | "BGR" | "gray" | null;
}

export interface InputInfo {
  readonly name: InputName;
  /** As the network states it; an axis of 1 in front is its batch. */
  readonly shape: readonly number[];
  /** Null where the build was not told. */
  readonly preprocess: Preprocess | null;
}

export interface OutputInfo {
  readonly name: OutputName;
  readonly shape: readonly number[];
}

export interface LayerInfo {
  readonly name: LayerName;
  readonly shape: readonly number[];
  readonly neurons: number;
}

export interface ProbeInfo {
  readonly name: ProbeName;
  /** `spikes`: what a neuron sent, 0 where it did not fire; `membrane`: the potential after the step. */
  readonly keeps: "spikes" | "membrane" | "values";
  readonly shape: readonly number[];
}

/** Row-major elements of each input, in order, by name, or of the only one. */
export type Inputs =
  | ArrayLike<number>
  | readonly ArrayLike<number>[]
  | { readonly [Name in InputName]: ArrayLike<number> };

/** When to stop early: once the best class of an output leads the second by a margin. */
export interface EarlyExit {
  readonly margin: number;
  /** Whether it is one of softmax probabilities (unless said otherwise) or of the output itself. */
  readonly of?: "probability" | "output";
  /** The first output unless said otherwise. */
  readonly output?: OutputName;
  /** The fewest timesteps to run; 1 unless said otherwise. */
  readonly minimum?: number;
  /** The margin is looked at after every so many timesteps; 1 unless said otherwise. */
  readonly every?: number;
}

export interface PoolRunOptions {
  /** The number that the network was converted for unless said otherwise; 1 for analogue networks. */
  readonly timesteps?: number;
  readonly exit?: EarlyExit;
  /** Count the spikes of each layer. */
  readonly spikes?: boolean;
  /** Which of the build's probes to keep; none unless said otherwise. */
  readonly probes?: readonly ProbeName[];
}

export interface RunOptions extends PoolRunOptions {
  /** Told of each timestep; returning false ends the run there. */
  readonly onTimestep?: (step: Timestep) => unknown;
}

export interface Timestep {
  /** 1 for the first since the sample was given. */
  readonly timestep: number;
  /** The outputs after this timestep; valid during the call. */
  readonly outputs: { readonly [Name in OutputName]: Float32Array };
}

/** A value at each timestep of a run. */
export interface Series<Data = Float32Array> {
  readonly shape: readonly number[];
  /** All timesteps, [T, …shape], row-major. */
  readonly data: Data;
  /** The elements after timestep `t`, which counts from 1 and from the start of the sample. */
  readonly at: (t: number) => Data;
  /** The elements after the last timestep. */
  readonly last: Data;
}

export interface SpikeCounts {
  readonly total: number;
  /** Of each layer at each timestep of the run, [T]. */
  readonly layers: { readonly [Name in LayerName]: Float64Array };
}

export interface RunResult {
  /** The timestep before the first of this result: 0 unless the run went on with an earlier one. */
  readonly after: number;
  /** How many timesteps this result has. */
  readonly timesteps: number;
  /** Whether it ended early: by `exit`, or by `onTimestep`. */
  readonly exited: boolean;
  /** Each output as it stands after each timestep. */
  readonly outputs: { readonly [Name in OutputName]: Series };
  readonly probes: { readonly [Name in ProbeName]?: Series<Float32Array | Int32Array> };
  /** Null where counting was not asked for. */
  readonly spikes: SpikeCounts | null;
}

export interface NetworkInfo {
  readonly name: string;
  readonly kind: "snn" | "ann";
  /** What a run takes unless told otherwise. */
  readonly timesteps: number;
  /**
   * Timesteps of one sample for which the integers of the network are proved to stay within 32 bits:
   * it runs for no more, also where a run goes on with a sample. Null where there is no such end.
   */
  readonly mostTimesteps: number | null;
  /**
   * Timesteps that each layer takes for the one answer of a run, in codes whose neurons fire when a
   * whole frame was received (few spikes, time to first spike); null where every timestep has one.
   */
  readonly frame: number | null;
  /** Timesteps that are computed together: an early exit saves whole chunks. */
  readonly chunk: number;
  readonly inputs: readonly InputInfo[];
  readonly outputs: readonly OutputInfo[];
  readonly layers: readonly LayerInfo[];
  readonly probes: readonly ProbeInfo[];
  /** Names of the classes, where the build was given them. */
  readonly classes: readonly string[] | null;
  /** Bytes of WebAssembly memory that one thread takes, weights included. */
  readonly memoryBytes: number;
}

export interface Network extends NetworkInfo {
  /**
   * Runs a sample from reset. With `null` for the inputs it goes on with the sample of the run
   * before, for so many timesteps more.
   */
  run(inputs: Inputs | null, options?: RunOptions): RunResult;
  /** Forgets the last sample and clears what it left in memory. */
  reset(): void;
  /** Input from an `ImageData` of the input's width and height, by the preprocessing it knows. */
  fromPixels(image: Pixels, input?: InputName): Float32Array;
  /** Opens a pool of workers for samples side by side. */
  createPool(threads: number): Promise<Pool>;
}

/** What `CanvasRenderingContext2D.getImageData` gives: RGBA, row by row. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

export interface Pool {
  /** How many samples run at a time. */
  readonly threads: number;
  /**
   * `shared`: workers over one memory, weights once. `separate`: each has its own, as the page is
   * not cross-origin isolated. `none`: there are no workers; samples run one by one on this thread.
   */
  readonly memory: "shared" | "separate" | "none";
  /** Why it is not `shared`, in words; null where it is. */
  readonly reason: string | null;
  run(inputs: Inputs, options?: PoolRunOptions): Promise<RunResult>;
  /** Results in the order of the samples. */
  runAll(samples: readonly Inputs[], options?: PoolRunOptions): Promise<RunResult[]>;
  /** Ends the workers; runs that wait are refused. */
  close(): void;
}

/** The two files, wherever they came from. */
export interface Parts {
  readonly wasm: ArrayBuffer | Uint8Array;
  readonly weights: ArrayBuffer | Uint8Array;
}

/** Loads a network from the folder of a build, which a URL names, or from its two files' bytes. */
export declare function load(from: URL | string | Parts): Promise<Network>;

/** The index of the largest element; the first of equals. */
export declare function argmax(values: ArrayLike<number>): number;
