/**
 * Looking around in a module: who makes a value, who uses it, what the outputs need. Changes nothing;
 * `rewrite` in `ir/build.ts` does.
 */
import { isNeuron } from "../op/known.ts";
import { shortName, sourcesOf } from "../loc.ts";
import { type Module, carriedTo } from "../module.ts";
import { type Op, type ValueId } from "../op/op.ts";

/** The op that makes each value. */
export function producers(module: Pick<Module, "ops">): ReadonlyMap<ValueId, Op> {
  return new Map(module.ops.map((op) => [op.result, op]));
}

/**
 * The ops that use each value, in order; an op that takes a value twice is there twice. Every
 * result has an entry. That a value is an output is not among them: see `isOutput`.
 */
export function consumers(module: Pick<Module, "ops">): ReadonlyMap<ValueId, readonly Op[]> {
  const uses = new Map<ValueId, Op[]>();
  for (const op of module.ops) uses.set(op.result, []);
  for (const op of module.ops) {
    for (const input of op.inputs) {
      const list = uses.get(input);
      if (list === undefined) uses.set(input, [op]);
      else list.push(op);
    }
  }
  return uses;
}

/** Whether the caller sees `value`. */
export function isOutput({ outputs }: Pick<Module, "outputs">, value: ValueId): boolean {
  let seen = outputValues.get(outputs);
  if (seen === undefined) {
    seen = new Set(outputs.map((output) => output.value));
    outputValues.set(outputs, seen);
  }
  return seen.has(value);
}

const outputValues = new WeakMap<Module["outputs"], ReadonlySet<ValueId>>();

/**
 * The op that people know by `name`; undefined where there is none. Of several it is the neurons, where
 * one op is; otherwise the last one that comes from this place alone: what passes put between two ops
 * (a rescaling) has the places of both, the first of which names it.
 */
export function opNamed(module: Pick<Module, "ops">, name: string): Op | undefined {
  const named = module.ops.filter((op) => shortName(op.loc) === name);
  const [neurons, ...others] = named.filter(isNeuron);
  if (neurons !== undefined && others.length === 0) return neurons;
  return named.findLast((op) => sourcesOf(op.loc).length <= 1) ?? named.at(-1);
}

/** The values that some output depends on, now or timesteps later; outputs included. */
export function reachable(
  module: Pick<Module, "ops" | "outputs" | "carries">,
): ReadonlySet<ValueId> {
  const byResult = producers(module);
  const carried = carriedTo(module);
  const seen = new Set<ValueId>();
  const open = module.outputs.map((output) => output.value);
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    for (const input of byResult.get(value)?.inputs ?? []) open.push(input);
    const before = carried.get(value);
    if (before !== undefined) open.push(before);
  }
  return seen;
}

/** `values` and all that they depend on within a timestep; of those that are `given`, nothing behind them. */
export function valuesBehind(
  module: Pick<Module, "ops">,
  values: Iterable<ValueId>,
  given: ReadonlySet<ValueId> = new Set(),
): ReadonlySet<ValueId> {
  const byResult = producers(module);
  const seen = new Set<ValueId>();
  const open = [...values];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    if (!given.has(value)) open.push(...(byResult.get(value)?.inputs ?? []));
  }
  return seen;
}

/** The largest number of neuron ops on a path through the module. */
export function neuronDepth(module: Module): number {
  const depths = new Map<ValueId, number>();
  let deepest = 0;
  for (const op of module.ops) {
    const before = op.inputs.reduce((most, value) => Math.max(most, depths.get(value) ?? 0), 0);
    const depth = before + (isNeuron(op) ? 1 : 0);
    depths.set(op.result, depth);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
