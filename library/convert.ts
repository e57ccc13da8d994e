/**
 * The main job as a function: an analogue network and calibration samples in, a spiking network
 * out. No files, no clock but for the seconds of each pass, no state.
 */
import { type Diagnostic, fail } from "../ir/diagnostic.ts";
import type { SampleSource } from "../ir/executable.ts";
import type { Module, SpikingCode } from "../ir/module.ts";
import type { Calibration } from "../passes/pass.ts";
import { bitsMadeBy, codeMadeBy, defaultTimesteps, withBits } from "../passes/codes.ts";
import { establishedBy, pipelineFor, pipelineNames } from "../passes/index.ts";
import { type PassRecord, type PipelineOptions, runPipeline } from "../passes/manager.ts";
import { type PipelineStep, parsePipeline } from "../passes/pipeline.ts";
import { diagnose } from "./diagnostics.ts";
import { type Running, calibrationOn } from "./measure.ts";

export interface ConvertOptions {
  /** Those that networks of its code are made for unless given. */
  readonly timesteps?: number;
  /**
   * A pipeline's name, or passes with options: `fold-batchnorm,balance-mmse{scope=layer}`. That of
   * the code unless given, and without one the pipeline "default".
   */
  readonly pipeline?: string;
  /** How spikes are to carry values, where no pipeline says it. */
  readonly code?: SpikingCode;
  /** Bits of a spike, in place of those of the code or pipeline, whose spikes have a number of choice. */
  readonly bits?: number;
  /** 0 unless given. */
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
 * The steps that `text` names, with command-line conveniences applied. Fails with a `DiagnosticError`
 * for bits of spikes that have no number of them.
 */
export function stepsOf(
  text: string,
  { allowAnalogue, bits }: Pick<ConvertOptions, "allowAnalogue" | "bits"> = {},
): readonly PipelineStep[] {
  const steps = parsePipeline(text, pipelineNames).map((step) =>
    allowAnalogue === true && step.pass.options["analogue"] !== undefined
      ? { ...step, options: { ...step.options, analogue: "decode" } }
      : step,
  );
  if (bits === undefined) return steps;
  if (bitsMadeBy(steps) === null) {
    fail(diagnose("bits-not-of-choice", null, { bits, pipeline: text, code: codeMadeBy(steps) }));
  }
  return withBits(steps, bits);
}

/** The pipeline that options ask for. */
export function pipelineOf({ pipeline, code }: Pick<ConvertOptions, "pipeline" | "code">): string {
  return pipeline ?? (code === undefined ? "default" : pipelineFor[code]);
}

/**
 * Runs a pipeline on `module`, with `samples` as the calibration set (null if there is none: a pass
 * that needs it then fails), or with a `calibrationOn` of it that several conversions share. Fails with
 * a `DiagnosticError` for what the user can mend.
 */
export async function convert(
  module: Module,
  samples: SampleSource | Calibration | null,
  running: Running,
  options: ConvertOptions,
): Promise<Conversion> {
  const steps = stepsOf(pipelineOf(options), options);
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
    diagnostics: result.diagnostics,
  };
}
