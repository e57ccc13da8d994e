/**
 * ONNX to a module of `ann.*` ops. What is asked for and where the batch is are decided here; each
 * decision is tried on the model (attempt.ts), and the first that the whole model fits is taken.
 */
import { type Diagnostic, DiagnosticError, fail } from "../../ir/diagnostic.ts";
import { shortName, sourceLoc } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import type { Op } from "../../ir/op/op.ts";
import { type Attempt, type AttemptOptions, attempt } from "./attempt.ts";
import { askedPlan, fixedPlans, isFixed, noBatch, openPlan, recurrentFit } from "./batch/batch.ts";
import { diagnose } from "./diagnostics.ts";
import {
  type InputOptions,
  checkNames,
  declaredInputs,
  declaredShape,
  wantedInputs,
} from "./graph/inputs.ts";
import { type Limits, defaultLimits } from "../limits.ts";
import type { ImportOptions, ImportResult, Importer } from "../importer.ts";
import { mayMix, opThatMixes } from "./batch/mixing.ts";
import { type OnnxModel, readModel } from "./file/model.ts";
import { isRandom } from "./operators.ts";
import { hasRecurrent } from "./batch/recurrent-in.ts";
import { refusalsBehind } from "./graph/scope.ts";
import { type StepsOf, faultsOfStream, streamed } from "./stream.ts";

/** The importer of ONNX models. */
export const onnxImporter: Importer = { format: "onnx", import: importOnnx };

/** Imports a model. Never throws for what the bytes hold: everything is in the result. */
export function importOnnx(bytes: Uint8Array, options: ImportOptions): ImportResult {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const state = { opset: 0, producer: "" };
  let result: Attempt | null = null;
  try {
    const model = readModel(bytes, { file: options.file, limits, report });
    state.opset = model.opsets.get("") ?? 0;
    state.producer = model.producer;
    const request = { ...options, limits, bytes: bytes.length };
    if (options.stream === undefined) result = importOutputs(model, request, report);
    else {
      result = importOutputs(
        streamed(model, options.stream, () => 1),
        request,
        report,
      );
      const { stream, ...whole } = request;
      const unrolled = (steps: StepsOf): Module | null =>
        importOutputs(streamed(model, stream ?? new Map(), steps), whole, () => undefined).module;
      for (const found of faultsOfStream(model, options.stream, result.module, unrolled))
        report(found);
    }
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    for (const diagnostic of error.diagnostics) report(diagnostic);
  }
  for (const diagnostic of result?.diagnostics ?? []) report(diagnostic);
  const failed = diagnostics.some(({ severity }) => severity === "error");
  return {
    module: failed ? null : (result?.module ?? null),
    diagnostics,
    unsupported: result?.refusals.unsupported() ?? [],
    operators: result?.refusals.operators ?? new Map<string, number>(),
    inputs: result?.inputs ?? [],
    ...state,
  };
}

type ImportRequest = ImportOptions & { readonly limits: Limits; readonly bytes: number };

/** Decides which outputs are asked for: those named, or all but those that need random numbers. */
function importOutputs(
  model: OnnxModel,
  options: ImportRequest,
  report: (diagnostic: Diagnostic) => void,
): Attempt {
  const listed = listedOutputs(model, report);
  const asked = options.outputs;
  if (asked !== undefined) {
    checkOutputs(model, listed, asked);
    return importBatch(model, [...new Set(asked)], options);
  }
  const all = importBatch(model, listed, options);
  const random = new Map<string, string>();
  for (const { name, poison } of all.outputs) {
    if (poison === null) continue;
    const cause = [...refusalsBehind([poison])].find(({ op, domain }) => isRandom(op, domain));
    if (cause !== undefined) random.set(name, cause.op);
  }
  const others = all.outputs.filter(({ name }) => !random.has(name));
  // What is the same for every input is nothing to convert a network for.
  if (random.size > 0 && others.some(({ constant }) => !constant)) {
    const kept = others.map(({ name }) => name);
    report(
      diagnose("random-output", null, {
        outputs: quoted([...random.keys()]),
        op: [...new Set(random.values())].join(", "),
        kept: quoted(kept),
      }),
    );
    return proposeOthers(importBatch(model, kept, options), report);
  }
  return proposeOthers(all, report);
}

/** The names of the outputs, each once. */
function listedOutputs(
  model: OnnxModel,
  report: (diagnostic: Diagnostic) => void,
): readonly string[] {
  const counts = new Map<string, number>();
  for (const info of model.graph.outputs) {
    const name = info.name ?? "";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const [name, count] of counts) {
    if (count === 1) continue;
    const loc = sourceLoc(model.file, name, "Output");
    report(diagnose("repeated-output", loc, { name, count }));
  }
  return [...counts.keys()];
}

function checkOutputs(model: OnnxModel, listed: readonly string[], asked: readonly string[]): void {
  const { nodes, inputs, initializers } = model.graph;
  const made = new Set([
    ...listed,
    ...inputs.map((info) => info.name ?? ""),
    ...initializers.map(({ name }) => name),
  ]);
  for (const node of nodes) for (const name of node.outputs) made.add(name);
  made.delete("");
  const unknown = asked.filter((name) => !made.has(name));
  if (unknown.length === 0) return;
  const outputs = quoted(listed);
  fail(...unknown.map((name) => diagnose("unknown-output", null, { name, outputs })));
}

/** Where some outputs are refused and others could be imported, says which those are. */
function proposeOthers(result: Attempt, report: (diagnostic: Diagnostic) => void): Attempt {
  const fine = result.outputs.filter(({ poison, constant }) => poison === null && !constant);
  if (fine.length === 0 || !result.outputs.some(({ poison }) => poison !== null)) return result;
  const names = fine.map(({ name }) => name);
  report(diagnose("outputs-importable", null, { outputs: quoted(names), names: names.join(",") }));
  return result;
}

/** Outputs that are named; the others are counted. */
const namedOutputs = 8;

function quoted(names: readonly string[]): string {
  const listed = names.slice(0, namedOutputs).map((name) => `"${name}"`);
  const more = names.length - listed.length;
  return listed.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Decides where the batch is, for these outputs. */
function importBatch(model: OnnxModel, wanted: readonly string[], options: ImportRequest): Attempt {
  const inputOptions: InputOptions = {
    file: model.file,
    batch: options.batch === undefined ? 1 : options.batch,
    inputShapes: options.inputShapes ?? new Map(),
    inputValues: options.inputValues ?? new Map(),
    inputConstants: options.inputConstants ?? new Map(),
    dimensions: options.dimensions ?? new Map(),
    valueBytes: options.limits.valueBytes,
    rank: options.limits.rank,
  };
  checkNames(model.graph, inputOptions);
  const inputs = wantedInputs(model.graph, inputOptions);
  const { limits, bytes } = options;
  const files = options.files ?? null;
  const stream = options.stream === undefined ? null : new Set(options.stream.keys());
  const request: AttemptOptions = {
    ...{ model, limits, bytes, files, inputs, inputOptions, stream, wanted },
  };
  const declared = declaredInputs(inputs, inputOptions);
  if (options.batchAxis !== undefined) {
    const result = attempt(request, askedPlan(declared, options.batchAxis));
    return withMixing(request, checkedAttempt(request, result));
  }
  const open = openPlan(declared);
  if (inputOptions.batch !== 1) return attempt(request, open);
  if (!isFixed(declared, open)) return importOpen(request, attempt(request, open));
  const isWanted = new Set(wanted);
  const outputs = model.graph.outputs.filter(({ name }) => isWanted.has(name ?? ""));
  let kept: Attempt | null = null;
  const asItIs = (): Attempt => (kept ??= attempt(request, noBatch));
  const recurrent = hasRecurrent(model) ? asItIs().recurrent : null;
  const plans = fixedPlans(declared, outputs.map(declaredShape), recurrent);
  let failed: { readonly result: Attempt; readonly mixing: Op | null } | null = null;
  for (const plan of plans) {
    const result = attempt(request, plan);
    if (isRefused(result)) return result;
    const fits = recurrent === null || recurrentFit(recurrent, result.recurrent);
    let mixing: Op | null = null;
    if (isFine(result) && fits) {
      mixing = mixingOf(asItIs(), result);
      if (mixing === null) return result;
    }
    failed ??= { result, mixing };
  }
  const whole = asItIs();
  if (failed === null) return whole;
  const { result, mixing } = failed;
  // Neither fits: the shorter list of errors is that of the better guess.
  if (whole.module === null) return errorsOf(result) < errorsOf(whole) ? result : whole;
  const warning = keptBatch(result, mixing, model.file);
  return { ...whole, diagnostics: [...whole.diagnostics, ...warning] };
}

/** The op in which samples of a batch meet, that `result` has only one of. */
function mixingOf(whole: Attempt, result: Attempt): Op | null {
  if (whole.module === null || result.module === null) return null;
  return opThatMixes(whole.module, result.module);
}

/** True of a module whose outputs have the shapes that are due. */
function isFine({ module, misfit }: Attempt): boolean {
  return module !== null && misfit === null;
}

/** Codes that say nothing about where the batch is. */
const refusals: readonly string[] = ["unsupported-op", "unsupported-input", "unknown-dimension"];

/** True where nothing but operators that are not supported stands in the way. */
function isRefused({ module, diagnostics }: Attempt): boolean {
  if (module !== null) return false;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  return errors.every(({ code }) => refusals.includes(code));
}

function errorsOf({ diagnostics }: Attempt): number {
  return diagnostics.filter(({ severity }) => severity === "error").length;
}

/** Batches that are tried where the model leaves it open and yet has one in constant shapes. */
const mostTried = 4;

/**
 * A batch that is open in the inputs may be written into shapes all the same (Reshape to [64, …] of
 * a traced model). `first` is the attempt without one.
 */
function importOpen(request: AttemptOptions, first: Attempt): Attempt {
  if (isFine(first)) return withMixing(request, first);
  if (isRefused(first)) return first;
  for (const from of [...new Set(first.leading)].slice(0, mostTried)) {
    const result = attempt(request, { ...first.plan, from });
    if (isFine(result)) return withMixing(request, result);
  }
  return withMixing(request, first);
}

/** Says where samples of a batch that the model leaves open meet: they do not where each runs by itself. */
function withMixing(request: AttemptOptions, result: Attempt): Attempt {
  const { module, plan } = result;
  if (module === null || plan.axes.size === 0 || plan.from !== null || !mayMix(module))
    return result;
  const inputOptions = { ...request.inputOptions, batch: 2 };
  const op = mixingOf(attempt({ ...request, inputOptions }, plan), result);
  if (op === null) return result;
  const warning = diagnose("samples-meet", op.loc, {});
  return { ...result, diagnostics: [...result.diagnostics, warning] };
}

/** What was asked for must hold: outputs that do not fit are an error. */
function checkedAttempt(request: AttemptOptions, result: Attempt): Attempt {
  const { misfit, plan } = result;
  if (misfit === null || plan.from === null) return result;
  const error = diagnose("rebatch-failed", sourceLoc(request.model.file, misfit.output, "Output"), {
    output: misfit.output,
    expected: `[${misfit.declared.map((e) => (e === plan.from ? 1 : (e ?? "?"))).join(", ")}]`,
    found: `[${misfit.found.join(", ")}]`,
  });
  return { ...result, module: null, diagnostics: [...result.diagnostics, error] };
}

/** The warning that what looks like a batch stays, and why. `mixing` is where its samples meet. */
function keptBatch(
  { plan, misfit, diagnostics }: Attempt,
  mixing: Op | null,
  file: string,
): readonly Diagnostic[] {
  const [input] = plan.axes.keys();
  if (input === undefined || plan.from === null) return [];
  const error = diagnostics.find(({ severity }) => severity === "error");
  const refused =
    misfit === null
      ? (error?.message ?? "recurrent operators would run over fewer steps")
      : `output "${misfit.output}" would have the shape [${misfit.found.join(", ")}]`;
  const why = mixing === null ? refused : `${shortName(mixing.loc)} does not treat all of it alike`;
  const loc = sourceLoc(file, input, "Input");
  return [diagnose("batch-kept", loc, { input, extent: plan.from, why })];
}
