/**
 * What ops cost: the operations of one evaluation by kind, a rule for each kind of op, in words and in
 * numbers. The rules are in `costs/`, a file a family, beside which stands what is meant.
 *
 * Counted is what the interpreter computes, whatever the values are, except where a rule says why it is
 * less. Moves, changes of element type and constants are nothing, and so is what follows from constants
 * alone: it is computed before the run.
 */
import type { NeuronKind, OpKind, OpOf } from "../op/op.ts";
import type { TensorLookup } from "../op/table.ts";
import type { Type } from "../type.ts";
import { elementwiseCosts } from "./costs/elementwise.ts";
import { normCosts, reduceCosts } from "./costs/fold.ts";
import { selectCosts, shapeCosts, sourceCosts } from "./costs/moves.ts";
import { type NeuronCost, type NeuronCostRule, neuronCosts } from "./costs/neurons.ts";
import { overTimeCosts } from "./costs/over-time.ts";
import type { CostRule, CostTable } from "./costs/rule.ts";
import { contractionCosts, poolCosts, synapseCosts } from "./costs/synapse.ts";
import type { Operations } from "./operations.ts";

export type { NeuronCost } from "./costs/neurons.ts";

type SilentKind = Exclude<OpKind, NeuronKind>;

const costs: CostTable<SilentKind> = {
  ...sourceCosts,
  ...synapseCosts,
  ...contractionCosts,
  ...poolCosts,
  ...normCosts,
  ...elementwiseCosts,
  ...reduceCosts,
  ...shapeCosts,
  ...selectCosts,
  ...overTimeCosts,
};

/**
 * The operations of one evaluation of an op that is no neuron, with operands of these types and all of
 * them numbers: nothing is saved for those that are 0.
 */
export function costOf(
  op: OpOf<SilentKind>,
  operands: readonly Type[],
  tensors: TensorLookup,
): Operations {
  // A table indexed by a union gives a union of rules, whose methods TypeScript cannot call; `op` is
  // only ever given to the rule of its own kind.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
  const rule = costs[op.kind] as unknown as CostRule<SilentKind>;
  return rule.count(op, operands, tensors);
}

/**
 * What each of an op's neurons costs besides the weights that its spikes meet. `timesteps` are those of
 * a run; in a framed code those of a frame.
 */
export function neuronCost(
  op: OpOf<NeuronKind>,
  tensors: TensorLookup,
  timesteps: number,
): NeuronCost {
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- as above
  const rule = neuronCosts[op.kind] as unknown as NeuronCostRule<NeuronKind>;
  return rule.count(op, tensors, timesteps);
}

/** The rule of a kind of op in words, one line. */
export function costRuleOf(kind: OpKind): string {
  return isNeuronKind(kind) ? neuronCosts[kind].rule : costs[kind].rule;
}

function isNeuronKind(kind: OpKind): kind is NeuronKind {
  return Object.hasOwn(neuronCosts, kind);
}
