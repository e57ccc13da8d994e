/**
 * The analogue network that a `.snn` came from, with the value ids of the `.snn`: made again from
 * the model by the passes up to conversion, but for the one that needs data.
 */
import { DiagnosticError } from "../ir/diagnostic.ts";
import type { Engine } from "../ir/executable.ts";
import type { Module } from "../ir/module.ts";
import { type ValueId, isNeuron } from "../ir/op.ts";
import { valueIdOf } from "../ir/build.ts";
import { sameShape } from "../ir/type.ts";
import { centreActivations } from "../passes/convert/centre-activations.ts";
import { printPipeline } from "../passes/pipeline.ts";
import { type Conversion, type ConvertOptions, convert, stepsOf } from "./convert.ts";

/**
 * The reference of `snn` from its imported model and the pipeline that made it, with the ids of its
 * neurons; null where the model does not lead to neurons like these. Weights are not compared.
 */
export async function rebuildReference(
  imported: Module,
  snn: Module,
  pipeline: string,
  engine: Engine,
): Promise<Module | null> {
  const steps = stepsOf(pipeline);
  const converting = steps.findIndex(({ pass }) => pass.establishes.includes("spiking"));
  if (converting < 0) return null;
  const upToThere = printPipeline(
    // Where this pass changed nothing, it is not missed; else there are other neurons.
    steps.slice(0, converting + 1).filter(({ pass }) => pass !== centreActivations),
    { full: true },
  );
  const options = { timesteps: snn.timesteps, pipeline: upToThere, seed: 0 };
  const again = await tryConvert(imported, engine, options);
  if (again === null) return null;
  const { module, reference } = again;
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

/** Whether a pipeline looks at the calibration set before it converts. */
export function looksBeforeConverting(pipeline: string): boolean {
  return stepsOf(pipeline).some(({ pass }) => pass === centreActivations);
}

/** Null for a model that cannot be converted. */
async function tryConvert(
  imported: Module,
  engine: Engine,
  options: ConvertOptions,
): Promise<Conversion | null> {
  try {
    return await convert(imported, null, { engine, threads: 1 }, options);
  } catch (error) {
    if (error instanceof DiagnosticError) return null;
    throw error;
  }
}

/** `module` with ids from `renamed`, and new ones that `other` does not use for the rest. */
function renumber(module: Module, renamed: ReadonlyMap<ValueId, ValueId>, other: Module): Module {
  const ids = new Map(renamed);
  let next = 1 + other.ops.reduce((max, op) => Math.max(max, op.result), -1);
  for (const op of module.ops) if (!ids.has(op.result)) ids.set(op.result, valueIdOf(next++));
  const idOf = (value: ValueId): ValueId => ids.get(value) ?? value;
  return {
    ...module,
    ops: module.ops.map((op) => ({ ...op, result: idOf(op.result), inputs: op.inputs.map(idOf) })),
    outputs: module.outputs.map((o) => ({ ...o, value: idOf(o.value) })),
  };
}
