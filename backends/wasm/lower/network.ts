/**
 * Lowers a whole network: what outputs, counts and probes need becomes steps over views of memory. No
 * code is written yet; the steps already say which ops are left to the host.
 */
import { isNeuron, variesByItself } from "../../../ir/op/known.ts";
import { valuesBehind } from "../../../ir/analysis/walk.ts";
import { invariant } from "../../../ir/diagnostic.ts";
import { type Module, inputsOf } from "../../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import type { SpikeMasks } from "../memory/spikes.ts";
import type { View } from "../memory/view.ts";
import { type Averaged, lowerAverage } from "./averages.ts";
import { lowerCarries } from "./carries.ts";
import { type CountsView, lowerCounts } from "./counts.ts";
import { Lowering, type Step } from "./lowering.ts";
import type { WindowKernel } from "./neurons/cost.ts";
import { families } from "./table.ts";

export interface LowerOptions {
  /** Timesteps of a run; 1 for a module of code "none". */
  readonly timesteps: number;
  /** Timesteps of one chunk, at most those of a run. */
  readonly steps: number;
  /** Values to keep readable, each timestep apart. */
  readonly keep: readonly ValueId[];
  /** Values whose mean over the timesteps is wanted. */
  readonly average: readonly ValueId[];
  /** Neuron ops whose potentials are kept after each timestep. */
  readonly traces: readonly ValueId[];
  /** Whether to count spikes and synaptic operations; `spikes`: those alone, and only when asked. */
  readonly count: boolean | "spikes";
  /**
   * The kernel of all windows of spikes; left out, the cost model chooses for each. The choice hangs
   * on the module and these options alone, not on the machine or on samples, so that a module is
   * always compiled to the same bytes. In float32 it shows in results, as sums of another order
   * round otherwise; in integers it does not.
   */
  readonly windows?: WindowKernel;
  /** Whether instructions of relaxed SIMD may be used; what is computed is the same. */
  readonly relaxed?: boolean;
  /** Threads that work on one sample together; 1 unless given. */
  readonly tiles?: number;
  /** `direct`: no 3 × 3 convolution by Winograd's tiles. */
  readonly convolutions?: "direct";
  /**
   * Spikes per neuron and timestep of ops that make spikes, where they are known, for the cost model.
   * A network of integers brings those of its calibration along (`Module.rates`).
   */
  readonly rates?: ReadonlyMap<ValueId, number>;
  /** Whether outputs are to be readable; true unless given. */
  readonly outputs?: boolean;
  /** Neurons whose spikes are to be readable as they lie in memory. */
  readonly record?: readonly ValueId[];
  /** Neurons whose spikes the host writes; what only they need is left out. None where spikes are counted. */
  readonly given?: readonly ValueId[];
}

/** Spikes as they lie in memory: masks, or values where these have no form of bits. */
export type SpikePlace = { readonly masks: SpikeMasks; readonly image: boolean } | View;

/** A network whose every value that anyone reads has a view, and the steps that make them. */
export interface LoweredNetwork {
  readonly lowering: Lowering;
  /** Values that are there, given ones included. */
  readonly needed: ReadonlySet<ValueId>;
  readonly outputs: readonly {
    readonly name: string;
    readonly value: ValueId;
    readonly view: View;
  }[];
  readonly kept: readonly (readonly [ValueId, View])[];
  readonly averages: readonly (readonly [ValueId, Averaged])[];
  readonly counted: CountsView | null;
  readonly inputs: readonly View[];
  readonly recorded: readonly (readonly [ValueId, SpikePlace])[];
  readonly given: readonly (readonly [ValueId, SpikePlace])[];
}

/** Ops without a kernel become steps of the host. */
export function lowerNetwork(module: Module, options: LowerOptions): LoweredNetwork {
  const lowering = new Lowering(
    module,
    {
      timesteps: options.timesteps,
      steps: options.steps,
      chunked: options.steps < options.timesteps,
      keep: new Set([...options.keep, ...options.average]),
      traces: new Set(options.traces),
      windows: options.windows ?? null,
      tiles: options.convolutions !== "direct",
      relaxed: options.relaxed ?? false,
      parts: options.tiles ?? 1,
      rates: options.rates ?? new Map<ValueId, number>(),
      given: new Set(options.given),
    },
    families,
  );
  // Values that several ops read are made in the order of the module; the rest when asked for.
  const depths = new Map<ValueId, number>();
  const needed = neededOf(module, options);
  for (const op of module.ops) {
    if (!needed.has(op.result)) continue;
    const depth = 1 + op.inputs.reduce((most, value) => Math.max(most, depths.get(value) ?? 0), 0);
    const isDeep = depth >= (mayBeTakenIn(op) ? deepest : deep);
    const isSent =
      isNeuron(op) && (lowering.spikesOf(op) !== null || lowering.wordsOf(op) !== null);
    if (!isSent && (isNeuron(op) || isDeep)) lowering.dense(op.result);
    depths.set(op.result, isNeuron(op) || isDeep ? 0 : depth);
  }
  const wanted = options.outputs === false ? [] : module.outputs;
  const outputs = wanted.map(({ name, value }) => ({
    name,
    value,
    view: lowering.dense(value),
  }));
  const kept = options.keep.map((value) => [value, lowering.dense(value)] as const);
  const averages = options.average.map(
    (value) => [value, lowerAverage(lowering, value, options.timesteps)] as const,
  );
  lowerCarries(lowering);
  const counted =
    options.count === false
      ? null
      : lowerCounts(lowering, options.count === "spikes" ? "spikes" : "operations");
  const inputs = inputsOf(module).map((op) => lowering.dense(op.result));
  const [recorded, given] = [options.record ?? [], options.given ?? []].map((values) =>
    values.map((value) => [value, spikePlaceOf(lowering, value)] as const),
  );
  return {
    ...{ lowering, needed, outputs, kept, averages, counted, inputs },
    ...{ recorded: recorded ?? [], given: given ?? [] },
  };
}

function spikePlaceOf(lowering: Lowering, value: ValueId): SpikePlace {
  const spikes = lowering.spikesOf(lowering.opOf(value));
  if (spikes === null) return lowering.dense(value);
  return { masks: spikes.masks, image: lowering.layouts.images.has(value) };
}

/** The values that have to be there for what is asked of a module, given ones included. */
function neededOf(module: Module, options: LowerOptions): ReadonlySet<ValueId> {
  const { outputs, keep, average, traces, count, record = [], given = [] } = options;
  if (given.length === 0) return new Set(module.ops.map(({ result }) => result));
  invariant(count === false && module.carries.length === 0, "a run that can go on from spikes");
  const asked = outputs === false ? [] : module.outputs.map(({ value }) => value);
  const open = [...asked, ...keep, ...average, ...traces, ...record];
  return valuesBehind(module, open, new Set(given));
}

/** In the order in which they run. */
export const phases = ["begin", "each", "count"] as const satisfies readonly Step["phase"][];

/** The steps of a phase, in their order. */
export function stepsIn({ steps }: Lowering, phase: Step["phase"]): readonly Step[] {
  return steps.filter((step) => step.phase === phase);
}

/**
 * Asking for a value asks for those that it is made of, one within the other. Where so many would be,
 * one in between is asked for first, so that networks may be deeper than the call stack: one that has
 * a place in memory in any case, or beyond the second number any.
 */
const deep = 100;
const deepest = 200;

/** Whether the kernel of an op behind it may take the op in, so that its value is never made. */
function mayBeTakenIn(op: Op): boolean {
  return variesByItself(op) || isOp(op, ...synapticKinds);
}

const synapticKinds = [
  "ann.add",
  "ann.average-pool",
  "ann.constant",
  "ann.conv",
  "ann.conv-transpose",
  "ann.linear",
  "ann.pad",
  "ann.reshape",
  "ann.slice",
] as const;
