/**
 * Whether the engine that evaluates an analogue network computes what the interpreter says that it
 * means, on a few of the very samples. Tests cannot hold every network; this one is at hand.
 *
 * An engine sums in another order, and what that does to an output depends on the network: small
 * signals on large offsets magnify it, and a rounding may tip. So where a difference is larger than
 * the tolerance that docs/numerics.md states, the interpreter runs again with every value changed by
 * about a rounding, and only what such changes do not explain is told.
 */
import { type Diagnostic, DiagnosticError, known } from "../ir/diagnostic.ts";
import { evaluate } from "../ir/run/evaluate.ts";
import type { Executable, Probe, ProbeData, SampleSource } from "../ir/executable.ts";
import { interpret } from "../ir/interpret.ts";
import { shortName } from "../ir/loc.ts";
import { type Module, inputsOf, isOverTime, tensorAt } from "../ir/module.ts";
import { type Op, type ValueId, isOp } from "../ir/op/op.ts";
import { uniform } from "../ir/random.ts";
import { outDegrees } from "../ir/semantics/connections.ts";
import { type Tensor, tensorOf } from "../ir/tensor.ts";
import { elementCount, isFloat } from "../ir/type.ts";
import { diagnose } from "./diagnostics.ts";
import type { Running } from "./measure.ts";

/** An engine is wrong: what shows it is a network and a sample, as well as words. */
export class EngineDiffersError extends DiagnosticError {
  readonly module: Module;
  /** The inputs of the sample, in the order of the module's. */
  readonly inputs: readonly Tensor[];
  readonly engine: string;
  constructor(diagnostic: Diagnostic, module: Module, inputs: readonly Tensor[], engine: string) {
    super([diagnostic]);
    this.name = "EngineDiffersError";
    this.module = module;
    this.inputs = inputs;
    this.engine = engine;
  }
}

/** The share of an evaluation's time that looking at the interpreter may take. */
const share = 0.05;
/** Seconds of the interpreter that one sample is worth, however short the evaluation was. */
const worthOneSample = 2;
/** What the interpreter does in a second, in products and elements; on a slow core. */
const workPerSecond = 2e7;

/** Of the largest element of an output; see docs/numerics.md. */
const tolerance = 1e-4;
/** Some roundings of float32, relative: what values are changed by to see what roundings do. */
const disturbance = 2 ** -20;
const disturbedRuns = 3;
/** How far beyond what these few runs show roundings may go. */
const allowance = 4;

/**
 * Fails where the outputs of `executable`, which has an analogue network loaded, are not those of the
 * interpreter; says so where one sample would take too long. `seconds` is what evaluating took so
 * far, null where there is no clock: then one sample is looked at, if it is small.
 */
export async function checkEngine(
  executable: Executable,
  samples: SampleSource,
  { engine, now, onDiagnostic }: Running,
  seconds: number | null,
): Promise<void> {
  const { module } = executable;
  if (module.code !== "none" || engine.name === "interpret" || samples.count === 0) return;
  if (isOverTime(module)) {
    const why = "is done only for networks without time";
    onDiagnostic?.(diagnose("engine-not-checked", null, { engine: engine.name, why }));
    return;
  }
  const budget = share * (seconds ?? 0);
  const expected = workOf(module) / workPerSecond;
  if (expected > Math.max(worthOneSample, budget)) {
    const why = "would take too long for one sample";
    onDiagnostic?.(diagnose("engine-not-checked", null, { engine: engine.name, why }));
    return;
  }
  const started = now?.() ?? 0;
  const chosen: number[] = [];
  const wanted: (readonly Float32Array[])[] = [];
  for (const index of spreadOver(samples.count)) {
    chosen.push(index);
    wanted.push(interpret(module, samples.get(index), { timesteps: 1 }).outputs);
    const elapsed = now === undefined ? Infinity : (now() - started) / 1000;
    if (elapsed + elapsed / chosen.length > budget) break;
  }
  const indexAt = (i: number): number => known(chosen[i], "a chosen sample");
  const some = { count: chosen.length, get: (i: number) => samples.get(indexAt(i)) };
  const options = { timesteps: 1, countOperations: false };
  const faults: Fault[] = [];
  await executable.run(some, options, ({ index: i, outputs }) => {
    const index = indexAt(i);
    known(wanted[i], "the interpreter's outputs").forEach((y, output) => {
      const found = known(outputs[output], "an output");
      const worst = faults.length === 0 ? worstOf(found, y) : null;
      if (worst === null || isRounding(module, samples.get(index), output, found, y)) return;
      const { name } = known(module.outputs[output], "an output");
      const { at, largest } = worst;
      const [is, ought] = [found[at] ?? NaN, y[at] ?? NaN];
      faults.push({ output: name, sample: index, at, is, ought, largest });
    });
  });
  const [fault] = faults;
  if (fault === undefined) return;
  const inputs = samples.get(fault.sample);
  const op = await firstToDiffer(executable, inputs);
  const params = { engine: engine.name, ...fault, op: op === null ? null : shortName(op.loc) };
  const diagnostic = diagnose("engine-differs", op?.loc ?? null, params);
  // Not `fail`: the network and the sample go with it.
  // eslint-disable-next-line no-restricted-syntax -- see above
  throw new EngineDiffersError(diagnostic, module, inputs, engine.name);
}

/** What is wrong with an output. */
interface Fault {
  readonly output: string;
  readonly sample: number;
  readonly at: number;
  readonly is: number;
  readonly ought: number;
  readonly largest: number;
}

/** The first op that the engine computes otherwise; null where none does when all are asked for. */
async function firstToDiffer(
  executable: Executable,
  inputs: readonly Tensor[],
): Promise<Op | null> {
  const { module } = executable;
  const probes = module.ops.map(({ result }): Probe => ({ value: result, keep: "trace" }));
  const wanted = interpret(module, inputs, { timesteps: 1, probes }).probes;
  const found: (readonly ProbeData[])[] = [];
  const options = { timesteps: 1, probes, countOperations: false };
  await executable.run({ count: 1, get: () => inputs }, options, (result) => {
    found.push(result.probes);
  });
  const differs = (i: number): boolean => {
    const [x, y] = [found[0]?.[i], wanted[i]];
    return x !== undefined && y !== undefined && worstOf(x, y) !== null;
  };
  return module.ops.find((_, i) => differs(i)) ?? null;
}

/** All numbers below `count`, each once, far apart first: data are often sorted by class. */
function* spreadOver(count: number): Generator<number> {
  const seen = new Set<number>();
  for (let i = 0; seen.size < count; i++) {
    // The golden ratio's multiples fill gaps evenly; what is left in the end comes in order.
    const next = i < 2 * count ? Math.floor(((i * 0.6180339887498949) % 1) * count) : i - 2 * count;
    if (seen.has(next)) continue;
    seen.add(next);
    yield next;
  }
}

/** Products of all synapses, and elements of all values. */
function workOf(module: Module): number {
  const ops = new Map(module.ops.map((op) => [op.result, op]));
  let total = 0;
  for (const op of module.ops) {
    const size = elementCount(op.type.shape);
    const [operand] = op.inputs;
    const shape = operand === undefined ? [] : known(ops.get(operand), "an operand").type.shape;
    const degrees = outDegrees(op, shape, (ref) => tensorAt(module, ref));
    const products = isOp(op, "ann.matmul")
      ? size * (shape.at(-1) ?? 1)
      : (degrees?.reduce((sum, degree) => sum + degree, 0) ?? 0);
    total += size + products;
  }
  return total;
}

interface Worst {
  readonly at: number;
  /** The largest magnitude of the output. */
  readonly largest: number;
}

/** The element that is furthest off, where it is further off than the tolerance. */
function worstOf(found: ProbeData, wanted: ProbeData): Worst | null {
  const largest = largestOf(wanted);
  let [at, most] = [-1, tolerance * largest];
  wanted.forEach((y, i) => {
    const difference = differenceOf(found[i] ?? NaN, y);
    if (difference > most) [at, most] = [i, difference];
  });
  return at < 0 ? null : { at, largest };
}

function largestOf(y: ProbeData): number {
  let most = 0;
  for (const x of y) if (Number.isFinite(x)) most = Math.max(most, Math.abs(x));
  return most;
}

/** NaN is as far from a number as infinity is. */
function differenceOf(x: number, y: number): number {
  if (Object.is(x, y) || x === y) return 0;
  const difference = Math.abs(x - y);
  return Number.isNaN(difference) ? Infinity : difference;
}

/** Whether roundings may have made the difference: those of the interpreter's own values do as much. */
function isRounding(
  module: Module,
  inputs: readonly Tensor[],
  output: number,
  found: Float32Array,
  wanted: Float32Array,
): boolean {
  const reach = new Float64Array(wanted.length);
  for (let run = 0; run < disturbedRuns; run++) {
    Array.from(known(disturbed(module, inputs, run)[output], "an output")).forEach((y, i) => {
      reach[i] = Math.max(reach[i] ?? 0, differenceOf(y, wanted[i] ?? NaN));
    });
  }
  // Which element a rounding tips is chance: what may happen to one may happen to another.
  const most = allowance * reach.reduce((a, b) => Math.max(a, b), 0);
  return wanted.every((y, i) => differenceOf(found[i] ?? NaN, y) <= most);
}

/** The outputs where every float on the way is changed by about a rounding. */
function disturbed(
  module: Module,
  inputs: readonly Tensor[],
  run: number,
): readonly ArrayLike<number>[] {
  const values = new Map<ValueId, Tensor>();
  const valueOf = (value: ValueId): Tensor => known(values.get(value), `the value of %${value}`);
  const given = new Map(inputsOf(module).map((op, i) => [op.result, known(inputs[i], "an input")]));
  const tensors = (ref: string): Tensor => tensorAt(module, ref);
  module.ops.forEach((op: Op, key) => {
    const exact = given.get(op.result) ?? evaluate(op, op.inputs.map(valueOf), tensors);
    values.set(op.result, shaken(exact, key, run));
  });
  return module.outputs.map(({ value }) => valueOf(value).data);
}

function shaken(exact: Tensor, key: number, run: number): Tensor {
  if (!isFloat(exact.dtype)) return exact;
  const { dtype, shape, data } = exact;
  const moved = Array.from(
    data,
    (x, i) => x * (1 + disturbance * (2 * uniform(run, key, i, 2) - 1)),
  );
  return tensorOf(dtype, shape, moved);
}
