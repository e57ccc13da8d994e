/**
 * One attempt at a model: the outputs that are asked for, by one plan of the batch. Nothing stops
 * at the first problem: what cannot be imported is collected, and what depends on it is passed over.
 */
import { Builder } from "../../ir/build.ts";
import { type Diagnostic, DiagnosticError, fail, known } from "../../ir/diagnostic.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { Carry, Module, Output } from "../../ir/module.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { type BatchPlan, type RecurrentExtent, outputFits } from "./batch/batch.ts";
import { diagnose } from "./diagnostics.ts";
import type { ExternalFiles } from "../external.ts";
import { Folder } from "./graph/fold.ts";
import { GraphImporter, type Wanted } from "./graph/inline.ts";
import {
  type OnnxInput,
  type InputOptions,
  constantOf,
  declaredShape,
  resolveInputs,
} from "./graph/inputs.ts";
import { type Limits, foldingBudget } from "../limits.ts";
import type { OnnxModel } from "./file/model.ts";
import { Needs } from "./graph/need.ts";
import { prune } from "./graph/prune.ts";
import { type ValueInfoProto, integer } from "./file/proto.ts";
import { Refusals } from "../refusals.ts";
import { type Poison, refusalsBehind, GraphScope } from "./graph/scope.ts";
import { noteUnsupported } from "./unsupported.ts";
import { decodeSparse, decodeTensor } from "./file/tensors.ts";

export interface AttemptOptions {
  readonly model: OnnxModel;
  readonly limits: Limits;
  /** Size of the file. */
  readonly bytes: number;
  readonly files: ExternalFiles | null;
  /** The inputs that the module is to take, or that are constants. */
  readonly inputs: readonly ValueInfoProto[];
  readonly inputOptions: InputOptions;
  /** Names of the inputs that have a frame for each timestep; null where nothing is over time. */
  readonly stream: ReadonlySet<string> | null;
  /** Names of values of the main graph. */
  readonly wanted: readonly string[];
}

interface AttemptedOutput {
  readonly name: string;
  /** Why there is no value; null where there is one. */
  readonly poison: Poison | null;
  /** True of a value that no input reaches. */
  readonly constant: boolean;
}

export interface Attempt {
  readonly plan: BatchPlan;
  /** Null where anything is an error. */
  readonly module: Module | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly refusals: Refusals;
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly AttemptedOutput[];
  readonly recurrent: readonly RecurrentExtent[];
  /** What constant shapes begin with, as often as it occurs. */
  readonly leading: readonly number[];
  /** The first output whose shape is not as declared once the batch is out; null where all fit. */
  readonly misfit: Misfit | null;
}

interface Misfit {
  readonly output: string;
  readonly declared: readonly (number | string | null)[];
  readonly found: readonly number[];
}

/** Imports `wanted` by `plan`. Never throws for what the model holds. */
export function attempt(options: AttemptOptions, plan: BatchPlan): Attempt {
  const diagnostics: Diagnostic[] = [];
  const refusals = new Refusals();
  const state = {
    inputs: new Array<OnnxInput>(),
    outputs: new Array<AttemptedOutput>(),
    recurrent: new Array<RecurrentExtent>(),
    leading: new Array<number>(),
  };
  let module: Module | null = null;
  try {
    module = run(options, plan, { diagnostics, refusals, ...state });
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    for (const diagnostic of error.diagnostics) diagnostics.push(diagnostic);
  }
  for (const diagnostic of refusals.diagnostics()) diagnostics.push(diagnostic);
  if (diagnostics.some(({ severity }) => severity === "error")) module = null;
  const misfit = module === null ? null : misfitOf(options.model, module, plan);
  return { plan, module, diagnostics, refusals, ...state, misfit };
}

interface Gathered {
  readonly diagnostics: Diagnostic[];
  readonly refusals: Refusals;
  readonly inputs: OnnxInput[];
  readonly outputs: AttemptedOutput[];
  readonly recurrent: RecurrentExtent[];
  readonly leading: number[];
}

function run(options: AttemptOptions, plan: BatchPlan, gathered: Gathered): Module | null {
  const { model, limits, wanted } = options;
  const { file, graph } = model;
  const report = (diagnostic: Diagnostic): void => void gathered.diagnostics.push(diagnostic);
  const builder = new Builder();
  const folder = new Folder(builder, foldingBudget(limits, options.bytes));
  const scope = new GraphScope(null);
  const { names: needed, nodes } = new Needs(file, model.functions).of(graph.nodes, wanted);
  const taken = options.inputs.filter((info) => needed.has(info.name ?? ""));
  for (const info of options.inputs) {
    const input = info.name ?? "";
    if (needed.has(input)) continue;
    report(diagnose("unneeded-input", sourceLoc(file, input, "Input"), { input }));
  }
  const { inputValues, inputConstants } = options.inputOptions;
  const resolved = resolveInputs(taken, plan, options.inputOptions);
  for (const diagnostic of resolved.errors) report(diagnostic);
  if (resolved.errors.length > 0) {
    noteUnsupported(model, nodes, gathered.refusals);
    return null;
  }
  for (const input of resolved.inputs) {
    const { name, type, format } = input;
    const loc = sourceLoc(file, name, "Input");
    const given = inputConstants.get(name);
    const value =
      given === undefined
        ? options.stream?.has(name) === true
          ? builder.inputOverTime(name, type, loc)
          : builder.input(name, type, loc)
        : builder.constant(name, constantOf(input, given, loc), loc);
    if (given === undefined) {
      folder.noteInput(value, name, inputValues.get(name) ?? null);
      gathered.inputs.push(input);
    } else folder.noteOp(builder.opOf(value));
    scope.set(name, { kind: "value", value, ...(format === null ? {} : { format }) });
    if (plan.from === null || input.declared?.[plan.axes.get(name) ?? -1] !== plan.from) continue;
    const rebatched = { input: name, from: plan.from, axis: plan.axes.get(name) ?? 0 };
    report(diagnose("rebatched", loc, rebatched));
  }
  const carries: Carry[] = [];
  const importer = new GraphImporter({
    model,
    refusals: gathered.refusals,
    services: servicesOf(options, plan, { builder, folder, report, gathered, carries }),
  });
  const given = new Set(options.inputs.map((info) => info.name ?? ""));
  const values = importer.importGraph(graph, scope, given, wanted);
  reportLeftOut(importer, report);
  gathered.refusals.settle(refusalsBehind(values.flatMap((v) => (isPoison(v) ? [v] : []))));
  const outputs: Output[] = [];
  wanted.forEach((name, i) => {
    const value = known(values[i], "an output's value");
    const constant = !isPoison(value) && folder.constancyOf(value) === "constant";
    gathered.outputs.push({ name, poison: isPoison(value) ? value : null, constant });
    if (!isPoison(value)) outputs.push({ name, value });
  });
  if (outputs.length < wanted.length) return null;
  return prune(builder.finish({ name: moduleName(file), outputs, carries }));
}

function isPoison(value: Wanted): value is Poison {
  return typeof value === "object";
}

function servicesOf(
  options: AttemptOptions,
  plan: BatchPlan,
  made: {
    builder: Builder;
    folder: Folder;
    report: (diagnostic: Diagnostic) => void;
    gathered: Gathered;
    carries: Carry[];
  },
): ConstructorParameters<typeof GraphImporter>[0]["services"] {
  const { limits } = options;
  const { builder, folder, report, gathered, carries } = made;
  const { valueBytes, rank } = limits;
  const source = { files: options.files, valueBytes, rank, report };
  const specialised = new Set<string>();
  let bytesLeft = limits.totalBytes;
  return {
    builder,
    folder,
    limits,
    report,
    removedBatch: plan.from,
    streams: options.stream !== null,
    carry: (value, source) => void carries.push({ value, source }),
    noteRecurrent: (extent) => void gathered.recurrent.push(extent),
    noteLeading: (extent) => void gathered.leading.push(extent),
    takeValue: (bytes, loc) => {
      bytesLeft -= bytes;
      if (bytesLeft >= 0) return;
      fail(diagnose("values-too-large", loc, { limit: limits.totalBytes }));
    },
    noteSpecialised: (names, operator, loc) => {
      for (const input of names) {
        if (specialised.has(input)) continue;
        specialised.add(input);
        report(diagnose("input-specialised", loc, { input, operator }));
      }
    },
    decode: (proto, name, loc): Tensor => decodeTensor(proto, name, { ...source, loc }),
    decodeSparse: (proto, name, loc): Tensor => {
      const count = elementCount((proto.dims ?? []).map(integer));
      folder.spend(count, count, loc);
      return decodeSparse(proto, name, { ...source, loc });
    },
  };
}

/** Nodes that are named where some were left out; the others are counted. */
const namedNodes = 8;

function reportLeftOut(importer: GraphImporter, report: (diagnostic: Diagnostic) => void): void {
  const nodes = importer.leftOut();
  if (nodes.length === 0) return;
  const named = nodes.slice(0, namedNodes).map(({ name, opType }) => `"${name}" (${opType})`);
  const more = nodes.length - named.length;
  const list = named.join(", ") + (more > 0 ? ` and ${more} more` : "");
  report(diagnose("unneeded-nodes", null, { count: nodes.length, nodes: list }));
}

/** The file's name without extension, in the letters that IR text allows. */
function moduleName(file: string): string {
  const stem = file.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");
  return stem.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^(?=\d)/, "m") || "model";
}

function misfitOf(model: OnnxModel, module: Module, plan: BatchPlan): Misfit | null {
  const types = new Map(module.ops.map((op) => [op.result, op.type]));
  const infos = new Map(model.graph.outputs.map((info) => [info.name ?? "", info]));
  for (const { name, value } of module.outputs) {
    const info = infos.get(name);
    const declared = info === undefined ? null : declaredShape(info);
    const found = types.get(value)?.shape ?? [];
    if (declared === null || outputFits(declared, found, plan)) continue;
    return { output: name, declared, found };
  }
  return null;
}
