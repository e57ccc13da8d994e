/**
 * Whether two engines say the same of one sample. Integers: every output, spike and count. Floats: within
 * a tolerance, and spikes up to the first tie, a potential so near its threshold that the order of a sum
 * decides. Which op parts them first is looked up where they differ.
 */
import { known } from "../../../ir/diagnostic.ts";
import type { Engine, Probe, ProbeData, SampleResult } from "../../../ir/executable.ts";
import { type Module, isFramed, tensorAt } from "../../../ir/module.ts";
import { type Op, type OpKind, type ValueId, isNeuron } from "../../../ir/op.ts";
import { rangeOf } from "../../../ir/range.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { type DType, elementCount } from "../../../ir/type.ts";
import { countsSpikesOnly } from "../../../test/random/module.ts";

/**
 * Relative to the largest element of a value: what sums in another order leave, and two roundings of a
 * type of 16 bits where the module has one.
 */
function toleranceOf(module: Module): number {
  const has = (dtype: DType): boolean => module.ops.some(({ type }) => type.dtype === dtype);
  if (has("bf16")) return 2 ** -7;
  return has("f16") ? 2 ** -10 : 1e-4;
}

/** Numbers here are eighths: what is much smaller is what sums of them left of 0. */
const leastScale = 1e-2;

/** A potential nearer to its threshold than this share of it is a tie. */
const tieShare = 1e-4;

/** After a tie, counts may differ by this share. */
const countShare = 0.005;

export type Verdict =
  | { readonly kind: "equal" }
  /** They part at a tie; whether the class and the counts stayed. */
  | { readonly kind: "tie"; readonly sameClass: boolean; readonly sameCounts: boolean }
  | { readonly kind: "different"; readonly why: string };

const equal: Verdict = { kind: "equal" };

export async function runOn(
  engine: Engine,
  module: Module,
  inputs: readonly Tensor[],
  probes: readonly Probe[] = [],
): Promise<SampleResult> {
  const executable = await engine.load(module, { threads: 1 });
  const results: SampleResult[] = [];
  const options = { timesteps: module.timesteps, probes };
  await executable.run({ count: 1, get: () => inputs }, options, (r) => results.push(r));
  await executable.close();
  return known(results[0], "a result");
}

/** Compares what `engine` says of a sample with what `reference`, run before, said. */
export async function compare(
  module: Module,
  inputs: readonly Tensor[],
  reference: { readonly engine: Engine; readonly result: SampleResult },
  engine: Engine,
): Promise<Verdict> {
  const found = await runOn(engine, module, inputs);
  const why = difference(module, reference.result, found);
  if (why === null) return equal;
  return partedBy(module, inputs, reference.engine, engine, why, [reference.result, found]);
}

function difference(module: Module, wanted: SampleResult, found: SampleResult): string | null {
  for (const [i, output] of wanted.outputs.entries()) {
    const off = deviation(output, found.outputs[i] ?? new Float32Array(0));
    if (off > toleranceOf(module)) return `output ${i} is off by ${off} of its largest element`;
  }
  const exact = module.properties.has("integer");
  for (const [i, output] of wanted.outputs.entries()) {
    if (exact && deviation(output, found.outputs[i] ?? new Float32Array(0)) > 1e-6) {
      return `output ${i} of integers differs`;
    }
  }
  if (String(wanted.spikes) !== String(found.spikes)) {
    return `spikes are ${String(found.spikes)}, not ${String(wanted.spikes)}`;
  }
  if (String(wanted.spikesByStep) !== String(found.spikesByStep)) {
    return `spikes by timestep are ${String(found.spikesByStep)}, not ${String(wanted.spikesByStep)}`;
  }
  const counts = !isFramed(module.code) || countsSpikesOnly({ module, inputs: [] });
  if (
    counts &&
    String(wanted.synapticOperationsByStep) !== String(found.synapticOperationsByStep)
  ) {
    const of = [found.synapticOperationsByStep, wanted.synapticOperationsByStep];
    return `operations by timestep are ${of.join(", not ")}`;
  }
  if (wanted.analogueOperations !== found.analogueOperations) {
    return `${found.analogueOperations} analogue operations, not ${wanted.analogueOperations}`;
  }
  return null;
}

/** The largest difference, relative to the largest element; NaN and infinities must be the same. */
function deviation(wanted: ProbeData, found: ProbeData): number {
  if (wanted.length !== found.length) return Infinity;
  let scale = leastScale;
  let worst = 0;
  for (const x of wanted) if (Number.isFinite(x)) scale = Math.max(scale, Math.abs(x));
  for (const [i, x] of wanted.entries()) {
    const y = found[i] ?? NaN;
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const off = Math.abs(x - y);
    worst = Math.max(worst, Number.isFinite(off) ? off : Infinity);
  }
  return worst / scale;
}

/** Ops in which a rounding of what they are given may become a difference of any size. */
const steps: ReadonlySet<OpKind> = new Set<OpKind>([
  "ann.argmax",
  "ann.argmin",
  "ann.cast",
  "ann.ceil",
  "ann.equal",
  "ann.fake-quantize",
  "ann.floor",
  "ann.greater",
  "ann.greater-or-equal",
  "ann.hardmax",
  "ann.less",
  "ann.less-or-equal",
  "ann.mod",
  "ann.not",
  "ann.quantize-linear",
  "ann.round",
  "ann.shrink",
  "ann.sign",
  "ann.thresholded-relu",
]);

/** Ops with poles or edges: near them a difference grows without bound, or becomes NaN. */
const poles: ReadonlySet<OpKind> = new Set<OpKind>([
  "ann.acos",
  "ann.acosh",
  "ann.asin",
  "ann.atanh",
  "ann.div",
  "ann.log",
  "ann.pow",
  "ann.reciprocal",
  "ann.reduce-log-sum",
  "ann.sqrt",
  "ann.tan",
]);

/** Looks for the first op at which two engines part, and whether it may. */
async function partedBy(
  module: Module,
  inputs: readonly Tensor[],
  first: Engine,
  second: Engine,
  why: string,
  [wanted, found]: readonly [SampleResult, SampleResult],
): Promise<Verdict> {
  const different: Verdict = { kind: "different", why };
  if (module.properties.has("integer")) return different;
  const probes = module.ops.flatMap(({ result }): Probe[] => [{ value: result, keep: "trace" }]);
  const a = await runOn(first, module, inputs, probes);
  const b = await runOn(second, module, inputs, probes);
  const at = new Map<ValueId, number>(module.ops.map((op, i) => [op.result, i]));
  for (const [i, op] of module.ops.entries()) {
    const [x, y] = [a.probes[i], b.probes[i]];
    if (x === undefined || y === undefined || deviation(x, y) <= toleranceOf(module)) continue;
    const operands = op.inputs.map((value) => {
      const index = at.get(value) ?? -1;
      return { x: a.probes[index], y: b.probes[index] };
    });
    const sameOperands = operands.every(({ x: p, y: q }) => String(p) === String(q));
    const sharp = steps.has(op.kind) || poles.has(op.kind);
    const excused = isNeuron(op)
      ? await isTie(module, op, inputs, first, [x, y])
      : sharp && !sameOperands;
    if (!excused) return { kind: "different", why: `${why}; first at ${op.kind} %${op.result}` };
    return { kind: "tie", ...after(wanted, found) };
  }
  return different;
}

/** Whether neurons fire otherwise first where a potential is next to a threshold. */
async function isTie(
  module: Module,
  op: Op,
  inputs: readonly Tensor[],
  engine: Engine,
  [x, y]: readonly [ProbeData, ProbeData],
): Promise<boolean> {
  const size = elementCount(op.type.shape);
  const parted = x.findIndex((value, i) => Math.abs(value - (y[i] ?? NaN)) > tieShare);
  const attributes = new Map<string, unknown>(Object.entries(op.attrs));
  const ref = attributes.get("threshold");
  if (parted < 0 || typeof ref !== "string") return false;
  const threshold = rangeOf(tensorAt(module, ref)).max;
  const { probes } = await runOn(engine, module, inputs, [{ value: op.result, keep: "state" }]);
  const [state] = probes;
  const step = Math.floor(parted / size);
  const v = state?.[step * size + (parted % size)] ?? NaN;
  // After the reset a potential that was at a threshold is at 0, at half a step or at the threshold.
  const near = [0, threshold, threshold / 2, -threshold / 2];
  const room = tieShare * threshold * 2;
  return !Number.isFinite(v) || near.some((at) => Math.abs(v - at) <= room);
}

function after(
  wanted: SampleResult,
  found: SampleResult,
): { readonly sameClass: boolean; readonly sameCounts: boolean } {
  const last = (result: SampleResult): number[] => [...(result.outputs[0] ?? [])];
  const largest = (values: readonly number[]): number => values.indexOf(Math.max(...values));
  const total = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0);
  const [a, b] = [total(wanted.spikes), total(found.spikes)];
  return {
    sameClass: largest(last(wanted)) === largest(last(found)),
    sameCounts: Math.abs(a - b) <= countShare * Math.max(a, b),
  };
}
