/**
 * The oracle: what a module means, op by op and timestep by timestep. Slow, obvious, one function
 * per op (in `ir/semantics/`); faster engines are right where they agree with this one. It checks
 * no input: that shapes and dtypes are the module's is for callers to see to.
 */
import { invariant, known } from "./diagnostic.ts";
import { type EarlyExit, endsEarly, repeatLast } from "./early-exit.ts";
import { type Probe, type SampleResult, keptBy } from "./executable.ts";
import { type Module, inputsOf, tensorAt } from "./module.ts";
import { type Op, type OpKind, type OpOf, type ValueId, isOp } from "./op.ts";
import type { TensorLookup } from "./spec.ts";
import type { SpikingKind } from "./spec/spiking.ts";
import { outDegrees } from "./semantics/connections.ts";
import { contractionSemantics } from "./semantics/contraction.ts";
import { elementwiseSemantics } from "./semantics/elementwise.ts";
import { normSemantics } from "./semantics/norm.ts";
import { poolSemantics } from "./semantics/pool.ts";
import { reduceSemantics } from "./semantics/reduce.ts";
import { selectSemantics } from "./semantics/select.ts";
import type { Semantics, SemanticsTable } from "./semantics/semantics.ts";
import { shapeSemantics } from "./semantics/shape.ts";
import { sourceSemantics } from "./semantics/source.ts";
import { type Cell, type Neurons, type Potentials, cellOf } from "./semantics/spiking.ts";
import { synapseSemantics } from "./semantics/synapse.ts";
import type { Tensor } from "./tensor.ts";
import { elementCount, sameShape } from "./type.ts";

/** Kinds whose result follows from their operands alone. An input's does not: it is given. */
type StatelessKind = Exclude<OpKind, SpikingKind | "ann.input">;

const stateless: SemanticsTable<StatelessKind> = {
  ...sourceSemantics,
  ...synapseSemantics,
  ...contractionSemantics,
  ...poolSemantics,
  ...normSemantics,
  ...elementwiseSemantics,
  ...reduceSemantics,
  ...shapeSemantics,
  ...selectSemantics,
};

/** Whether the op's result depends on earlier timesteps. */
export function isStateful(op: Op): op is OpOf<SpikingKind> {
  return isOp(op, "snn.if", "snn.max-pool", "snn.readout");
}

/** The result of an op without a state; operands have the types that the op's was inferred from. */
export function evaluate(op: Op, inputs: readonly Tensor[], tensors: TensorLookup): Tensor {
  invariant(!isStateful(op), `${op.kind} has a state and cannot be evaluated by itself`);
  invariant(op.kind !== "ann.input", "an input has no meaning of its own");
  // A table indexed by a union gives a union of functions, which TypeScript cannot call; `op` is
  // only ever given to the function of its own kind.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
  const semantics = stateless[op.kind] as unknown as Semantics<OpKind>;
  return semantics(op, inputs, tensors);
}

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
  const timesteps = module.code === "none" ? 1 : options.timesteps;
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

/** One run of a module: the values of the last timestep and the state of every cell. */
class Run {
  /** In the order of the module. */
  readonly neurons: readonly Neurons[];
  /** Up to the last timestep. */
  synapticOperations = 0;
  analogueOperations = 0;
  private readonly module: Module;
  private readonly ops: ReadonlyMap<ValueId, Op>;
  private readonly values = new Map<ValueId, Tensor>();
  private readonly cells = new Map<ValueId, Cell>();
  private readonly neuronsByValue = new Map<ValueId, Neurons>();
  /** Values that may differ from timestep to timestep; the others are computed once and kept. */
  private readonly varying = new Set<ValueId>();
  private readonly degrees = new Map<ValueId, Float64Array>();
  private started = false;

  constructor(module: Module, inputs: readonly Tensor[]) {
    this.module = module;
    this.ops = new Map(module.ops.map((op) => [op.result, op]));
    this.giveInputs(inputs);
    for (const op of module.ops) {
      if (isStateful(op)) {
        const operand = known(op.inputs[0], `the operand of ${op.kind}`);
        const cell = cellOf(op, this.opOf(operand).type.shape, this.tensors);
        this.cells.set(op.result, cell);
        if (cell.neurons !== null) this.neuronsByValue.set(op.result, cell.neurons);
      }
      if (isStateful(op) || op.inputs.some((value) => this.varying.has(value))) {
        this.varying.add(op.result);
      }
      this.countConnections(op);
    }
    this.neurons = [...this.neuronsByValue.values()];
  }

  /** Evaluates every op for the next timestep. */
  step(): void {
    for (const op of this.module.ops) {
      if (op.kind === "ann.input") continue;
      if (this.started && !this.varying.has(op.result)) continue;
      const operands = op.inputs.map((value) => this.valueOf(value));
      const cell = this.cells.get(op.result);
      const first = operands[0];
      const result =
        cell !== undefined && first !== undefined
          ? cell.step(first)
          : evaluate(op, operands, this.tensors);
      this.values.set(op.result, result);
    }
    this.started = true;
    for (const [value, degrees] of this.degrees) {
      const [operand] = this.opOf(value).inputs;
      if (operand === undefined) continue;
      this.valueOf(operand).data.forEach((x, i) => {
        if (x !== 0) this.synapticOperations += degrees[i] ?? 0;
      });
    }
  }

  valueOf(value: ValueId): Tensor {
    return known(this.values.get(value), `the value of %${value}`);
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

  private giveInputs(inputs: readonly Tensor[]): void {
    const wanted = inputsOf(this.module);
    invariant(inputs.length === wanted.length, `${inputs.length} of ${wanted.length} inputs given`);
    wanted.forEach((op, i) => {
      const given = known(inputs[i], `input ${i}`);
      invariant(
        given.dtype === op.type.dtype && sameShape(given.shape, op.type.shape),
        `input "${op.attrs.name}" is of another type`,
      );
      this.values.set(op.result, given);
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
