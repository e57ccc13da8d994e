/**
 * What the benchmark and the processes that it times say to each other. Messages are small: input
 * data goes through a file, and only answers to be compared come back.
 */
import type { MemoryUse } from "../../../ir/executable.ts";
import type { EngineName } from "../engines.ts";

/** Samples in a file: float32, one after another. */
export interface InputFile {
  readonly file: string;
  readonly count: number;
  /** Of one sample, with the batch axis that the module has. */
  readonly shape: readonly number[];
}

/** What a process of our engine is started with. */
export interface OurSpec {
  readonly role: "ours";
  readonly engine: EngineName;
  readonly threads: number;
  /** An ONNX model, which is imported and cleaned, or a `.snn`, which is run as it is. */
  readonly model: string;
  /** Null where nothing will be run. */
  readonly inputs: InputFile | null;
  /** 1 for an analogue network. */
  readonly timesteps: number;
}

/** Peers that read ONNX models themselves. */
export const onnxPeerNames = ["onnxruntime-web", "onnxruntime-node"] as const;
export type OnnxPeerName = (typeof onnxPeerNames)[number];

export const peerNames = [...onnxPeerNames, "tfjs-backend-wasm"] as const;
export type PeerName = (typeof peerNames)[number];

/** What a process of a peer is started with. */
export interface PeerSpec {
  readonly role: "peer";
  readonly peer: PeerName;
  /** Where its packages are installed. */
  readonly folder: string;
  readonly threads: number;
  readonly model: string;
  readonly inputs: InputFile | null;
  /** Images that the model takes at a time, where it takes no other number. */
  readonly fixedBatch: number | null;
  /** Where the peer writes the graph that it made of the model; only onnxruntime-node does. */
  readonly optimised?: string;
}

/** What a process tells when it is ready. */
export interface Loaded {
  readonly versions: Readonly<Record<string, string>>;
  /** Seconds of each part of loading, in order, reading the file included. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Largest resident set so far of the whole process, bytes. */
  readonly peakBytes: number;
  /** What the engine had to say, such as that it takes a slower path. */
  readonly remarks: readonly string[];
  /** Whether its Node has relaxed SIMD; said by the machine's process alone. */
  readonly relaxed?: boolean;
}

/** Of the whole process so far. */
export interface MemoryReport {
  /** Largest resident set, bytes. */
  readonly peakBytes: number;
  /** What the engine planned for its last run; null where it does not plan. */
  readonly planned: MemoryUse | null;
}

export interface Answers {
  /** Last output of each sample, one after another. */
  readonly logits: Float32Array;
  /** Means over the samples; null for an analogue network. */
  readonly activity: {
    /** Spikes per neuron and timestep. */
    readonly firingRate: number;
    readonly synapticOperations: number;
  } | null;
}

/** Starts the process that measures the machine itself, and kernels beside it. */
export interface MachineSpec {
  readonly role: "machine";
}

export type Spec = OurSpec | PeerSpec | MachineSpec;

/** What to measure, for about `seconds`. The answer is one number. */
export type Measurement =
  /** Milliseconds per image: one image per call, median of all calls. */
  | { readonly mode: "call"; readonly seconds: number }
  /** Milliseconds per image: many images in one call. */
  | { readonly mode: "stream"; readonly seconds: number }
  /** Milliseconds per image: calls of `batch` images. */
  | { readonly mode: "batch"; readonly seconds: number; readonly batch: number }
  /** Work per second of what has this name. */
  | { readonly mode: "machine"; readonly seconds: number; readonly name: string };

export type Request =
  | { readonly kind: "load"; readonly spec: Spec }
  | { readonly kind: "answers"; readonly count: number }
  | { readonly kind: "measure"; readonly measurement: Measurement }
  | { readonly kind: "memory" };

export type Reply =
  | { readonly kind: "loaded"; readonly loaded: Loaded }
  | { readonly kind: "answers"; readonly answers: Answers }
  | { readonly kind: "value"; readonly value: number }
  | { readonly kind: "memory"; readonly memory: MemoryReport }
  | { readonly kind: "failed"; readonly message: string };

/** Whether a peer reads ONNX models itself. */
export function readsOnnx(peer: PeerName): peer is OnnxPeerName {
  return peer !== "tfjs-backend-wasm";
}

/** Messages come from the other end of a channel that only this program has. */
export function isRequest(message: unknown): message is Request {
  return hasKind(message);
}

export function isReply(message: unknown): message is Reply {
  return hasKind(message);
}

function hasKind(message: unknown): boolean {
  return typeof message === "object" && message !== null && "kind" in message;
}
