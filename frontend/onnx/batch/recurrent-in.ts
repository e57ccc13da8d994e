/** Whether a model has recurrent operators anywhere: in branches of If and in functions too. */
import type { OnnxModel } from "../file/model.ts";
import type { GraphProto, NodeProto } from "../file/proto.ts";

const overTime: readonly string[] = ["RNN", "GRU", "LSTM", "Scan"];

/** Subgraphs within one another that are looked through. */
const nestingDepth = 32;

export function hasRecurrent(model: OnnxModel): boolean {
  const inGraph = (graph: GraphProto, depth: number): boolean =>
    (graph.node ?? []).some((node) => inNode(node, depth));
  const inAttributes = (attributes: Iterable<{ g?: GraphProto | null }>, depth: number): boolean =>
    depth > 0 &&
    [...attributes].some(({ g }) => g !== null && g !== undefined && inGraph(g, depth));
  const inNode = (node: NodeProto, depth: number): boolean =>
    overTime.includes(node.opType ?? "") || inAttributes(node.attribute ?? [], depth - 1);
  const bodies = [model.graph, ...model.functions.values()];
  return bodies.some(({ nodes }) =>
    nodes.some(({ opType, attributes }) => {
      return overTime.includes(opType) || inAttributes(attributes.values(), nestingDepth);
    }),
  );
}
