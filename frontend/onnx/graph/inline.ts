/**
 * Walks the nodes of a graph and of what it calls: branches of If and model functions are put in
 * place of their calls. Depth and size are limited, as a function of two calls each doubles.
 */
import { type Diagnostic, DiagnosticError, fail, failAll } from "../../../ir/diagnostic.ts";
import { type Loc, sourceLoc } from "../../../ir/loc.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { type ImportServices, NodeContext } from "../context.ts";
import { diagnose } from "../diagnostics.ts";
import { type Initializer, type OnnxGraph, type OnnxNode, checkGraph } from "./graph.ts";
import { type OnnxFunction, type OnnxModel, type Opsets, functionKey } from "../file/model.ts";
import { type Need, Needs } from "./need.ts";
import type { NodeResult, OnnxOperator } from "../operator.ts";
import { assumedVersion, operatorOf } from "../operators.ts";
import type { AttributeProto, GraphProto } from "../file/proto.ts";
import type { Refusal, Refusals } from "../../refusals.ts";
import { type Entry, type NodeOutput, type Poison, GraphScope } from "./scope.ts";
import { findNonFinite, narrowFormat } from "../file/tensors.ts";
import { unsupportedOperator } from "../unsupported.ts";

interface InlineScope {
  readonly scope: GraphScope;
  readonly opsets: Opsets;
  /** Put before the names of nodes that were called. */
  readonly prefix: string;
  /** Functions that are being inlined, outermost first. */
  readonly calls: readonly string[];
  readonly depth: number;
  readonly isUsed: (name: string) => boolean;
  /** What attributes of a function's nodes refer to; null outside of functions. */
  readonly references: References | null;
}

/** Attributes of a call, and behind them the function's defaults. */
interface References {
  readonly call: ReadonlyMap<string, AttributeProto>;
  readonly defaults: ReadonlyMap<string, AttributeProto>;
}

/** What became of a wanted output: its value, or why there is none. */
export type Wanted = ValueId | Poison;

export class GraphImporter {
  private readonly model: OnnxModel;
  private readonly services: ImportServices;
  private readonly refusals: Refusals;
  private readonly needs: Needs;
  /** Subgraphs are checked once, however often a loop or a function puts them in place. */
  private readonly subgraphs = new Map<GraphProto, OnnxGraph>();
  private readonly imported = new Set<OnnxNode>();
  private readonly unneeded = new Set<OnnxNode>();
  /** Domains whose version is assumed, and was said to be. */
  private readonly assumedDomains = new Set<string>();
  private nodesLeft: number;
  private edgesLeft: number;

  constructor(options: { model: OnnxModel; services: ImportServices; refusals: Refusals }) {
    this.model = options.model;
    this.services = options.services;
    this.refusals = options.refusals;
    this.needs = new Needs(options.model.file, options.model.functions);
    this.nodesLeft = options.services.limits.nodes;
    this.edgesLeft = options.services.limits.edges;
  }

  /**
   * Imports what `wanted`, names of values of the main graph, depend on; `given` names inputs that
   * stand before initializers of that name.
   */
  importGraph(
    graph: OnnxGraph,
    scope: GraphScope,
    given: ReadonlySet<string>,
    wanted: readonly string[],
  ): readonly Wanted[] {
    const { opsets } = this.model;
    const around = { scope, opsets, prefix: "", calls: [], depth: 0, references: null };
    this.importInto(graph, { ...around, isUsed: () => true }, given, wanted);
    return wanted.map((name) => {
      const entry = this.outputEntry(name, scope);
      if (entry.kind === "poisoned") return entry.poison;
      if (entry.kind !== "sequence") return entry.kind === "value" ? entry.value : entry.value();
      const loc = sourceLoc(this.file, name, "Output");
      return { refusals: this.noOutput(diagnose("unsupported-output", loc, { name })), from: [] };
    });
  }

  /** Nodes that no wanted output depends on. */
  leftOut(): readonly OnnxNode[] {
    return [...this.unneeded].filter((node) => !this.imported.has(node));
  }

  private get file(): string {
    return this.model.file;
  }

  private noOutput(diagnostic: Diagnostic): readonly Refusal[] {
    const node = { name: "", opType: "Output", domain: "" };
    return this.refusals.refused(node, 0, [diagnostic]);
  }

  private importInto(
    graph: OnnxGraph,
    around: InlineScope,
    given: ReadonlySet<string>,
    wanted: readonly string[],
  ): void {
    const need = this.needs.of(graph.nodes, wanted);
    for (const initializer of graph.initializers) {
      if (given.has(initializer.name) || !need.names.has(initializer.name)) continue;
      around.scope.set(initializer.name, this.initializerEntry(initializer));
    }
    this.importNodes(need, around);
  }

  private outputEntry(name: string, scope: GraphScope): Exclude<Entry, { kind: "absent" }> {
    const entry = scope.get(name);
    if (entry === null || entry.kind === "absent") {
      fail(diagnose("missing-output", sourceLoc(this.file, name, "Output"), { name }));
    }
    return entry;
  }

  private importNodes(need: Need, around: InlineScope): void {
    const inside = { ...around, isUsed: (name: string) => need.names.has(name) };
    for (const node of need.unneeded) this.unneeded.add(node);
    for (const node of need.nodes) {
      this.imported.add(node);
      const result = this.importNode(this.resolved(node, inside), inside);
      node.outputs.forEach((name, i) => {
        if (name !== "") around.scope.set(name, result[i] ?? { kind: "absent" });
      });
    }
  }

  /** The node with its call's name before its own and attributes of the call put in. */
  private resolved(node: OnnxNode, around: InlineScope): OnnxNode {
    if (around.references === null && around.prefix === "") return node;
    const attributes = new Map<string, AttributeProto>();
    for (const [name, attribute] of node.attributes) {
      const reference = attribute.refAttrName ?? "";
      if (reference === "") attributes.set(name, attribute);
      else {
        const { call, defaults } = around.references ?? {};
        const value = call?.get(reference) ?? defaults?.get(reference);
        if (value !== undefined) attributes.set(name, value);
      }
    }
    return { ...node, name: around.prefix + node.name, attributes };
  }

  /** The node's outputs, in order; all of them poisoned where it cannot be imported. */
  private importNode(node: OnnxNode, around: InlineScope): readonly Entry[] {
    const loc = sourceLoc(this.file, node.name, node.opType);
    const { limits } = this.services;
    if (around.depth > 0) this.edgesLeft -= sizeOf(node);
    if (--this.nodesLeft < 0 || this.edgesLeft < 0) {
      const [most, of] =
        this.nodesLeft < 0
          ? [limits.nodes, "nodes"]
          : [limits.edges, "operands, results and attributes"];
      const what = `more than ${most} ${of} after inlining`;
      fail(diagnose("graph-too-large", loc, { what }));
    }
    const fn = this.model.functions.get(functionKey(node.domain, node.opType));
    const opset = around.opsets.get(node.domain) ?? this.assumed(node.domain, loc) ?? 0;
    const poisoned = (diagnostics: readonly Diagnostic[], from: readonly Poison[]): Entry[] => {
      const poison = { refusals: this.refusals.refused(node, opset, diagnostics), from };
      return node.outputs.map(() => ({ kind: "poisoned", poison }));
    };
    try {
      if (fn !== undefined) return this.inlineFunction(fn, node, around, loc);
      this.refusals.noteOperator(node);
      const entries = this.entriesOf(node, around.scope, loc);
      const poisons = entries.flatMap((entry) => {
        return entry?.kind === "poisoned" ? [entry.poison] : [];
      });
      const row = operatorOf(node.domain, node.opType);
      const refusal = unsupportedOperator(node, opset, loc);
      if (refusal !== null || row === undefined) {
        return poisoned(refusal === null ? [] : [refusal], poisons);
      }
      if (opset === 0) {
        const which = node.domain === "" ? "the ONNX operators" : `domain ${node.domain}`;
        const what = `the model imports no opset of ${which}`;
        fail(diagnose("missing-opset", loc, { what }));
      }
      if (poisons.length > 0) return poisoned([], poisons);
      return this.runOperator(row, node, opset, entries, around, loc);
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      if (error.diagnostics.some(({ code }) => endsImport.includes(code))) throw error;
      return poisoned(error.diagnostics, []);
    }
  }

  /** The version of a domain that is used without being imported, as some exporters do; null if unknown. */
  private assumed(domain: string, loc: Loc): number | null {
    const version = assumedVersion(domain);
    if (version === null || this.assumedDomains.has(domain)) return version;
    this.assumedDomains.add(domain);
    this.services.report(diagnose("assumed-opset", loc, { domain, version }));
    return version;
  }

  private entriesOf(node: OnnxNode, scope: GraphScope, loc: Loc): readonly (Entry | null)[] {
    const entries = node.inputs.map((name): Entry | null => {
      if (name === "") return null;
      const entry = scope.get(name);
      if (entry === null) fail(diagnose("undefined-input", loc, { name }));
      return entry.kind === "absent" ? null : entry;
    });
    // Trailing inputs left out by "" are the same as fewer inputs.
    while (entries.length > 0 && entries.at(-1) === null) entries.pop();
    return entries;
  }

  private runOperator(
    row: OnnxOperator,
    node: OnnxNode,
    opset: number,
    entries: readonly (Entry | null)[],
    around: InlineScope,
    loc: Loc,
  ): readonly Entry[] {
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
      inlineGraph: (graph, inputs, wants) => this.inlineGraph(graph, inputs, wants, around),
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
    wants: (output: number) => boolean,
    around: InlineScope,
  ): readonly NodeOutput[] {
    const { limits, report } = this.services;
    if (around.depth >= limits.depth) {
      fail(diagnose("graph-too-large", null, { what: `nested deeper than ${limits.depth}` }));
    }
    let graph = this.subgraphs.get(proto);
    if (graph === undefined) {
      const isOuter = (name: string): boolean => around.scope.get(name) !== null;
      graph = checkGraph(proto, { file: this.file, limits, report, isOuter });
      this.subgraphs.set(proto, graph);
    }
    const scope = new GraphScope(around.scope);
    graph.inputs.forEach((info, i) => {
      const value = inputs[i];
      if (value !== undefined) scope.set(info.name ?? "", { kind: "value", value });
    });
    const names = graph.outputs.map((info) => info.name ?? "");
    const wanted = names.filter((_, i) => wants(i));
    const inside = { ...around, scope, depth: around.depth + 1 };
    this.importInto(graph, inside, new Set<string>(), wanted);
    return names.map((name, i): NodeOutput => {
      if (!wants(i)) return null;
      const entry = this.outputEntry(name, scope);
      switch (entry.kind) {
        case "value":
          return entry.value;
        case "tensor":
          return entry.value();
        case "sequence":
          return { sequence: entry.items };
        case "poisoned":
          return { poison: entry.poison };
      }
    });
  }

  private inlineFunction(
    fn: OnnxFunction,
    call: OnnxNode,
    around: InlineScope,
    loc: Loc,
  ): readonly Entry[] {
    const key = functionKey(fn.domain, fn.name);
    if (around.calls.includes(key)) fail(diagnose("recursive-function", loc, { name: fn.name }));
    if (around.depth >= this.services.limits.depth) {
      const what = `functions call one another more than ${this.services.limits.depth} deep`;
      fail(diagnose("graph-too-large", loc, { what }));
    }
    if (fn.faults.length > 0) failAll(fn.faults);
    const extra = call.inputs.length - fn.inputs.length;
    if (extra > 0 || call.outputs.length > fn.outputs.length) {
      const [which, most] =
        extra > 0 ? ["inputs", fn.inputs.length] : ["outputs", fn.outputs.length];
      const why = `it has more ${which} than the ${most} of the function`;
      fail(diagnose("invalid-node", loc, { op: call.opType, why }));
    }
    const wanted = this.needs.wantedOf(fn, call, around.isUsed);
    const need = this.needs.ofFunction(fn, wanted);
    const scope = new GraphScope(null);
    call.inputs.forEach((name, i) => {
      const formal = fn.inputs[i] ?? "";
      if (name === "" || !need.names.has(formal)) return;
      const entry = around.scope.get(name);
      if (entry === null) fail(diagnose("undefined-input", loc, { name }));
      scope.set(formal, entry);
    });
    // Shared by all calls: a call costs no more than what it gives.
    scope.leaveOut(fn.formals);
    this.importNodes(need, {
      scope,
      opsets: fn.opsets,
      prefix: prefixOf(call.name),
      calls: [...around.calls, key],
      depth: around.depth + 1,
      isUsed: () => true,
      references: { call: call.attributes, defaults: fn.defaults },
    });
    const isWanted = new Set(wanted);
    return call.outputs.map((_, i): Entry => {
      const name = fn.outputs[i] ?? "";
      if (!isWanted.has(name)) return { kind: "absent" };
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

function entriesFrom(result: NodeResult): readonly Entry[] {
  const values = typeof result === "number" ? [result] : result;
  return values.map((value): Entry => {
    if (value === null) return { kind: "absent" };
    if (typeof value === "number") return { kind: "value", value };
    if ("poison" in value) return { kind: "poisoned", poison: value.poison };
    return { kind: "sequence", items: value.sequence };
  });
}

/** What a node costs besides itself, however often it is put in place: names, and lists of numbers. */
function sizeOf(node: OnnxNode): number {
  let size = node.inputs.length + node.outputs.length + node.attributes.size;
  for (const { ints, floats, strings, t } of node.attributes.values()) {
    size += (ints?.length ?? 0) + (floats?.length ?? 0) + (strings?.length ?? 0);
    // Tensors of repeated nodes are shared, but each is decoded and compared.
    const fields = (t?.floatData?.length ?? 0) + (t?.int32Data?.length ?? 0);
    size += ((t?.rawData?.length ?? 0) + fields) / bytesPerEdge;
  }
  return size;
}

/** Bytes of a tensor that take as long to read as a name. */
const bytesPerEdge = 64;

/** Letters of a call's name that the names of its nodes begin with, at most. */
const longestPrefix = 400;

/** What is put before the names of a call's nodes: long names do not multiply. */
function prefixOf(name: string): string {
  return name.length <= longestPrefix ? `${name}/` : `${name.slice(0, longestPrefix)}…/`;
}

/** Codes that end the import: going on would only find the same again. */
const endsImport: readonly string[] = ["graph-too-large", "values-too-large"];
