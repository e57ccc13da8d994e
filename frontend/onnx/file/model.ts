/**
 * Bytes to a checked ONNX model. Protobuf decodes much that is not a model at all (every sixth
 * random buffer), so what comes out is checked: a version, opsets, a graph whose names hold
 * together. Each way a file can be wrong gets its own message.
 */
import { type Diagnostic, DiagnosticError, fail } from "../../../ir/diagnostic.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import { detectFormat } from "../../detect.ts";
import { diagnose } from "../diagnostics.ts";
import { type OnnxGraph, type OnnxNode, checkGraph } from "../graph/graph.ts";
import type { Limits } from "../../limits.ts";
import {
  type AttributeProto,
  type FunctionProto,
  type ModelProto,
  type OperatorSetIdProto,
  decodeModelProto,
  domainOf,
  integer,
} from "./proto.ts";
import { functionDefaults } from "./wire.ts";

/** Opset version by domain. */
export type Opsets = ReadonlyMap<string, number>;

/** A function that the model defines itself out of other operators. */
export interface OnnxFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Values of attributes that a call leaves out. */
  readonly defaults: ReadonlyMap<string, AttributeProto>;
  readonly opsets: Opsets;
  /** In topological order; empty where the function is at fault. */
  readonly nodes: readonly OnnxNode[];
  /** The names of its inputs. */
  readonly formals: ReadonlySet<string>;
  /** What is wrong with it. It matters only where it is called. */
  readonly faults: readonly Diagnostic[];
}

export interface OnnxModel {
  readonly file: string;
  readonly irVersion: number;
  /** Name and version of the exporter, "" where unknown. */
  readonly producer: string;
  readonly opsets: Opsets;
  readonly graph: OnnxGraph;
  /** By `functionKey`. */
  readonly functions: ReadonlyMap<string, OnnxFunction>;
}

/** The newest opset whose operators were compared with the tables here. */
const newestOpset = 22;

/** The newest IR version there is a specification of is 13; a larger leap is a damaged file. */
const largestIrVersion = 100;

export function functionKey(domain: string, name: string): string {
  return `${domain}:${name}`;
}

/** Decodes and checks; fails with diagnostics. `report` hears of what is not an error. */
export function readModel(
  bytes: Uint8Array,
  options: { file: string; limits: Limits; report: (diagnostic: Diagnostic) => void },
): OnnxModel {
  const { file, limits, report } = options;
  const loc = sourceLoc(file, file, "file");
  if (bytes.length === 0) fail(diagnose("empty-file", loc, { file }));
  const proto = decode(bytes, file);
  const irVersion = integer(proto.irVersion);
  const notOnnx = (what: string): never => {
    const { hint } = detectFormat(bytes);
    fail(diagnose("not-onnx", loc, { what, hint }));
  };
  if (!(irVersion >= 1 && irVersion <= largestIrVersion)) {
    notOnnx(irVersion === 0 ? "it states no IR version" : `it states IR version ${irVersion}`);
  }
  if (proto.graph === null || proto.graph === undefined) return notOnnx("it holds no graph");

  const opsets = opsetsOf(proto.opsetImport, `the model`, file);
  const opset = opsets.get("");
  if (opset !== undefined && opset > newestOpset) {
    report(diagnose("newer-opset", loc, { opset, known: newestOpset }));
  }
  const functions = new Map<string, OnnxFunction>();
  for (const [key, fn] of readFunctions(proto, bytes, { file, limits, report })) {
    // Overloads (IR 10) have one name too: which one a call means is not decoded.
    const fault = diagnose("duplicate-name", loc, { what: "the function", name: fn.name });
    functions.set(key, functions.has(key) ? { ...fn, nodes: [], faults: [fault] } : fn);
  }
  const isOuter = () => false;
  const graph = checkGraph(proto.graph, { file, limits, report, isOuter });
  if (graph.outputs.length === 0) fail(diagnose("no-outputs", loc, {}));
  const producer = [proto.producerName ?? "", proto.producerVersion ?? ""].join(" ").trim();
  return { file, irVersion, producer, opsets, graph, functions };
}

function decode(bytes: Uint8Array, file: string): ModelProto {
  const loc = sourceLoc(file, file, "file");
  const detected = detectFormat(bytes);
  if (detected.format !== "onnx" && detected.certain) {
    fail(diagnose("not-onnx", loc, { what: detected.what, hint: detected.hint }));
  }
  try {
    return decodeModelProto(bytes);
  } catch (error) {
    if (error instanceof DiagnosticError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    // protobufjs says "index out of range: 10 + 20 > 15" where a field goes past the end.
    if (/index out of range/.test(message)) {
      fail(diagnose("truncated-model", loc, { bytes: bytes.length }));
    }
    const what = `it is not a protobuf message (${message})`;
    return fail(diagnose("not-onnx", loc, { what, hint: detected.hint }));
  }
}

function opsetsOf(
  imports: readonly OperatorSetIdProto[] | null | undefined,
  what: string,
  file: string,
): Opsets {
  const opsets = new Map<string, number>();
  for (const entry of imports ?? []) {
    const version = integer(entry.version);
    if (version < 1 || version > 1e6) {
      const why = `${what} imports version ${version} of "${entry.domain ?? ""}"`;
      fail(diagnose("missing-opset", sourceLoc(file, file, "file"), { what: why }));
    }
    opsets.set(domainOf(entry.domain), version);
  }
  if (opsets.size === 0) {
    const why = `${what} imports no opset`;
    fail(diagnose("missing-opset", sourceLoc(file, file, "file"), { what: why }));
  }
  return opsets;
}

/** The nodes of a function, checked as those of a graph are, or what is wrong with them. */
function bodyOf(
  fn: FunctionProto,
  options: { file: string; limits: Limits; report: (diagnostic: Diagnostic) => void },
): Pick<OnnxFunction, "nodes" | "faults"> {
  const named = (names: readonly string[] | null | undefined) =>
    (names ?? []).map((name) => ({ name }));
  const proto = { node: fn.node ?? [], input: named(fn.input), output: named(fn.output) };
  try {
    const { nodes } = checkGraph(proto, { ...options, isOuter: () => false });
    return { nodes, faults: [] };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return { nodes: [], faults: error.diagnostics };
  }
}

function* readFunctions(
  proto: ModelProto,
  bytes: Uint8Array,
  options: { file: string; limits: Limits; report: (diagnostic: Diagnostic) => void },
): Iterable<readonly [string, OnnxFunction]> {
  const functions = proto.functions ?? [];
  if (functions.length === 0) return;
  const { file } = options;
  const defaults = functionDefaults(bytes);
  for (const [index, fn] of functions.entries()) {
    const name = fn.name ?? "";
    const byName = new Map<string, AttributeProto>();
    for (const attribute of defaults[index] ?? []) byName.set(attribute.name ?? "", attribute);
    const domain = domainOf(fn.domain);
    yield [
      functionKey(domain, name),
      {
        name,
        domain,
        inputs: fn.input ?? [],
        outputs: fn.output ?? [],
        defaults: byName,
        opsets: opsetsOf(fn.opsetImport, `function ${name}`, file),
        ...bodyOf(fn, options),
        formals: new Set(fn.input ?? []),
      },
    ];
  }
}
