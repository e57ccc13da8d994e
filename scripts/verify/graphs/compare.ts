/**
 * Whether two engines say the same of one sample. Integers: every output, spike, potential and count.
 * Floats: values within a tolerance, and every spike up to the first tie; from there on other spikes
 * follow, and only whether the class and the number of spikes stay is looked at.
 */
import { neuronsOf } from "../../../ir/op/known.ts";
import { known } from "../../../ir/diagnostic.ts";
import {
  type Engine,
  type Probe,
  type SampleResult,
  activityKinds,
} from "../../../ir/executable.ts";
import { type Module, producerOf } from "../../../ir/module.ts";
import { type OpKind } from "../../../ir/op/op.ts";
import { type Tensor, roundTo } from "../../../ir/tensor.ts";
import { type DType, elementCount, isFloat } from "../../../ir/type.ts";
import { partingOf } from "./parting.ts";
import { runOn } from "./run.ts";
import { differenceOf, scaleOf, toleranceOf } from "./tolerance.ts";

export type Verdict =
  | { readonly kind: "equal" }
  /** They part where they may; whether the class stayed, and by how many spikes they differ. */
  | {
      readonly kind: "tie" | "rounding";
      /** The kind of op that they part in. */
      readonly at: OpKind | null;
      readonly sameClass: boolean;
      readonly spikesOff: number;
    }
  | { readonly kind: "different"; readonly why: string };

/** What every neuron sends at each timestep, and the potentials of integer ones. */
export function spikesOf(module: Module): readonly Probe[] {
  const keep: readonly Probe["keep"][] = isExact(module) ? ["trace", "state"] : ["trace"];
  return neuronsOf(module).flatMap(({ result: value }) =>
    keep.map((each) => ({ value, keep: each })),
  );
}

/** Whether the network is of integers, in which nothing is ever rounded otherwise. */
export function isExact(module: Module): boolean {
  return module.properties.has("integer");
}

/** Compares what `engine` says of a sample with what `reference`, run before with `spikesOf`, said. */
export async function compare(
  module: Module,
  inputs: readonly Tensor[],
  reference: { readonly engine: Engine; readonly result: SampleResult },
  engine: Engine,
): Promise<Verdict> {
  const { result } = reference;
  // As users run it: with probes an engine may take other kernels.
  const found = await runOn(engine, module, inputs);
  const why = difference(module, result, found);
  const probes = spikesOf(module);
  if (why === null && probes.length === 0) return { kind: "equal" };
  const watched = await runOn(engine, module, inputs, probes);
  const seen =
    why ?? difference(module, result, watched) ?? spikeDifference(module, result, watched);
  if (seen === null) return { kind: "equal" };
  // Integers may differ by what roundings do before there are integers, and by nothing else.
  const parting = await partingOf(module, inputs, reference.engine, engine);
  if (parting.kind === "fault" || (isExact(module) && parting.kind === "tie"))
    return { kind: "different", why: `${seen}; ${parting.why}` };
  return {
    kind: parting.kind,
    at: parting.at,
    ...after(module, result, why === null ? watched : found),
  };
}

function difference(module: Module, wanted: SampleResult, found: SampleResult): string | null {
  for (const [i, output] of wanted.outputs.entries()) {
    const off = differenceOf(output, found.outputs[i] ?? new Float32Array(0)) / scaleOf(output);
    const { dtype } = producerOf(module, known(module.outputs[i], "an output").value).type;
    const unrounded = found.outputs[i]?.find((x) => isFloat(dtype) && !isRounded(x, dtype));
    if (unrounded !== undefined) return `output ${i} has ${unrounded}, which no ${dtype} is`;
    if (off > toleranceOf(module)) return `output ${i} is off by ${off} of its largest element`;
    if (isExact(module) && off > 1e-6) return `output ${i} of integers is off by ${off}`;
  }
  if (String(wanted.spikes) !== String(found.spikes)) {
    return `spikes are ${String(found.spikes)}, not ${String(wanted.spikes)}`;
  }
  if (String(wanted.bits) !== String(found.bits)) {
    return `bits are ${String(found.bits)}, not ${String(wanted.bits)}`;
  }
  for (const kind of activityKinds) {
    const of = [found.activity[kind], wanted.activity[kind]].map(String);
    if (of[0] !== of[1]) return `${kind} by timestep are ${of.join(", not ")}`;
  }
  return null;
}

/** Whether a type has this number; engines give outputs in float32. */
function isRounded(x: number, dtype: DType): boolean {
  return Object.is(roundTo(dtype, x), x) || Number.isNaN(x);
}

/** Both were run with `spikesOf`. */
function spikeDifference(module: Module, wanted: SampleResult, found: SampleResult): string | null {
  for (const [i, { value, keep }] of spikesOf(module).entries()) {
    const [x, y] = [wanted.probes[i], found.probes[i]];
    if (x === undefined || y === undefined) return `no ${keep} of %${value}`;
    const room = isExact(module) ? 0 : toleranceOf(module) * scaleOf(x);
    if (differenceOf(x, y) > room) return `the ${keep} of %${value} differs`;
  }
  return null;
}

function after(
  module: Module,
  wanted: SampleResult,
  found: SampleResult,
): { readonly sameClass: boolean; readonly spikesOff: number } {
  const size = elementCount(
    producerOf(module, known(module.outputs[0], "an output").value).type.shape,
  );
  const classOf = ({ outputs }: SampleResult): number => {
    const last = Array.from(known(outputs[0], "an output")).slice(-size);
    return last.indexOf(Math.max(...last));
  };
  return {
    sameClass: classOf(wanted) === classOf(found),
    spikesOff: Math.abs(totalOf(wanted) - totalOf(found)),
  };
}

/** Spikes of all neurons over the whole run. */
export function totalOf({ spikes }: SampleResult): number {
  return spikes.reduce((sum, x) => sum + x, 0);
}
