/**
 * What a conversion cost: both networks on the same samples, the loss after each pass, and the
 * comparison layer by layer.
 */
import { type Comparison, compare } from "../calibrate/compare.ts";
import {
  type EarlyExitEvaluation,
  type EarlyExitOptions,
  evaluateEarlyExit,
} from "../calibrate/early-exit.ts";
import { type Evaluation, type OutputEvaluation, evaluate } from "../calibrate/evaluate.ts";
import type { Targets } from "../calibrate/tasks/targets.ts";
import type { TaskWish } from "../calibrate/tasks/task.ts";
import type { SampleSource } from "../ir/executable.ts";
import type { Module } from "../ir/module.ts";
import type { PassRecord } from "../passes/manager.ts";
import { checkEngine } from "./engine-check.ts";
import { type Running, loadOn } from "./measure.ts";

/** Samples, with the correct values of the first output if they are known. */
export interface Labelled {
  readonly samples: SampleSource;
  /** Class numbers, or an array [N, …] of what the task takes. */
  readonly labels: Targets | null;
  /** The task of the first output; by default it follows from the output and the labels. */
  readonly task?: TaskWish | undefined;
}

/** How far the network is from the original after a pass. */
export interface PassLoss {
  readonly pass: string;
  readonly accuracy: number | null;
  /** Share of decisions that are the same as the original network's; null if the task has none. */
  readonly agreement: number | null;
  readonly relativeLogitError: number | null;
  /** RMSE to the original network, divided by the spread of its outputs; null for decisions. */
  readonly relativeRmseToAnn: number | null;
}

export interface AssessOptions {
  /** By default those of the module. */
  readonly timesteps?: number;
  /** The name under which progress is reported; by default "evaluating". */
  readonly label?: string;
  /** An evaluation of the analogue network to compare with, made with `keepLogits`. */
  readonly reference?: Evaluation;
  /** Whether to count spikes and operations; by default true. */
  readonly countOperations?: boolean;
  /** Keeps the final logits of every sample, so that the result can be a reference. */
  readonly keepLogits?: boolean;
  /** Whether the engine is compared with the interpreter on some samples of an analogue network. */
  readonly check?: boolean;
}

/** Accuracy, spikes and operations of a module on `data`, at each timestep of one run. */
export async function evaluateModule(
  module: Module,
  data: Labelled,
  running: Running,
  options: AssessOptions = {},
): Promise<Evaluation> {
  const executable = await loadOn(running, module);
  const { reference, label = "evaluating" } = options;
  const started = running.now?.();
  try {
    const evaluation = await evaluate(executable, data.samples, data.labels, {
      timesteps: options.timesteps ?? module.timesteps,
      onProgress: (done, total) => running.onProgress?.(label, done, total),
      ...(options.keepLogits === undefined ? {} : { keepLogits: options.keepLogits }),
      countOperations: options.countOperations ?? true,
      ...(data.task === undefined ? {} : { task: data.task }),
      ...(reference === undefined ? {} : { reference }),
    });
    if (options.check === true) {
      const spent = started === undefined ? null : ((running.now?.() ?? started) - started) / 1000;
      await checkEngine(executable, data.samples, running, spent);
    }
    return evaluation;
  } finally {
    await executable.close();
  }
}

/** Accuracy and latency of a module on `data` if each sample stops when its answer is clear. */
export async function evaluateWithEarlyExit(
  module: Module,
  data: Labelled,
  running: Running,
  options: Omit<EarlyExitOptions, "onProgress" | "task">,
): Promise<EarlyExitEvaluation> {
  const executable = await loadOn(running, module);
  try {
    return await evaluateEarlyExit(executable, data.samples, data.labels, {
      ...options,
      ...(data.task === undefined ? {} : { task: data.task }),
      onProgress: (done, total) => running.onProgress?.("ending early", done, total),
    });
  } finally {
    await executable.close();
  }
}

/** Both networks on the same data. */
export async function evaluatePair(
  ann: Module,
  snn: Module,
  data: Labelled,
  running: Running,
  timesteps: number,
): Promise<{ ann: Evaluation; snn: Evaluation }> {
  const before = await evaluateModule(ann, data, running, {
    timesteps: 1,
    label: "evaluating the ANN",
    keepLogits: true,
    check: true,
  });
  const after = await evaluateModule(snn, data, running, {
    timesteps,
    label: "evaluating the SNN",
    reference: before,
  });
  return { ann: before, snn: after };
}

/**
 * Accuracy and logit error on `data` after each pass that changed the network. Passes that keep outputs are
 * included too: their row shows that they did.
 */
export async function lossByPass(
  original: Module,
  passes: readonly PassRecord[],
  data: Labelled,
  running: Running,
  timesteps: number,
): Promise<PassLoss[]> {
  const options = { timesteps, label: "loss by pass", countOperations: false };
  const start = await evaluateModule(original, data, running, { ...options, keepLogits: true });
  const rows: PassLoss[] = [
    {
      pass: "import",
      accuracy: start.accuracy?.[0] ?? null,
      agreement: decides(start.outputs[0]) ? 1 : null,
      relativeLogitError: 0,
      relativeRmseToAnn: decides(start.outputs[0]) ? null : 0,
    },
  ];
  for (const { pass, changed, after } of passes) {
    if (!changed) continue;
    const now = await evaluateModule(after, data, running, { ...options, reference: start });
    rows.push({
      pass,
      accuracy: now.accuracy?.at(-1) ?? null,
      agreement: now.agreement?.at(-1) ?? null,
      relativeLogitError: now.relativeLogitError?.at(-1) ?? null,
      relativeRmseToAnn: now.outputs[0]?.metrics.relativeRmseToAnn?.at(-1) ?? null,
    });
  }
  return rows;
}

function decides(output: OutputEvaluation | undefined): boolean {
  return output?.task.name !== "regress";
}

/** The comparison of both networks, layer by layer. */
export async function compareLayers(
  ann: Module,
  snn: Module,
  samples: SampleSource,
  running: Running,
  timesteps: number,
): Promise<Comparison> {
  const left = await loadOn(running, ann);
  const right = await loadOn(running, snn);
  try {
    return await compare(left, right, samples, {
      timesteps,
      onProgress: (done, total) => running.onProgress?.("comparing layers", done, total),
    });
  } finally {
    await left.close();
    await right.close();
  }
}
