/** The options that say which conversion is meant: code, pipeline, timesteps and bits of a spike. */
import { Option } from "@commander-js/extra-typings";
import { codeTraits, maxTimesteps, type SpikingCode, spikingCodes } from "../../ir/module.ts";
import { bitsMadeBy, codeMadeBy, defaultTimesteps } from "../../passes/codes.ts";
import { pipelineNames, pipelines } from "../../passes/index.ts";
import { codeNamed, pipelineNamed } from "../../passes/names.ts";
import type { PipelineStep } from "../../passes/pipeline.ts";
import { weightBitsOf, wholeNumber } from "./options.ts";

const usualTimesteps = [
  ...spikingCodes.map((code) => `${code} ${codeTraits[code].timesteps}`),
  ...ownFigures(defaultTimesteps, (code) => codeTraits[code].timesteps),
];
const bitsOfCode = (code: SpikingCode): number | null => bitsMadeBy(pipelines.get(code) ?? []);
const usualBits = [
  ...spikingCodes
    .filter((code) => codeTraits[code].hasBits)
    .map((code) => `${code} ${String(bitsOfCode(code))}`),
  ...ownFigures(bitsMadeBy, bitsOfCode),
];

export const conversionOptions = {
  timesteps: new Option(
    "-T, --timesteps <n>",
    `timesteps of the network (default: ${usualTimesteps.join(", ")})`,
  ).argParser(wholeNumber(1, maxTimesteps)),
  code: new Option("--code <name>", `how spikes carry values: ${spikingCodes.join(", ")}`),
  bits: new Option("--bits <n>", `bits of a spike (default: ${usualBits.join(", ")})`).argParser(
    wholeNumber(1, 8),
  ),
  integer: new Option(
    "--integer",
    "all in integers: weights of 8 bits, or as many as --weight-bits says",
  ),
  weightBits: new Option(
    "--weight-bits <n>",
    "bits of a weight of integers, 2 to 8; mean:N chooses them for each layer (default: 8)",
  ).argParser(weightBitsOf),
  pipeline: new Option(
    "--pipeline <name>",
    "a code's name, or another named pipeline: see `snnc passes`",
  ),
} as const;

/** Codes and pipelines by the names that were given; fails with a diagnostic for a name of neither. */
export function wayNamed(given: {
  readonly code?: string | undefined;
  readonly pipeline?: string | undefined;
}): { readonly code?: SpikingCode; readonly pipeline?: string } {
  return {
    ...(given.code === undefined ? {} : { code: codeNamed(given.code, pipelineNames) }),
    ...(given.pipeline === undefined
      ? {}
      : { pipeline: pipelineNamed(given.pipeline, pipelineNames) }),
  };
}

/** Pipelines whose figure is another than their code's, each with it. */
function ownFigures(
  figureOf: (steps: readonly PipelineStep[]) => number | null,
  usual: (code: SpikingCode) => number | null,
): string[] {
  return [...pipelines].flatMap(([name, steps]) => {
    const code = codeMadeBy(steps);
    const figure = figureOf(steps);
    return code === null || figure === usual(code) ? [] : [`${name} ${String(figure)}`];
  });
}
