/** `snnc check`: everything that stands in the way of a conversion, at once; of a `.snn`, what it holds. */
import { Command, Option } from "@commander-js/extra-typings";
import { typedEngine } from "../../backends/typed/engine.ts";
import { type Diagnostic, fail, failAll } from "../../ir/diagnostic.ts";
import { type Module, spikingCodes } from "../../ir/module.ts";
import { refusalsOf } from "../../library/build.ts";
import { checkModel } from "../../library/check.ts";
import { loaderFiles } from "../../library/loader-files.ts";
import {
  type NeuronCounts,
  type WithoutNeuron,
  neuronsIn,
  withoutNeurons,
} from "../../library/neurons.ts";
import { type Target, parseTarget, targets } from "../../library/targets.ts";
import type { WeightBits } from "../../passes/integers.ts";
import { type CommandContext, type Outcome, perform } from "../action.ts";
import { diagnose } from "../diagnostics.ts";
import { readInput } from "../files/files.ts";
import { importModel, isPackageFile, loadNetwork } from "../load.ts";
import { limitsOf, readingOf } from "../options/model-options.ts";
import { wayNamed } from "../options/conversion.ts";
import { options, weightBitsOf } from "../options/options.ts";
import { modelText, networkText, targetText } from "../terminal/check-text.ts";
import { diagnosticToJson } from "../terminal/render.ts";

export function checkCommand() {
  return new Command("check")
    .description("list every operator that cannot be converted, without any data")
    .argument("<model>", "ONNX model, or a .snn network to see what it holds")
    .addOption(
      new Option(
        "--code <name>",
        `check for this code (default: that of convert): ${spikingCodes.join(", ")}`,
      ),
    )
    .addOption(
      new Option("--pipeline <name>", "check for the code of a named pipeline").conflicts("code"),
    )
    .option(
      "--target <name>",
      "check also what this target refuses (default for a .snn: all targets)",
    )
    .option("--allow-analogue", "as in convert: ops without a spiking form are no obstacle")
    .option("--integer", "as in convert: check also what has no integer form")
    .addOption(
      new Option("--weight-bits <n>", "as in convert: bits of a weight of integers").argParser(
        weightBitsOf,
      ),
    )
    .addOption(options.inputShape)
    .addOption(options.dimension)
    .addOption(options.modelOutputs)
    .addOption(options.batchAxis)
    .addOption(options.stream)
    .addOption(options.inputValue)
    .addOption(options.maxValueBytes)
    .addOption(options.json)
    .addOption(options.quiet)
    .addOption(options.debug)
    .action((file, given) =>
      perform(given, async (context) => {
        const way = wayNamed(given);
        const target = given.target === undefined ? null : parseTarget(given.target);
        if (await isPackageFile(file)) {
          refuseWays(given, file);
          const { module } = await loadNetwork(file, given, context);
          return packageOutcome(file, target, module, context);
        }
        const imported = importModel(await readInput(file), file, {
          ...(await readingOf(given)),
          limits: limitsOf(given),
        });
        const errors = imported.diagnostics.filter((d) => d.severity === "error");
        // Without operators to list, the model itself is at fault: that is an error like any other.
        if (imported.module === null && imported.unsupported.length === 0) failAll(errors);
        for (const d of imported.diagnostics) if (d.severity !== "error") context.report(d);
        const result = await checkModel(imported, typedEngine, {
          ...way,
          allowAnalogue: given.allowAnalogue ?? false,
          integer: given.integer ?? false,
          ...(given.weightBits === undefined ? {} : { weightBits: given.weightBits }),
        });
        for (const remark of result.remarks) context.report(remark);
        const { converted, convertible } = result;
        const found =
          target === null || converted === null || !convertible
            ? null
            : { target, refused: await refusals(target, converted) };
        const isFine = convertible && (found === null || found.refused.length === 0);
        const texts = [modelText(file, result, context.terminal.color)];
        if (found !== null) texts.push(targetText(file, found.target.backend.name, found.refused));
        return {
          exitCode: isFine ? 0 : 1,
          text: texts.join("\n\n"),
          json: {
            model: file,
            ...(found === null ? {} : { target: targetJson(found.target, found.refused) }),
            code: result.code,
            integer: result.integer,
            convertible: result.convertible,
            ops: Object.fromEntries(result.operators),
            unsupported: result.obstacles,
            fates: Object.fromEntries(
              [...result.fates].map(([fate, kinds]) => [fate, Object.fromEntries(kinds)]),
            ),
            parameters: result.parameters,
            ...neuronsJson(result.neurons, result.withoutNeuron),
            diagnostics: context.diagnostics.map(diagnosticToJson),
          },
        };
      }),
    );
}

/** A `.snn` is converted already: options that choose a conversion would be of no effect. */
function refuseWays(
  given: {
    readonly code?: string;
    readonly pipeline?: string;
    readonly allowAnalogue?: true;
    readonly integer?: true;
    readonly weightBits?: WeightBits;
  },
  file: string,
): void {
  const { code, pipeline, allowAnalogue, integer, weightBits } = given;
  for (const [option, value] of Object.entries({
    "--code": code,
    "--pipeline": pipeline,
    "--allow-analogue": allowAnalogue,
    "--integer": integer,
    "--weight-bits": weightBits,
  })) {
    if (value === undefined) continue;
    const text = `${file} is converted already: ${option} is for ONNX models`;
    fail(diagnose("usage", null, { text }));
  }
}

/** What the target has against a network; empty where it can be built. */
async function refusals(target: Target, module: Module): Promise<readonly Diagnostic[]> {
  return refusalsOf(target, module, {}, loaderFiles);
}

/** What the network holds, and what the target has against it, or every target. */
async function packageOutcome(
  file: string,
  target: Target | null,
  module: Module,
  { diagnostics, terminal }: CommandContext,
): Promise<Outcome> {
  const ops = new Map<string, number>();
  for (const { kind } of module.ops) ops.set(kind, (ops.get(kind) ?? 0) + 1);
  const neurons = neuronsIn(module);
  const withoutNeuron = withoutNeurons(module);
  const asked = target === null ? targets.map(({ name }) => parseTarget(name)) : [target];
  const found: { target: Target; refused: readonly Diagnostic[] }[] = [];
  for (const each of asked) found.push({ target: each, refused: await refusals(each, module) });
  const texts = [networkText(file, module, { ops, neurons, withoutNeuron }, terminal.color)];
  for (const each of found) texts.push(targetText(file, each.target.backend.name, each.refused));
  const answers = found.map((each) => targetJson(each.target, each.refused));
  const [answer] = answers;
  return {
    // Without a target that is asked for, there is nothing that the network could fail.
    exitCode: target === null || answer?.buildable === true ? 0 : 1,
    text: texts.join("\n\n"),
    json: {
      model: file,
      ...(target === null ? {} : { target: answer }),
      targets: answers,
      code: module.code,
      timesteps: module.timesteps,
      ops: Object.fromEntries(ops),
      ...neuronsJson(neurons, withoutNeuron),
      diagnostics: diagnostics.map(diagnosticToJson),
    },
  };
}

function neuronsJson(neurons: NeuronCounts | null, withoutNeuron: readonly WithoutNeuron[]) {
  return {
    neurons: neurons === null ? null : { ...neurons, kinds: Object.fromEntries(neurons.kinds) },
    withoutNeuron,
  };
}

function targetJson({ backend: { name } }: Target, refused: readonly Diagnostic[]) {
  return { name, buildable: refused.length === 0, refusals: refused.map(diagnosticToJson) };
}
