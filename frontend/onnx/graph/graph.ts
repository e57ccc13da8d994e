/**
 * GraphProto to a checked graph: names are unique, every use has a maker, nodes are in order and
 * there are no circles. What the nodes mean is not looked at here.
 */
import { type Diagnostic, fail, failAll } from "../../../ir/diagnostic.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import { limited } from "../../diagnostics.ts";
import { diagnose } from "../diagnostics.ts";
import { type Limits } from "../../limits.ts";
import {
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type SparseTensorProto,
  type TensorProto,
  type ValueInfoProto,
  domainOf,
} from "../file/proto.ts";

export interface OnnxNode {
  /** The node's own name; where it has none, its first output's. */
  readonly name: string;
  readonly opType: string;
  /** "" for the ONNX operators. */
  readonly domain: string;
  /** "" where an optional input is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

export type Initializer =
  | { readonly kind: "dense"; readonly name: string; readonly proto: TensorProto }
  | { readonly kind: "sparse"; readonly name: string; readonly proto: SparseTensorProto };

export interface OnnxGraph {
  readonly name: string;
  /** In topological order. */
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
}

/** What checking a graph needs to know of its surroundings. */
export interface GraphSurroundings {
  readonly file: string;
  readonly limits: Limits;
  readonly report: (diagnostic: Diagnostic) => void;
  /** Names that a subgraph may use besides its own. */
  readonly isOuter: (name: string) => boolean;
}

/** Checks a graph; errors are reported all together, then ended with. */
export function checkGraph(proto: GraphProto, around: GraphSurroundings): OnnxGraph {
  const errors: Diagnostic[] = [];
  const loc = (name: string, what: string) => sourceLoc(around.file, name, what);

  const initializers: Initializer[] = [
    ...(proto.initializer ?? []).map((tensor): Initializer => {
      return { kind: "dense", name: tensor.name ?? "", proto: tensor };
    }),
    ...(proto.sparseInitializer ?? []).map((sparse): Initializer => {
      return { kind: "sparse", name: sparse.values?.name ?? "", proto: sparse };
    }),
  ];
  const made = new Set<string>();
  for (const { name } of initializers) {
    if (made.has(name)) {
      const what = "the initializer";
      errors.push(diagnose("duplicate-name", loc(name, "Initializer"), { what, name }));
    }
    made.add(name);
  }
  const inputNames = new Set<string>();
  for (const input of proto.input ?? []) {
    const name = input.name ?? "";
    if (inputNames.has(name)) {
      const what = "the input";
      errors.push(diagnose("duplicate-name", loc(name, "Input"), { what, name }));
    }
    inputNames.add(name);
    made.add(name);
  }
  const nodes = (proto.node ?? []).map((node, i) => checkNode(node, i, around.file));
  const sorted = sortNodes(nodes, made, around, errors);
  for (const output of proto.output ?? []) {
    const name = output.name ?? "";
    if (!made.has(name) && !around.isOuter(name)) {
      errors.push(diagnose("missing-output", loc(name, "Output"), { name }));
    }
  }
  if (errors.length > 0) failAll(limited(errors));
  return {
    name: proto.name ?? "",
    nodes: sorted,
    initializers,
    inputs: proto.input ?? [],
    outputs: proto.output ?? [],
  };
}

/** One node with its attributes by name. */
function checkNode(proto: NodeProto, index: number, file: string): OnnxNode {
  const outputs = proto.output ?? [];
  const opType = proto.opType ?? "";
  const named = proto.name ?? "";
  const name = named !== "" ? named : (outputs.find((o) => o !== "") ?? `#${index}`);
  if (opType === "") {
    const what = `node ${index} ("${name}") names no operator`;
    fail(diagnose("invalid-model", sourceLoc(file, name, "?"), { what }));
  }
  const attributes = new Map<string, AttributeProto>();
  for (const attribute of proto.attribute ?? []) {
    const key = attribute.name ?? "";
    if (attributes.has(key)) {
      const what = "the attribute";
      fail(diagnose("duplicate-name", sourceLoc(file, name, opType), { what, name: key }));
    }
    attributes.set(key, attribute);
  }
  return {
    name,
    opType,
    domain: domainOf(proto.domain),
    inputs: proto.input ?? [],
    outputs,
    attributes,
  };
}

/** All names that a node reads, those that its subgraphs read included. */
export function namesUsedBy(node: OnnxNode, depth: number, file: string): readonly string[] {
  const used = node.inputs.filter((name) => name !== "");
  for (const attribute of node.attributes.values()) {
    for (const graph of [attribute.g, ...(attribute.graphs ?? [])]) {
      if (graph === null || graph === undefined) continue;
      if (depth <= 0) {
        const what = "its subgraphs are nested too deeply";
        fail(diagnose("graph-too-large", sourceLoc(file, node.name, node.opType), { what }));
      }
      for (const [i, inner] of (graph.node ?? []).entries()) {
        const names = namesUsedBy(checkNode(inner, i, file), depth - 1, file);
        for (const name of names) used.push(name);
      }
      for (const output of graph.output ?? []) used.push(output.name ?? "");
    }
  }
  return used;
}

/**
 * The nodes in topological order: as they stand where that is one, else sorted, keeping their
 * order as far as it goes (Kahn 1962). Adds what they make to `made`.
 */
function sortNodes(
  nodes: readonly OnnxNode[],
  made: Set<string>,
  around: GraphSurroundings,
  errors: Diagnostic[],
): readonly OnnxNode[] {
  const maker = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const name of node.outputs) {
      if (name === "") continue;
      if (made.has(name) || maker.has(name)) {
        const what = "the value";
        const loc = sourceLoc(around.file, node.name, node.opType);
        errors.push(diagnose("duplicate-name", loc, { what, name }));
      }
      maker.set(name, i);
    }
  });

  const waiting = new Array<number>(nodes.length).fill(0);
  const users: number[][] = nodes.map(() => []);
  let inOrder = true;
  nodes.forEach((node, i) => {
    const own = new Set(node.inputs);
    for (const name of new Set(namesUsedBy(node, around.limits.depth, around.file))) {
      const from = maker.get(name);
      if (from !== undefined && !made.has(name)) {
        users[from]?.push(i);
        waiting[i] = (waiting[i] ?? 0) + 1;
        if (from >= i) inOrder = false;
      } else if (!made.has(name) && !around.isOuter(name) && own.has(name)) {
        const loc = sourceLoc(around.file, node.name, node.opType);
        errors.push(diagnose("undefined-input", loc, { name }));
      }
    }
  });
  for (const name of maker.keys()) made.add(name);
  if (inOrder) return nodes;

  const sorted: OnnxNode[] = [];
  const ready = nodes.flatMap((_, i) => (waiting[i] === 0 ? [i] : []));
  for (let next = 0; next < ready.length; next++) {
    const i = ready[next] ?? 0;
    const node = nodes[i];
    if (node !== undefined) sorted.push(node);
    for (const user of users[i] ?? []) {
      waiting[user] = (waiting[user] ?? 0) - 1;
      if (waiting[user] === 0) ready.push(user);
    }
  }
  if (sorted.length < nodes.length) {
    const stuck = nodes.filter((_, i) => (waiting[i] ?? 0) > 0);
    const first = stuck[0];
    const loc = first === undefined ? null : sourceLoc(around.file, first.name, first.opType);
    const listed = stuck.slice(0, 5).map((node) => `"${node.name}"`);
    const names = listed.join(", ") + (stuck.length > 5 ? ", …" : "");
    errors.push(diagnose("cyclic-graph", loc, { count: stuck.length, names }));
  } else {
    around.report(diagnose("unsorted-graph", null, {}));
  }
  return sorted;
}
