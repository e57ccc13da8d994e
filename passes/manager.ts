/**
 * Runs passes one after the other and holds each to its contract: what it requires, establishes
 * and breaks, that the module still verifies, and, where asked, that the numbers stay. Broken
 * promises end in a `PassBrokeModuleError`, which carries all that is needed to see it happen again.
 */
import { isSourceOverTime } from "../ir/op/known.ts";
import { DiagnosticError, type Diagnostic, InvariantError, fail } from "../ir/diagnostic.ts";
import { isOutOfMemory } from "../ir/run/memory.ts";
import { type Module, type Property, isOverTime } from "../ir/module.ts";
import type { Op, ValueId } from "../ir/op/op.ts";
import { formatOp, printModule } from "../ir/text/print.ts";
import { verify as verifyModule } from "../ir/verify.ts";
import { shortName } from "../ir/loc.ts";
import { diagnose } from "./diagnostics.ts";
import { type Options, resolveOptions } from "../ir/options.ts";
import type { AnyPass, Calibration } from "./pass.ts";
import { type PipelineStep, printPipeline, takerOf } from "./pipeline.ts";
import { breachesOf } from "./properties.ts";

/** What happened in one step. */
export interface PassRecord {
  readonly pass: string;
  readonly options: Options;
  readonly seconds: number;
  /** Whether another module came back than went in. */
  readonly changed: boolean;
  readonly before: Module;
  readonly after: Module;
}

export interface PipelineOptions {
  /** Timesteps that the converted network is meant to run for; the module's own if left out. */
  readonly timesteps?: number;
  /** How a pass sees the network run; without it such a pass fails with a diagnostic. */
  readonly calibration?: Calibration;
  /** Told of each diagnostic as it arises. */
  readonly report?: (diagnostic: Diagnostic) => void;
  /** Told of each step when it is done and checked. */
  readonly onPass?: (record: PassRecord) => void;
  /** Check the module's invariants after each pass that changed it. True unless said otherwise. */
  readonly verify?: boolean;
  /**
   * Compares the numbers of two modules after a pass that claims to keep them; returns what is
   * wrong, or null. Called only for such passes, and only when the module changed.
   */
  readonly checkNumerics?: (record: PassRecord) => Promise<string | null>;
  /** Names of all passes by what they establish, for help when a property is missing. */
  readonly establishedBy?: (property: Property) => readonly string[];
  /** Written into a reproducer; passes themselves use no random numbers. */
  readonly seed?: number;
}

export interface PipelineResult {
  readonly module: Module;
  readonly passes: readonly PassRecord[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Code of the failure below, for `--json` and for scripts. */
const passBrokeModule = "pass-broke-module";

/** A pass broke a promise: our bug, with everything needed to reproduce it. */
export class PassBrokeModuleError extends InvariantError {
  readonly code = passBrokeModule;
  readonly pass: string;
  /** What was broken, one sentence each. */
  readonly violations: readonly string[];
  /** The op where it was seen, marked by `>`, with its neighbours; empty where there is none. */
  readonly frame: string;
  /** Pipeline from this pass on, seed, and text of the module before it, in one document. */
  readonly reproducer: string;
  /** The module before the pass, for whoever can store its tensors too. */
  readonly before: Module;

  constructor(details: {
    pass: string;
    violations: readonly string[];
    frame: string;
    reproducer: string;
    before: Module;
    cause?: unknown;
  }) {
    super(`pass ${details.pass} broke the module: ${details.violations.join("; ")}`);
    this.name = "PassBrokeModuleError";
    this.pass = details.pass;
    this.violations = details.violations;
    this.frame = details.frame;
    this.reproducer = details.reproducer;
    this.before = details.before;
    if (details.cause !== undefined) this.cause = details.cause;
  }
}

/**
 * Runs `steps` on `module`. Fails with a `DiagnosticError` where the user asked for something that
 * cannot be (an option, an order of passes), with a `PassBrokeModuleError` where we are wrong.
 */
export async function runPipeline(
  module: Module,
  steps: readonly PipelineStep[],
  options: PipelineOptions = {},
): Promise<PipelineResult> {
  const wrong = steps.flatMap(
    ({ pass, options: given }) => resolveOptions(takerOf(pass), given).errors,
  );
  if (wrong.length > 0) fail(...wrong);
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => {
    diagnostics.push(diagnostic);
    options.report?.(diagnostic);
  };
  const passes: PassRecord[] = [];
  let current = module;
  let reference: Module | null = null;
  for (const [index, step] of steps.entries()) {
    if (current.code === "none") reference = current;
    const record = await runStep(current, reference, steps.slice(index), step, options, report);
    passes.push(record);
    options.onPass?.(record);
    current = record.after;
  }
  return { module: current, passes, diagnostics };
}

/** Runs the first of `remaining` and checks what it did. */
async function runStep(
  before: Module,
  reference: Module | null,
  remaining: readonly PipelineStep[],
  { pass, options: given }: PipelineStep,
  options: PipelineOptions,
  report: (diagnostic: Diagnostic) => void,
): Promise<PassRecord> {
  for (const property of pass.requires) {
    if (before.properties.has(property) && breachesOf(before, property).length === 0) continue;
    const establishedBy = options.establishedBy?.(property) ?? [];
    fail(diagnose("property-missing", null, { pass: pass.name, property, establishedBy }));
  }
  refuseFeedback(before, pass);
  const broke = (violations: readonly string[], frame: string, cause?: unknown): never => {
    const reproducer = reproducerOf(before, remaining, options.seed ?? 0);
    const error = { pass: pass.name, violations, frame, reproducer, before, cause };
    // It is an InvariantError; `invariant` could not carry the reproducer.
    // eslint-disable-next-line no-restricted-syntax -- see the line above
    throw new PassBrokeModuleError(error);
  };

  const resolved = resolveOptions(takerOf(pass), given).options;
  const started = performance.now();
  let made: Module;
  try {
    made = await pass.run(before, {
      options: resolved,
      timesteps: options.timesteps ?? before.timesteps,
      reference,
      report,
      hasCalibration: options.calibration !== undefined,
      ...(options.calibration ?? noCalibration(pass.name)),
      loops: options.calibration?.loops ?? (() => Promise.resolve(null)),
    });
  } catch (error) {
    // The user's faults, the machine's, and what another broken pass said go up as they are.
    if (error instanceof DiagnosticError || isOutOfMemory(error)) throw error;
    if (!(error instanceof Error)) throw error;
    return broke([error.message], "", error);
  }
  const seconds = (performance.now() - started) / 1000;

  for (const property of pass.establishes) {
    const breaches = breachesOf(made, property);
    const [first] = breaches;
    if (first === undefined) continue;
    const violations = breaches.map((b) => `it claims ${property}, but ${b.reason}`);
    broke(violations, first.value === null ? "" : frameOf(made, first.value));
  }
  const after = withProperties(made, pass.establishes, pass.breaks);
  if (after !== before && (options.verify ?? true)) {
    const violations = verifyModule(after);
    const [first] = violations;
    if (first !== undefined) {
      const frame = first.op === null ? "" : frameOf(after, first.op.result);
      broke(
        violations.map((v) => v.message),
        frame,
      );
    }
  }
  const changed = made !== before;
  const record = { pass: pass.name, options: resolved, seconds, changed, before, after };
  if (changed && pass.preservesOutputs && options.checkNumerics !== undefined) {
    const wrong = await options.checkNumerics(record);
    if (wrong !== null) broke([wrong], "");
  }
  return record;
}

/**
 * Passes of the phases clean and fuse keep what a network computes at each timestep, so they keep it where
 * it has feedback or, before conversion, where inputs change over time. Others work only on networks without
 * feedback whose input stays the same.
 */
function refuseFeedback(module: Module, pass: AnyPass): void {
  if (pass.role === "clean" || pass.role === "fuse") return;
  const isChanging = module.code === "none" && isOverTime(module);
  if (module.carries.length === 0 && !isChanging) return;
  const op = module.ops.find(isSourceOverTime);
  const what = module.carries.length > 0 ? "the network has feedback" : "inputs change over time";
  fail(diagnose("pass-not-over-time", op?.loc ?? null, { pass: pass.name, what }));
}

function noCalibration(pass: string): Calibration {
  const refuse = async (): Promise<never> => fail(diagnose("no-calibration", null, { pass }));
  return { measure: refuse, watch: refuse };
}

/** The module with its claims brought up to date; the same object where they are already. */
function withProperties(
  module: Module,
  establishes: readonly Property[],
  breaks: readonly Property[],
): Module {
  const claimed = new Set(module.properties);
  for (const property of breaks) claimed.delete(property);
  for (const property of establishes) claimed.add(property);
  const same =
    claimed.size === module.properties.size && [...claimed].every((p) => module.properties.has(p));
  return same ? module : { ...module, properties: claimed };
}

/** The op that makes `value` between its operands and its users, one per line. */
function frameOf(module: Module, value: ValueId): string {
  const at = module.ops.find((op) => op.result === value);
  if (at === undefined) return "";
  const shown = module.ops.filter(
    (op) => op === at || at.inputs.includes(op.result) || op.inputs.includes(value),
  );
  const line = (op: Op): string =>
    `  ${op === at ? ">" : " "} ${formatOp(op, (v) => `%${v}`)}  // ${shortName(op.loc)}`;
  return shown.map(line).join("\n");
}

function reproducerOf(before: Module, remaining: readonly PipelineStep[], seed: number): string {
  const passes = printPipeline(remaining, { full: true });
  return `// RUN: --passes ${passes} --seed ${seed}\n${printModule(before, { locs: "full", hashes: "full" })}`;
}
