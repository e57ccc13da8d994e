/**
 * The oracle: what a module means, op by op and timestep by timestep. Slow, obvious, one function
 * per op (in `ir/semantics/`); faster engines are right where they agree with this one. It checks
 * no input: that shapes and dtypes are the module's is for callers to see to.
 */
import { invariant, known } from "./diagnostic.ts";
import { type EarlyExit, endsEarly, repeatLast } from "./early-exit.ts";
import { type StatefulKind, evaluate, isStateful } from "./evaluate.ts";
import { type Probe, type SampleResult, keptBy } from "./executable.ts";
import { type Module, answersOf, inputsOf, isFramed, tensorAt } from "./module.ts";
import { type Op, type OpOf, type ValueId, isOp, movedOperands } from "./op.ts";
import type { TensorLookup } from "./spec.ts";
import { outDegrees } from "./semantics/connections.ts";
import { frameSum } from "./semantics/neurons/frame.ts";
import {
  type Cell,
  type FramedCell,
  type FramedKind,
  type Neurons,
  type Potentials,
  cellOf,
  framedCellOf,
  isFramedNeuron,
} from "./semantics/spiking.ts";
import { type Tensor, tensorOf } from "./tensor.ts";
import { type Shape, elementCount, sameShape } from "./type.ts";

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

/** Runs one sample from reset. `inputs` are in the order of the module's inputs. */
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
  const spikesByStep = new Float64Array(timesteps);
  const synapticOperationsByStep = new Float64Array(timesteps);
  let allSpikes = 0;
  let timestepsTaken = timesteps;

  for (let t = 0; t < timestepsTaken; t++) {
    run.step();
    run.neurons.forEach(({ spikeCount }, i) => {
      spikes[i] = (spikes[i] ?? 0) + spikeCount;
      allSpikes += spikeCount;
    });
    spikesByStep[t] = allSpikes;
    synapticOperationsByStep[t] = run.synapticOperations;
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

  for (const perStep of [...outputs, spikesByStep, synapticOperationsByStep]) {
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
    spikesByStep,
    synapticOperationsByStep,
    analogueOperations: run.analogueOperations,
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
  synapticOperations = 0;
  analogueOperations = 0;
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
  private readonly degrees = new Map<ValueId, Float64Array>();
  /** How many binary spikes each element of a value is made of, where that may be several. */
  private readonly words = new Map<ValueId, Tensor>();
  /** Operands that an op only moves, by number. */
  private readonly moved = new Map<ValueId, readonly number[]>();
  private started = false;

  constructor(module: Module, inputs: readonly Tensor[]) {
    this.module = module;
    this.ticks = isFramed(module.code) ? module.timesteps : 1;
    this.ops = new Map(module.ops.map((op) => [op.result, op]));
    this.giveInputs(inputs);
    for (const op of module.ops) {
      const stateful = isStateful(op);
      if (stateful) this.putCell(op);
      if (isFramedNeuron(op)) this.putFramedCell(op);
      if (stateful || isFramedNeuron(op) || op.inputs.some((value) => this.varying.has(value))) {
        this.varying.add(op.result);
      }
      this.countConnections(op);
      const moved = movedOperands(op, (value) => this.ops.get(value));
      if (moved !== null) this.moved.set(op.result, moved);
    }
    this.neurons = [...this.neuronsByValue.values()];
  }

  /** Evaluates every op for the next timestep, or for the whole frame. */
  step(): void {
    for (const op of this.module.ops) {
      if (op.kind === "ann.input") continue;
      if (this.started && !this.varying.has(op.result)) continue;
      this.values.set(op.result, this.run(op));
      this.followWords(op);
    }
    this.started = true;
    for (const [value, degrees] of this.degrees) {
      const [operand] = this.opOf(value).inputs;
      if (operand !== undefined) this.countOperations(operand, degrees);
    }
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
    const operands = op.inputs.map((value) => this.ticksOf(value));
    const ticks = this.varying.has(op.result) ? this.ticks : 1;
    const at = (operand: readonly Tensor[], t: number): Tensor =>
      known(operand.length === 1 ? operand[0] : operand[t], `timestep ${t} of an operand`);
    const byTick = Array.from({ length: ticks }, (_, t) => operands.map((all) => at(all, t)));
    const framed = this.framed.get(op.result);
    if (framed !== undefined) return framed.frame(byTick.map(([x]) => known(x, "an operand")));
    const cell = this.cells.get(op.result);
    if (cell !== undefined) return byTick.map(([x]) => cell.step(known(x, "an operand")));
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

  /** Moves carry words along; to any other op a word is a value, and its result is one too. */
  private followWords(op: Op): void {
    if (isOp(op, "snn.graded")) {
      const { spikesOfEach } = known(this.neuronsByValue.get(op.result), "graded neurons");
      this.words.set(op.result, tensorOf("f32", op.type.shape, spikesOfEach));
      return;
    }
    const moved = this.moved.get(op.result) ?? [];
    if (op.inputs.some((value, i) => moved.includes(i) && this.words.has(value))) {
      const operands = op.inputs.map((value, i) =>
        moved.includes(i) ? this.wordsOf(value) : this.valueOf(value),
      );
      const counts = { ...op, type: { ...op.type, dtype: "f32" as const } };
      this.words.set(op.result, evaluate(counts, operands, this.tensors));
    }
  }

  /** How many spikes each element is: one where it is not 0 and not known to be a word. */
  private wordsOf(value: ValueId): Tensor {
    const words = this.words.get(value);
    if (words !== undefined) return words;
    const { shape, data } = known(this.ticksOf(value).at(-1), `the value of %${value}`);
    return tensorOf(
      "f32",
      shape,
      Array.from(data, (x) => Number(x !== 0)),
    );
  }

  private countOperations(operand: ValueId, degrees: Float64Array): void {
    const words = this.words.get(operand);
    for (const { data } of this.ticksOf(operand)) {
      (words?.data ?? data).forEach((x, i) => {
        if (x !== 0) this.synapticOperations += (words === undefined ? 1 : x) * (degrees[i] ?? 0);
      });
    }
  }

  private giveInputs(inputs: readonly Tensor[]): void {
    const wanted = inputsOf(this.module);
    invariant(inputs.length === wanted.length, `${inputs.length} of ${wanted.length} inputs given`);
    wanted.forEach((op, i) => {
      const given = known(inputs[i], `input ${i}`);
      invariant(
        given.dtype === op.type.dtype && sameShape(given.shape, op.type.shape),
        `input "${op.attrs.name}" is of another type`,
      );
      this.values.set(op.result, [given]);
    });
  }

  /** A synapse on a real value works once per run, whatever the value; others wait for spikes. */
  private countConnections(op: Op): void {
    const [value] = op.inputs;
    if (value === undefined) return;
    const { domain, shape } = this.opOf(value).type;
    const degrees = outDegrees(op, shape, this.tensors);
    if (degrees === null) return;
    if (domain === "real") this.analogueOperations += degrees.reduce((sum, n) => sum + n, 0);
    else this.degrees.set(op.result, degrees);
  }
}
