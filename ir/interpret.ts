/**
 * The oracle: what a module means, op by op and timestep by timestep. Slow, obvious, one function
 * per op (in `ir/semantics/`); faster engines are right where they agree with this one. It checks
 * no input: that shapes and dtypes are the module's is for callers to see to.
 */
import { isFramedNeuron, isStateful, movedOperands, variesByItself } from "./op/known.ts";
import {
  type FramedKind,
  isOp,
  type Op,
  type OpOf,
  type StatefulKind,
  type ValueId,
} from "./op/op.ts";
import { invariant, known } from "./diagnostic.ts";
import { type EarlyExit, endsEarly, repeatLast } from "./run/early-exit.ts";
import { evaluate } from "./run/evaluate.ts";
import { fitsInput, putFrame } from "./run/frames.ts";
import { type Probe, type SampleResult, activityKinds, keptBy, noActivity } from "./executable.ts";
import { type Module, answersOf, inputsOf, isFramed, tensorAt } from "./module.ts";
import type { TensorLookup } from "./op/table.ts";
import { arrivalBits, isPlainArrival } from "./account/arrivals.ts";
import { type Drive, drivesOf, isDrivenBySpikes } from "./account/drive.ts";
import { type SenderOp, isPlain, isSenderIn } from "./account/senders.ts";
import { synapseOf } from "./account/synapse.ts";
import { broadcastIndices } from "./semantics/semantics.ts";
import { frameSum } from "./semantics/neurons/frame.ts";
import {
  type Cell,
  type FramedCell,
  type Neurons,
  type Potentials,
  cellOf,
  framedCellOf,
} from "./semantics/spiking.ts";
import { type Tensor, tensorOf, zeros } from "./tensor.ts";
import { type Shape, elementCount } from "./type.ts";

export interface InterpretOptions {
  /** Steps to run, from reset; a module of code "none" always runs for one. */
  readonly timesteps: number;
  readonly probes?: readonly Probe[];
  readonly earlyExit?: EarlyExit;
  /** The sample's number in the result; 0 unless given. */
  readonly index?: number;
  /** Values to give the mean over the timesteps of, in double precision. */
  readonly average?: readonly ValueId[];
}

export interface InterpretResult extends SampleResult {
  /** One for each value of `average`, [numel]. */
  readonly means: ReadonlyMap<ValueId, Float64Array>;
}

/**
 * Runs one sample from reset. `inputs` are in the order of the module's inputs, those that change over
 * time with an axis of frames in front.
 */
export function interpret(
  module: Module,
  inputs: readonly Tensor[],
  options: InterpretOptions,
): InterpretResult {
  const timesteps = answersOf(module, options.timesteps);
  const probes = options.probes ?? [];
  invariant(timesteps >= 1, `a run of ${timesteps} timesteps`);
  const run = new Run(module, inputs);
  const outputs = module.outputs.map(
    ({ value }) => new Float32Array(timesteps * run.sizeOf(value)),
  );
  const kept = probes.map((probe) => keptBy(probe, run.opOf(probe.value), timesteps));
  const averaged = probes.filter(({ keep }) => keep === "mean").map(({ value }) => value);
  const means = new Map(
    [...averaged, ...(options.average ?? [])].map((v) => [v, new Float64Array(run.sizeOf(v))]),
  );
  const spikes = new Float64Array(run.neurons.length);
  const bits = new Float64Array(run.neurons.length);
  const activity = noActivity(timesteps);
  let timestepsTaken = timesteps;

  for (let t = 0; t < timestepsTaken; t++) {
    run.step();
    run.neurons.forEach((neurons, i) => {
      spikes[i] = (spikes[i] ?? 0) + total(neurons.spikesOfEach);
      bits[i] = (bits[i] ?? 0) + total(neurons.bitsOfEach);
    });
    activity.spikes[t] = total(spikes);
    activity.bits[t] = total(bits);
    activity.events[t] = run.events;
    activity.plainEvents[t] = run.plainEvents;
    activity.eventBits[t] = run.eventBits;
    module.outputs.forEach(({ value }, i) => {
      const { data } = run.valueOf(value);
      outputs[i]?.set(data, t * data.length);
    });
    probes.forEach(({ value, keep }, i) => {
      if (keep === "mean") return;
      const data = keep === "state" ? run.membraneOf(value) : run.valueOf(value).data;
      kept[i]?.set(data, t * data.length);
    });
    for (const [value, sum] of means) {
      run.valueOf(value).data.forEach((x, i) => {
        sum[i] = (sum[i] ?? 0) + x;
      });
    }
    const [first] = outputs;
    const size = (first?.length ?? 0) / timesteps;
    if (first !== undefined && endsEarly(options.earlyExit, t + 1, first, t * size, size)) {
      timestepsTaken = t + 1;
    }
  }

  for (const perStep of [...outputs, ...activityKinds.map((kind) => activity[kind])]) {
    repeatLast(perStep, timestepsTaken, timesteps);
  }
  for (const sum of means.values()) sum.forEach((x, i) => (sum[i] = x / timestepsTaken));
  probes.forEach(({ value, keep }, i) => {
    if (keep === "mean") kept[i]?.set(known(means.get(value), `the mean of %${value}`));
  });
  return {
    index: options.index ?? 0,
    timestepsTaken,
    outputs,
    spikes,
    bits,
    activity,
    probes: kept,
    means,
  };
}

/**
 * One run of a module: the values of the last timestep and the state of every cell. In a framed code
 * a step is a frame: every op runs through all of its timesteps before the next op begins, as no
 * neuron fires before the frames of its operands are complete.
 */
class Run {
  /** In the order of the module. */
  readonly neurons: readonly Neurons[];
  /** Up to the last timestep. */
  events = 0;
  plainEvents = 0;
  eventBits = 0;
  private readonly module: Module;
  private readonly ops: ReadonlyMap<ValueId, Op>;
  /** Timesteps that one step runs through: those of a frame, or 1. */
  private readonly ticks: number;
  /** Of each tick of the last step; of one only where the value does not vary. */
  private readonly values = new Map<ValueId, readonly Tensor[]>();
  private readonly cells = new Map<ValueId, Cell>();
  private readonly framed = new Map<ValueId, FramedCell>();
  private readonly neuronsByValue = new Map<ValueId, Neurons>();
  /** Values that may differ from timestep to timestep; the others are computed once and kept. */
  private readonly varying = new Set<ValueId>();
  private readonly drives: ReadonlyMap<ValueId, Drive>;
  private readonly isSender: (op: Op) => op is SenderOp;
  /** Synapses that words come to, by their results. */
  private readonly synapses = new Map<
    ValueId,
    { readonly value: ValueId; readonly degrees: Float64Array }
  >();
  /** By what sends them: the words of the last step that are in each element of a value, and their digits. */
  private readonly words = new Map<ValueId, readonly SentWords[]>();
  /** Timesteps that were stepped through. */
  private elapsed = 0;
  /** What comes back at this timestep, by the op that it comes back in. */
  private readonly before = new Map<
    ValueId,
    { readonly values: readonly Tensor[]; readonly words: readonly SentWords[] }
  >();
  /** Inputs that change over time, with all their frames. */
  private readonly frames = new Map<ValueId, Tensor>();

  constructor(module: Module, inputs: readonly Tensor[]) {
    this.module = module;
    this.ticks = isFramed(module.code) ? module.timesteps : 1;
    this.ops = new Map(module.ops.map((op) => [op.result, op]));
    this.drives = drivesOf(module);
    this.isSender = isSenderIn(this.drives);
    this.giveInputs(inputs);
    for (const op of module.ops) {
      if (isStateful(op)) this.putCell(op);
      if (isFramedNeuron(op)) this.putFramedCell(op);
      if (variesByItself(op) || op.inputs.some((value) => this.varying.has(value))) {
        this.varying.add(op.result);
      }
      this.putSynapse(op);
    }
    this.neurons = [...this.neuronsByValue.values()];
  }

  /** Evaluates every op for the next timestep, or for the whole frame. */
  step(): void {
    for (const op of this.module.ops) {
      if (op.kind === "ann.input") continue;
      if (this.elapsed > 0 && !this.varying.has(op.result)) continue;
      this.values.set(op.result, this.run(op));
      this.followWords(op);
      this.countEvents(op);
    }
    for (const { value, source } of this.module.carries) {
      this.before.set(source, { values: this.ticksOf(value), words: this.words.get(value) ?? [] });
    }
    this.elapsed++;
  }

  /** The frame of this timestep; zeros behind the last. */
  private frameOf({ result, type }: OpOf<"snn.input">): Tensor {
    const { dtype, shape } = type;
    const frame = zeros(dtype, shape);
    putFrame(known(this.frames.get(result), "frames").data, this.elapsed, frame.data);
    return frame;
  }

  /** At the last timestep; of a value over time in a framed code, the sum of the frame. */
  valueOf(value: ValueId): Tensor {
    const all = this.ticksOf(value);
    const last = known(all[all.length - 1], `the value of %${value}`);
    return this.ticks > 1 && this.opOf(value).type.domain !== "real" ? frameSum(all) : last;
  }

  membraneOf(value: ValueId): Potentials {
    return known(this.neuronsByValue.get(value), `a neuron op %${value}`).membranePotential;
  }

  sizeOf(value: ValueId): number {
    return elementCount(this.opOf(value).type.shape);
  }

  private readonly tensors: TensorLookup = (ref) => tensorAt(this.module, ref);

  opOf(value: ValueId): Op {
    return known(this.ops.get(value), `the op that makes %${value}`);
  }

  private ticksOf(value: ValueId): readonly Tensor[] {
    return known(this.values.get(value), `the value of %${value}`);
  }

  private run(op: Op): readonly Tensor[] {
    if (isOp(op, "snn.input")) return [this.frameOf(op)];
    if (isOp(op, "snn.previous")) {
      return this.before.get(op.result)?.values ?? [this.tensors(op.attrs.initial)];
    }
    const operands = op.inputs.map((value) => this.ticksOf(value));
    const ticks = this.varying.has(op.result) ? this.ticks : 1;
    const at = (operand: readonly Tensor[], t: number): Tensor =>
      known(operand.length === 1 ? operand[0] : operand[t], `timestep ${t} of an operand`);
    const byTick = Array.from({ length: ticks }, (_, t) => operands.map((all) => at(all, t)));
    const framed = this.framed.get(op.result);
    if (framed !== undefined) return framed.frame(byTick.map(([x]) => known(x, "an operand")));
    const cell = this.cells.get(op.result);
    if (cell !== undefined) return byTick.map(([x, y]) => cell.step(known(x, "an operand"), y));
    return byTick.map((each) => evaluate(op, each, this.tensors));
  }

  private putCell(op: OpOf<StatefulKind>): void {
    const cell = cellOf(op, this.operandShape(op), this.tensors);
    this.cells.set(op.result, cell);
    if (cell.neurons !== null) this.neuronsByValue.set(op.result, cell.neurons);
  }

  private putFramedCell(op: OpOf<FramedKind>): void {
    const cell = framedCellOf(op, this.operandShape(op), this.tensors, this.ticks);
    this.framed.set(op.result, cell);
    this.neuronsByValue.set(op.result, cell.neurons);
  }

  private operandShape(op: Op): Shape {
    return this.opOf(known(op.inputs[0], `the operand of ${op.kind}`)).type.shape;
  }

  /** Words go along with moves, with scalings, and into sums; to any other op they are a value. */
  private followWords(op: Op): void {
    if (this.isSender(op)) this.words.set(op.result, [this.sentBy(op)]);
    else if (isOp(op, "snn.input"))
      this.words.set(op.result, wordsFrom(op, this.valueOf(op.result)));
    else if (isOp(op, "snn.previous")) {
      const carries = isDrivenBySpikes(this.driveOf(op.result));
      this.words.set(op.result, carries ? (this.before.get(op.result)?.words ?? []) : []);
    } else if (isDrivenBySpikes(this.driveOf(op.result))) {
      const all = op.inputs.flatMap((value, i) => this.carried(op, i, this.words.get(value) ?? []));
      this.words.set(op.result, all);
    }
  }

  /** What an op sent in the last step: neurons know, and a pool lets one word through or none. */
  private sentBy(op: SenderOp): SentWords {
    const { type, result } = op;
    const plain = isPlain(op, this.tensors);
    const neurons = this.neuronsByValue.get(result);
    if (neurons === undefined) {
      const through = Array.from(this.valueOf(result).data, (x) => Number(x !== 0));
      const spikes = tensorOf("f32", type.shape, through);
      return { isPlain: plain, spikes, bits: spikes };
    }
    const spikes = tensorOf("f32", type.shape, neurons.spikesOfEach);
    const isDigit = neurons.bitsOfEach === neurons.spikesOfEach;
    const bits = isDigit ? spikes : tensorOf("f32", type.shape, neurons.bitsOfEach);
    return { isPlain: plain, spikes, bits };
  }

  /** Words of operand `i` as they are in the elements of the result of an op that carries them. */
  private carried(op: Op, i: number, words: readonly SentWords[]): readonly SentWords[] {
    const moved = movedOperands(op, (value) => this.ops.get(value));
    const carry = (counts: Tensor): Tensor => {
      if (moved !== null) return this.moveAlone(op, i, moved, counts);
      // A scale or a sign changes no count, and in a sum each operand's counts are spread out.
      const at = broadcastIndices(counts.shape, op.type.shape);
      const spread = Float32Array.from(at, (from) => counts.data[from] ?? 0);
      return tensorOf("f32", op.type.shape, spread);
    };
    return words.map(({ isPlain: plain, spikes, bits }) => {
      const moves = carry(spikes);
      return { isPlain: plain, spikes: moves, bits: bits === spikes ? moves : carry(bits) };
    });
  }

  /** A move of counts in the place of operand `i`, beside zeros. */
  private moveAlone(op: Op, i: number, moved: readonly number[], counts: Tensor): Tensor {
    const operands = op.inputs.map((value, k) => {
      if (k === i) return counts;
      const { shape } = this.opOf(value).type;
      const zeros = (): Tensor => tensorOf("f32", shape, new Float32Array(elementCount(shape)));
      return moved.includes(k) ? zeros() : this.valueOf(value);
    });
    return evaluate({ ...op, type: { ...op.type, dtype: "f32" } }, operands, this.tensors);
  }

  /** What the words of the last step add up to at a synapse. */
  private countEvents(op: Op): void {
    const synapse = this.synapses.get(op.result);
    if (synapse === undefined) return;
    for (const { isPlain: plain, spikes, bits } of this.words.get(synapse.value) ?? []) {
      const events = meeting(spikes, synapse.degrees);
      this.events += events;
      if (plain) this.plainEvents += events;
      this.eventBits += bits === spikes ? events : meeting(bits, synapse.degrees);
    }
  }

  private giveInputs(inputs: readonly Tensor[]): void {
    const wanted = inputsOf(this.module);
    invariant(inputs.length === wanted.length, `${inputs.length} of ${wanted.length} inputs given`);
    wanted.forEach((op, i) => {
      const given = known(inputs[i], `input ${i}`);
      invariant(fitsInput(op, given), `input "${op.attrs.name}" is of another type`);
      if (isOp(op, "snn.input")) this.frames.set(op.result, given);
      else this.values.set(op.result, [given]);
    });
  }

  private driveOf(value: ValueId): Drive {
    return known(this.drives.get(value), `the drive of %${value}`);
  }

  private putSynapse(op: Op): void {
    const driveOf = (value: ValueId): Drive => this.driveOf(value);
    const synapse = synapseOf(op, driveOf, (value) => this.opOf(value), this.tensors);
    if (synapse === null) return;
    const value = known(op.inputs[synapse.operand], "an operand");
    if (!isDrivenBySpikes(driveOf(value))) return;
    this.synapses.set(op.result, { value, degrees: synapse.degrees });
  }
}

/** Words that one sender has in the elements of a value, and the digits set in them. */
interface SentWords {
  readonly isPlain: boolean;
  readonly spikes: Tensor;
  readonly bits: Tensor;
}

/** The words that arrive from outside; those of ±1 apart, as what they meet is added. */
function wordsFrom({ type }: OpOf<"snn.input">, { data }: Tensor): readonly SentWords[] {
  if (type.domain !== "spike") return [];
  const where = (isPlain: boolean): SentWords => {
    const chosen = Array.from(data, (x) => (x !== 0 && isPlainArrival(x) === isPlain ? x : 0));
    const spikes = tensorOf(
      "f32",
      type.shape,
      chosen.map((x) => Number(x !== 0)),
    );
    if (isPlain) return { isPlain, spikes, bits: spikes };
    const bits = chosen.map((x) => (x === 0 ? 0 : arrivalBits(x)));
    return { isPlain, spikes, bits: tensorOf("f32", type.shape, bits) };
  };
  return [where(true), where(false)];
}

/** Σ counts · degrees. */
function meeting({ data }: Tensor, degrees: Float64Array): number {
  return degrees.reduce((sum, degree, i) => sum + degree * (data[i] ?? 0), 0);
}

function total(counts: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i] ?? 0;
  return sum;
}
