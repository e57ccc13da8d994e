/**
 * Walks the nodes of a graph and of what it calls: branches of If and model functions are put in
 * place of their calls. Depth and size are limited, as a function of two calls each doubles.
 */
import { DiagnosticError, fail } from "../../ir/diagnostic.ts";
import { type Loc, sourceLoc } from "../../ir/loc.ts";
import type { ValueId } from "../../ir/op.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { type ImportServices, NodeContext } from "./context.ts";
import { diagnose } from "./diagnostics.ts";
import { type Initializer, type OnnxGraph, type OnnxNode, checkGraph } from "./graph.ts";
import { namesUsedBy } from "./graph.ts";
import { type OnnxFunction, type OnnxModel, type Opsets, functionKey } from "./model.ts";
import type { NodeResult, OnnxOperator } from "./operator.ts";
import { operatorOf, wayOut } from "./operators.ts";
import type { AttributeProto, GraphProto } from "./proto.ts";
import type { Refusals } from "./refusals.ts";
import { type Entry, Scope } from "./scope.ts";
import { findNonFinite, narrowFormat } from "./tensors.ts";

interface Surroundings {
  readonly scope: Scope;
  readonly opsets: Opsets;
  /** Put before the names of nodes that were called. */
  readonly prefix: string;
  /** Functions that are being inlined, outermost first. */
  readonly calls: readonly string[];
  readonly depth: number;
  readonly isUsed: (name: string) => boolean;
  /** What attributes of a function's nodes refer to; null outside of functions. */
  readonly references: ReadonlyMap<string, AttributeProto> | null;
}

export class GraphImporter {
  private readonly model: OnnxModel;
  private readonly services: ImportServices;
  private readonly refusals: Refusals;
  private nodesLeft: number;

  constructor(options: { model: OnnxModel; services: ImportServices; refusals: Refusals }) {
    this.model = options.model;
    this.services = options.services;
    this.refusals = options.refusals;
    this.nodesLeft = options.services.limits.nodes;
  }

  /** Imports the main graph; `given` names inputs that stand before initializers of that name. */
  importGraph(
    graph: OnnxGraph,
    scope: Scope,
    given: ReadonlySet<string>,
  ): readonly ValueId[] | "poisoned" {
    const { opsets } = this.model;
    const around = { scope, opsets, prefix: "", calls: [], depth: 0, references: null };
    return this.importInto(
      graph,
      { ...around, isUsed: usedIn(graph.nodes, graph, this.file) },
      given,
    );
  }

  private get file(): string {
    return this.model.file;
  }

  private importInto(
    graph: OnnxGraph,
    around: Surroundings,
    given: ReadonlySet<string>,
  ): readonly ValueId[] | "poisoned" {
    for (const initializer of graph.initializers) {
      if (given.has(initializer.name)) continue;
      around.scope.set(initializer.name, this.initializerEntry(initializer));
    }
    this.importNodes(graph.nodes, around);
    return this.outputsOf(
      graph.outputs.map((info) => info.name ?? ""),
      around.scope,
    );
  }

  private outputsOf(names: readonly string[], scope: Scope): readonly ValueId[] | "poisoned" {
    const values: ValueId[] = [];
    for (const name of names) {
      const entry = scope.get(name);
      if (entry === null || entry.kind === "absent") {
        fail(diagnose("missing-output", sourceLoc(this.file, name, "Output"), { name }));
      }
      if (entry.kind === "poisoned") return "poisoned";
      if (entry.kind === "sequence") {
        fail(diagnose("unsupported-output", sourceLoc(this.file, name, "Output"), { name }));
      }
      values.push(entry.kind === "value" ? entry.value : entry.value());
    }
    return values;
  }

  private importNodes(nodes: readonly OnnxNode[], around: Surroundings): void {
    for (const node of nodes) {
      const result = this.importNode(this.resolved(node, around), around);
      node.outputs.forEach((name, i) => {
        if (name === "") return;
        around.scope.set(name, resultEntry(result, i));
      });
    }
  }

  /** The node with its call's name before its own and attributes of the call put in. */
  private resolved(node: OnnxNode, around: Surroundings): OnnxNode {
    if (around.references === null && around.prefix === "") return node;
    const attributes = new Map<string, AttributeProto>();
    for (const [name, attribute] of node.attributes) {
      const reference = attribute.refAttrName ?? "";
      if (reference === "") attributes.set(name, attribute);
      else {
        const value = around.references?.get(reference);
        if (value !== undefined) attributes.set(name, value);
      }
    }
    return { ...node, name: around.prefix + node.name, attributes };
  }

  private importNode(node: OnnxNode, around: Surroundings): readonly Entry[] | "poisoned" {
    const loc = sourceLoc(this.file, node.name, node.opType);
    if (--this.nodesLeft < 0) {
      const what = `more than ${this.services.limits.nodes} nodes after inlining`;
      fail(diagnose("graph-too-large", loc, { what }));
    }
    const fn = this.model.functions.get(functionKey(node.domain, node.opType));
    const opset = around.opsets.get(node.domain) ?? 0;
    const row = operatorOf(node.domain, node.opType);
    if (fn === undefined) {
      this.refusals.noteOperator(node);
      if (row === undefined || (opset > 0 && opset < (row.since[0] ?? 1))) {
        this.refusals.unknown(node, opset, loc, wayOut(node.opType, node.domain, opset, row));
        return "poisoned";
      }
      if (opset === 0) {
        const which = node.domain === "" ? "the ONNX operators" : `domain ${node.domain}`;
        const what = `the model imports no opset of ${which}`;
        fail(diagnose("missing-opset", loc, { what }));
      }
    }
    try {
      const entries = this.entriesOf(node, around.scope, loc);
      if (entries === "poisoned") return "poisoned";
      if (fn !== undefined) return this.inlineFunction(fn, node, entries, around, loc);
      if (row === undefined) return "poisoned";
      return this.runOperator(row, node, opset, entries, around, loc);
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      if (error.diagnostics.some(({ code }) => code === "graph-too-large")) throw error;
      for (const diagnostic of error.diagnostics) this.refusals.refused(node, opset, diagnostic);
      return "poisoned";
    }
  }

  private entriesOf(
    node: OnnxNode,
    scope: Scope,
    loc: Loc,
  ): readonly (Entry | null)[] | "poisoned" {
    const entries = node.inputs.map((name): Entry | null => {
      if (name === "") return null;
      const entry = scope.get(name);
      if (entry === null) fail(diagnose("undefined-input", loc, { name }));
      return entry.kind === "absent" ? null : entry;
    });
    if (entries.some((entry) => entry?.kind === "poisoned")) return "poisoned";
    // Trailing inputs left out by "" are the same as fewer inputs.
    while (entries.length > 0 && entries.at(-1) === null) entries.pop();
    return entries;
  }

  private runOperator(
    row: OnnxOperator,
    node: OnnxNode,
    opset: number,
    entries: readonly (Entry | null)[],
    around: Surroundings,
    loc: Loc,
  ): readonly Entry[] | "poisoned" {
    const [least, most] = row.inputs;
    if (entries.length < least || entries.length > most) {
      const wanted = least === most ? `${least}` : `${least} to ${most}`;
      const why = `it has ${entries.length} inputs, not ${wanted}`;
      fail(diagnose("invalid-node", loc, { op: node.opType, why }));
    }
    const context = new NodeContext({
      node,
      opset,
      loc,
      services: this.services,
      entries,
      isUsed: around.isUsed,
      inlineGraph: (graph, inputs) => this.inlineGraph(graph, inputs, around),
    });
    const result = entriesFrom(row.run(context));
    for (const attribute of context.attributes.unread()) {
      this.services.report(diagnose("ignored-attribute", loc, { op: node.opType, attribute }));
    }
    return result;
  }

  /** Imports a branch or body where it stands; it sees the names around it. */
  private inlineGraph(
    proto: GraphProto,
    inputs: readonly ValueId[],
    around: Surroundings,
  ): readonly ValueId[] | "poisoned" {
    const { limits, report } = this.services;
    if (around.depth >= limits.depth) {
      fail(diagnose("graph-too-large", null, { what: `nested deeper than ${limits.depth}` }));
    }
    const isOuter = (name: string): boolean => around.scope.get(name) !== null;
    const graph = checkGraph(proto, { file: this.file, limits, report, isOuter });
    const scope = new Scope(around.scope);
    graph.inputs.forEach((info, i) => {
      const value = inputs[i];
      if (value !== undefined) scope.set(info.name ?? "", { kind: "value", value });
    });
    const isUsed = usedIn(graph.nodes, graph, this.file);
    return this.importInto(
      graph,
      { ...around, scope, isUsed, depth: around.depth + 1 },
      new Set<string>(),
    );
  }

  private inlineFunction(
    fn: OnnxFunction,
    call: OnnxNode,
    entries: readonly (Entry | null)[],
    around: Surroundings,
    loc: Loc,
  ): readonly Entry[] {
    const key = functionKey(fn.domain, fn.name);
    if (around.calls.includes(key)) fail(diagnose("recursive-function", loc, { name: fn.name }));
    if (around.depth >= this.services.limits.depth) {
      const what = `functions call one another more than ${this.services.limits.depth} deep`;
      fail(diagnose("graph-too-large", loc, { what }));
    }
    const scope = new Scope(null);
    fn.inputs.forEach((name, i) => scope.set(name, entries[i] ?? { kind: "absent" }));
    const outputs = { outputs: fn.outputs.map((name) => ({ name })) };
    this.importNodes(fn.nodes, {
      scope,
      opsets: fn.opsets,
      prefix: `${call.name}/`,
      calls: [...around.calls, key],
      depth: around.depth + 1,
      isUsed: usedIn(fn.nodes, outputs, this.file),
      references: new Map([...fn.defaults, ...call.attributes]),
    });
    return fn.outputs.map((name) => {
      return scope.get(name) ?? fail(diagnose("missing-output", loc, { name }));
    });
  }

  /** Decodes on demand, once; a tensor that cannot be read is reported where it is first used. */
  private initializerEntry(initializer: Initializer): Entry {
    const { builder, folder, decode, decodeSparse } = this.services;
    const { name } = initializer;
    const loc = sourceLoc(this.file, name, "Initializer");
    let decoded: Tensor | null = null;
    let value: ValueId | null = null;
    const tensor = (): Tensor => {
      if (decoded !== null) return decoded;
      decoded =
        initializer.kind === "dense"
          ? decode(initializer.proto, name, loc)
          : decodeSparse(initializer.proto, name, loc);
      const bad = findNonFinite(decoded, name, loc);
      if (bad !== null) fail(bad);
      return decoded;
    };
    const format = initializer.kind === "dense" ? narrowFormat(initializer.proto.dataType) : null;
    return {
      kind: "tensor",
      ...(format === null ? {} : { format }),
      tensor,
      value: () => {
        if (value === null) {
          value = builder.constant(name, tensor(), loc);
          folder.noteOp(builder.opOf(value));
        }
        return value;
      },
    };
  }
}

function entriesFrom(result: NodeResult): readonly Entry[] | "poisoned" {
  if (result === "poisoned") return result;
  const values = typeof result === "number" ? [result] : result;
  return values.map((value): Entry => {
    if (value === null) return { kind: "absent" };
    return typeof value === "number"
      ? { kind: "value", value }
      : { kind: "sequence", items: value.sequence };
  });
}

function resultEntry(result: readonly Entry[] | "poisoned", index: number): Entry {
  if (result === "poisoned") return { kind: "poisoned" };
  return result[index] ?? { kind: "absent" };
}

/** Tells whether a name is read by any of these nodes or is an output. */
function usedIn(
  nodes: readonly OnnxNode[],
  graph: { readonly outputs: readonly { readonly name?: string | null }[] },
  file: string,
): (name: string) => boolean {
  const used = new Set(nodes.flatMap((node) => namesUsedBy(node, nestingDepth, file)));
  for (const { name } of graph.outputs) used.add(name ?? "");
  return (name) => used.has(name);
}

/** Subgraphs within one another that are looked through for the names they use. */
const nestingDepth = 32;
