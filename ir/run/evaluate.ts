/** What ops without a state compute, by kind; the families are in `ir/semantics/`. */
import { isFramedNeuron, isStateful } from "../op/known.ts";
import { invariant } from "../diagnostic.ts";
import { type InputKind, type Op, type OpKind, type SpikingKind, isInput } from "../op/op.ts";
import { contractionSemantics } from "../semantics/values/contraction.ts";
import { elementwiseSemantics } from "../semantics/values/elementwise.ts";
import { normSemantics } from "../semantics/values/norm.ts";
import { poolSemantics } from "../semantics/values/pool.ts";
import { reduceSemantics } from "../semantics/values/reduce.ts";
import { selectSemantics } from "../semantics/values/select.ts";
import type { Semantics, SemanticsTable } from "../semantics/semantics.ts";
import { shapeSemantics } from "../semantics/values/shape.ts";
import { sourceSemantics } from "../semantics/source.ts";
import { synapseSemantics } from "../semantics/synapse.ts";
import type { TensorLookup } from "../op/table.ts";
import type { Tensor } from "../tensor.ts";

/** Kinds whose result follows from their operands alone. An input's does not: it is given. */
type StatelessKind = Exclude<OpKind, SpikingKind | InputKind | "snn.previous">;

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

/** The result of an op without a state; operands have the types that the op's was inferred from. */
export function evaluate(op: Op, inputs: readonly Tensor[], tensors: TensorLookup): Tensor {
  invariant(
    !isInput(op) && op.kind !== "snn.previous",
    "an input, or what comes back, has no meaning of its own",
  );
  invariant(
    !isStateful(op) && !isFramedNeuron(op),
    `${op.kind} has a state and cannot be evaluated by itself`,
  );
  // A table indexed by a union gives a union of functions, which TypeScript cannot call; `op` is
  // only ever given to the function of its own kind.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
  const semantics = stateless[op.kind] as unknown as Semantics<OpKind>;
  return semantics(op, inputs, tensors);
}
