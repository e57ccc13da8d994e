/**
 * The analogue network that a `.snn` came from, with the value ids of the `.snn`: rebuilt from the model
 * by the passes up to conversion. One of them needs the calibration set if it changed anything.
 */
import { isNeuron } from "../ir/op/known.ts";
import { DiagnosticError } from "../ir/diagnostic.ts";
import type { SampleSource } from "../ir/executable.ts";
import type { Module } from "../ir/module.ts";
import { type ValueId } from "../ir/op/op.ts";
import { firstFreeId, valueIdOf } from "../ir/build.ts";
import { type Shape, sameShape } from "../ir/type.ts";
import { centreActivations } from "../passes/convert/centre-activations.ts";
import type { PipelineStep } from "../passes/pipeline.ts";
import { type Conversion, type ConvertOptions, convert, stepsOf } from "./convert.ts";
import type { Running } from "./measure.ts";

export interface Rebuilt {
  readonly reference: Module;
  /** Whether its values have the ids of the spiking network's neurons, so that layers can be compared. */
  readonly isPaired: boolean;
}

/**
 * The reference of `snn` from its imported model and the pipeline that made it, with the ids of its
 * neurons; null where the model does not lead to neurons like these. Weights are not compared. A network
 * whose constants were taken out has other neurons: these come from its calibration samples. Without them
 * the reference computes the same outputs, and its layers are not those of `snn`.
 */
export async function rebuildReference(
  imported: Module,
  snn: Module,
  pipeline: string,
  running: Running,
  calibration: SampleSource | null = null,
): Promise<Rebuilt | null> {
  const steps = stepsOf(pipeline);
  const converting = steps.findIndex(({ pass }) => pass.establishes.includes("spiking"));
  if (converting < 0) return null;
  const before = steps.slice(0, converting + 1);
  // Where this pass changed nothing, it is not missed.
  const plain = before.filter(({ pass }) => pass !== centreActivations);
  const made = async (
    passes: readonly PipelineStep[],
    samples: SampleSource | null,
  ): Promise<Conversion | null> => {
    const options = { timesteps: snn.timesteps, pipeline: passes, seed: 0 };
    return tryConvert(imported, samples, running, options);
  };
  const again = await made(plain, null);
  if (again === null || again.reference === null) return null;
  const reference = withIdsOf(snn, again);
  if (reference !== null) return { reference, isPaired: true };
  if (plain.length === before.length || !isCentredFrom(again.module, snn)) return null;
  if (calibration === null) return { reference: again.reference, isPaired: false };
  const centred = await made(before, calibration);
  const its = centred === null ? null : withIdsOf(snn, centred);
  return its === null ? null : { reference: its, isPaired: true };
}

/**
 * Whether the neurons of `snn` can be those of `plain` with two populations in place of one here and
 * there: in each run of layers of one shape there are as many, or up to twice as many.
 */
function isCentredFrom(plain: Module, snn: Module): boolean {
  const [before, now] = [runsOf(plain), runsOf(snn)];
  return (
    before.length === now.length &&
    before.every(({ shape, layers }, i) => {
      const run = now[i];
      if (run === undefined || !sameShape(run.shape, shape)) return false;
      return layers <= run.layers && run.layers <= 2 * layers;
    })
  );
}

function runsOf(module: Module): { readonly shape: Shape; layers: number }[] {
  const runs: { readonly shape: Shape; layers: number }[] = [];
  for (const { type } of module.ops.filter(isNeuron)) {
    const last = runs.at(-1);
    if (last !== undefined && sameShape(last.shape, type.shape)) last.layers++;
    else runs.push({ shape: type.shape, layers: 1 });
  }
  return runs;
}

/** The reference of a conversion with the ids of the neurons of `snn`; null where neurons are not alike. */
function withIdsOf(snn: Module, { module, reference }: Conversion): Module | null {
  if (reference === null) return null;
  // Later passes put ops between neurons and replace them, but leave their number and order.
  const neurons = snn.ops.filter(isNeuron);
  const converted = module.ops.filter(isNeuron);
  if (converted.length !== neurons.length) return null;
  const renamed = new Map<ValueId, ValueId>();
  for (const [i, { result, type }] of converted.entries()) {
    const counterpart = neurons[i];
    if (counterpart === undefined || !sameShape(counterpart.type.shape, type.shape)) return null;
    renamed.set(result, counterpart.result);
  }
  return renumber(reference, renamed, snn);
}

/** Null for a model that cannot be converted. */
async function tryConvert(
  imported: Module,
  samples: SampleSource | null,
  running: Running,
  options: ConvertOptions,
): Promise<Conversion | null> {
  try {
    return await convert(imported, samples, running, options);
  } catch (error) {
    if (error instanceof DiagnosticError) return null;
    throw error;
  }
}

/** `module` with ids from `renamed`, and new ones that `other` does not use for the rest. */
function renumber(module: Module, renamed: ReadonlyMap<ValueId, ValueId>, other: Module): Module {
  const ids = new Map(renamed);
  let next = firstFreeId(other);
  for (const op of module.ops) if (!ids.has(op.result)) ids.set(op.result, valueIdOf(next++));
  const idOf = (value: ValueId): ValueId => ids.get(value) ?? value;
  return {
    ...module,
    ops: module.ops.map((op) => ({ ...op, result: idOf(op.result), inputs: op.inputs.map(idOf) })),
    outputs: module.outputs.map((o) => ({ ...o, value: idOf(o.value) })),
  };
}
