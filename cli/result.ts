/** The header and the blocks that `convert`, `eval`, `run` and `report` share in what `--json` prints. */
import { type CommonResult, type RunResult, resultVersion } from "../calibrate/result/schema.ts";
import { DiagnosticError } from "../ir/diagnostic.ts";
import type { EngineName } from "../library/job/job.ts";
import { stepsOf } from "../library/convert.ts";
import type { Network } from "../library/network.ts";
import type { NamedData } from "../library/report.ts";
import type { CommandContext } from "./action.ts";
import { diagnosticToJson } from "./terminal/render.ts";
import { version } from "./version.ts";

/** What a command knows of these; the rest is null. */
type Known = Partial<
  Omit<CommonResult, "schemaVersion" | "version" | "model" | "input" | "diagnostics">
>;

/** `model` is the network's own file unless given. Call it last: it takes all diagnostics so far. */
export function commonOf(
  network: Network,
  { diagnostics }: Pick<CommandContext, "diagnostics">,
  blocks: Known,
  model = network.file,
): CommonResult {
  const { file, sha256, kind, module } = network;
  const { code, timesteps, tensors, ops } = module;
  return {
    schemaVersion: resultVersion,
    version,
    model,
    input: {
      file,
      sha256,
      kind,
      code,
      timesteps,
      parameters: parametersIn(tensors),
      ops: ops.length,
    },
    passes: recordedPasses(network),
    data: null,
    calibrationData: null,
    ann: null,
    snn: null,
    ...blocks,
    diagnostics: diagnostics.map(diagnosticToJson),
  };
}

export function parametersIn(tensors: Network["module"]["tensors"]): number {
  return [...tensors.values()].reduce((n, { data }) => n + data.length, 0);
}

/** The options that all of these commands take. */
export function commonOptions(given: {
  readonly engine: EngineName;
  readonly threads: number;
  readonly seed: number;
  readonly timesteps?: number | null | undefined;
  readonly limit?: number | null | undefined;
  readonly task?: string | null | undefined;
}): Omit<RunResult["options"], "probe"> {
  const { engine, threads, seed, timesteps = null, limit = null, task = null } = given;
  return { engine, threads, seed, timesteps, limit, task };
}

/** The passes that a network's file records; null where this version does not know one of them. */
export function recordedPasses({ provenance }: Network): CommonResult["passes"] {
  const pipeline = provenance?.["pipeline"];
  if (typeof pipeline !== "string") return [];
  try {
    return stepsOf(pipeline).map(({ pass, options }) => ({
      pass: pass.name,
      options: { ...options },
      changed: null,
      seconds: null,
    }));
  } catch (error) {
    if (error instanceof DiagnosticError) return null;
    throw error;
  }
}

/** Samples as a report names them. */
export function dataJson({
  name,
  samples,
  sha256,
  labels,
}: NamedData): NonNullable<CommonResult["data"]> {
  return { name, samples: samples.count, sha256, labelled: labels !== null };
}
