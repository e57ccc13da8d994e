/**
 * The main job as a function: an analogue network and calibration samples in, a spiking network out. It
 * uses no files and no state, and a clock only for the seconds of each pass.
 */
import { type Diagnostic, fail } from "../ir/diagnostic.ts";
import type { SampleSource } from "../ir/executable.ts";
import type { Module, SpikingCode } from "../ir/module.ts";
import type { Calibration } from "../passes/pass.ts";
import { bitsMadeBy, codeMadeBy, defaultTimesteps, withBits } from "../passes/codes.ts";
import { integerForms } from "../passes/names.ts";
import {
  type WeightBits,
  inIntegers,
  leavesOutFilter,
  makesIntegers,
  textOfWeightBits,
} from "../passes/integers.ts";
import { establishedBy, pipelineNames } from "../passes/index.ts";
import { type PassRecord, type PipelineOptions, runPipeline } from "../passes/manager.ts";
import { type PipelineStep, parsePipeline, printPipeline } from "../passes/pipeline.ts";
import { diagnose } from "./diagnostics.ts";
import { type Running, calibrationOn } from "./measure.ts";

export interface ConvertOptions {
  /** By default the number for the code. */
  readonly timesteps?: number;
  /**
   * A pipeline's name, or passes with options: `fold-batchnorm,balance-mmse{scope=layer}`. By default the
   * pipeline of the code, or of differential code if none is given.
   */
  readonly pipeline?: string | readonly PipelineStep[];
  /** How spikes carry values, if no pipeline is given. */
  readonly code?: SpikingCode;
  /** Bits of a spike, for codes and pipelines that let you choose them. */
  readonly bits?: number;
  /** Makes integers of the result: weights, potentials and spikes. */
  readonly integer?: boolean;
  /** Bits of a weight, from 2 to 8, of what is of integers, or their mean over layers of different bits; by default 8. */
  readonly weightBits?: WeightBits;
  /** By default 0. */
  readonly seed?: number;
  /** Lets ops without a spiking form run on decoded values. */
  readonly allowAnalogue?: boolean;
  readonly verify?: boolean;
  readonly onPass?: (record: PassRecord) => void;
  readonly checkNumerics?: PipelineOptions["checkNumerics"];
}

export interface Conversion {
  /** The result: spiking if the pipeline converts. */
  readonly module: Module;
  /** The network just before it was converted, with the same value ids; null if nothing converted. */
  readonly reference: Module | null;
  readonly steps: readonly PipelineStep[];
  readonly passes: readonly PassRecord[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The steps that `text` names, with the shortcuts of the command line applied. Fails with a
 * `DiagnosticError` if `bits` is given for spikes without a choice of bits, or `weightBits` for weights that
 * stay floats.
 */
export function stepsOf(
  pipeline: string | readonly PipelineStep[],
  { allowAnalogue, bits, integer, weightBits }: StepOptions = {},
): readonly PipelineStep[] {
  const named =
    typeof pipeline === "string" && integer === true
      ? (integerForms.get(pipeline.trim()) ?? pipeline)
      : pipeline;
  const read = typeof named === "string" ? parsePipeline(named, pipelineNames) : named;
  const steps = read.map((step) =>
    allowAnalogue === true && step.pass.options["analogue"] !== undefined
      ? { ...step, options: { ...step.options, analogue: "decode" } }
      : step,
  );
  const sized = bits === undefined ? steps : withSpikesOf(bits, steps, pipeline);
  if (integer === true || (weightBits !== undefined && makesIntegers(steps))) {
    return inIntegers(sized, weightBits);
  }
  if (weightBits !== undefined) {
    const bits = textOfWeightBits(weightBits);
    fail(diagnose("weight-bits-of-floats", null, { weightBits: bits, pipeline: textOf(pipeline) }));
  }
  return sized;
}

type StepOptions = Pick<ConvertOptions, "allowAnalogue" | "bits" | "integer" | "weightBits">;

function withSpikesOf(
  bits: number,
  steps: readonly PipelineStep[],
  pipeline: string | readonly PipelineStep[],
): readonly PipelineStep[] {
  if (bitsMadeBy(steps) === null) {
    fail(
      diagnose("bits-not-of-choice", null, {
        bits,
        pipeline: textOf(pipeline),
        code: codeMadeBy(steps),
      }),
    );
  }
  return withBits(steps, bits);
}

/** The pipeline that the options select: that of a code has its name. */
export function pipelineOf({
  pipeline,
  code,
}: Pick<ConvertOptions, "pipeline" | "code">): string | readonly PipelineStep[] {
  return pipeline ?? code ?? "differential";
}

/**
 * Runs a pipeline on `module`, with `samples` as the calibration set (null if there is none: a pass that
 * needs it then fails), or with a `calibrationOn` result that several conversions share. Fails with a
 * `DiagnosticError` for errors that the user can correct.
 */
export async function convert(
  module: Module,
  samples: SampleSource | Calibration | null,
  running: Running,
  options: ConvertOptions,
): Promise<Conversion> {
  const pipeline = pipelineOf(options);
  const steps = stepsOf(pipeline, options);
  const result = await runPipeline(module, steps, {
    timesteps: options.timesteps ?? defaultTimesteps(steps),
    seed: options.seed ?? 0,
    establishedBy,
    ...(samples === null
      ? {}
      : { calibration: "measure" in samples ? samples : calibrationOn(samples, running) }),
    ...(options.onPass === undefined ? {} : { onPass: options.onPass }),
    ...(options.verify === undefined ? {} : { verify: options.verify }),
    ...(options.checkNumerics === undefined ? {} : { checkNumerics: options.checkNumerics }),
  });
  const converting = result.passes.find(
    ({ before, after }) => before.code === "none" && after.code !== "none",
  );
  return {
    module: result.module,
    reference: converting?.before ?? null,
    steps,
    passes: result.passes,
    diagnostics: [...remarksOn(pipeline, options), ...result.diagnostics],
  };
}

/** What the options leave out of a pipeline that nobody asked to leave out. */
function remarksOn(
  pipeline: string | readonly PipelineStep[],
  options: Pick<ConvertOptions, "integer">,
): readonly Diagnostic[] {
  const isLeft = options.integer === true && leavesOutFilter(stepsOf(pipeline));
  return isLeft ? [diagnose("filter-left-out", null, {})] : [];
}

function textOf(pipeline: string | readonly PipelineStep[]): string {
  return typeof pipeline === "string" ? pipeline : printPipeline(pipeline);
}
