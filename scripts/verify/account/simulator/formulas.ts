/**
 * Finds out what an op is: a source, a move, an op with weights, an op without a state, an op with
 * one, or a neuron. What it does not know it refuses.
 */
import { type FramedNeuron, framedNeuronOf } from "./frames.ts";
import { type Neuron, neuronOf } from "./neurons.ts";
import { encoderOf } from "./encoders.ts";
import { type Stateful, statefulOf } from "./decoders.ts";
import type { Formula, Move, Site, Synapse } from "./operation.ts";
import { einsum } from "./ops/einsum.ts";
import { elementwise } from "./ops/elementwise.ts";
import { moveOf } from "./ops/moves.ts";
import { linear, matmul, reduction, weightedReduction } from "./ops/products.ts";
import { averagePool, convolution, maxPool } from "./ops/windows.ts";
import { refuse } from "./refusal.ts";
import { at } from "./types.ts";

export type Meaning =
  | { readonly is: "input" | "frames" | "constant" }
  | { readonly is: "move"; readonly move: Move }
  | { readonly is: "synapse"; readonly synapse: Synapse }
  | { readonly is: "matmul"; readonly formula: Formula; readonly products: number }
  | { readonly is: "formula"; readonly formula: Formula }
  | { readonly is: "stateful"; readonly stateful: Stateful }
  | { readonly is: "neuron"; readonly neuron: Neuron }
  | { readonly is: "framed"; readonly framed: FramedNeuron };

export function meaningOf(site: Site): Meaning {
  const { op, types } = site;
  if (op.kind === "ann.input") return { is: "input" };
  if (op.kind === "snn.input") return { is: "frames" };
  if (op.kind === "ann.constant") return { is: "constant" };
  const move = moveOf(site);
  if (move !== undefined) return { is: "move", move };
  const synapse = convolution(site) ?? averagePool(site) ?? linear(site) ?? weightedReduction(site);
  if (synapse !== undefined) return { is: "synapse", synapse };
  const product = matmul(site);
  if (product !== undefined) return { is: "matmul", formula: product, products: product.products };
  const formula =
    elementwise(site) ??
    reduction(site) ??
    einsum(site) ??
    (op.kind === "ann.max-pool" ? maxPool(op, at(types, 0).shape) : undefined);
  if (formula !== undefined) return { is: "formula", formula };
  const stateful = statefulOf(site) ?? encoderOf(site);
  if (stateful !== undefined) return { is: "stateful", stateful };
  const neuron = neuronOf(site);
  if (neuron !== undefined) return { is: "neuron", neuron };
  const framed = framedNeuronOf(site);
  if (framed !== undefined) return { is: "framed", framed };
  return refuse(`The simulator does not know ${op.kind}.`);
}
