/** `snnc check`: everything that stands in the way of a conversion, at once. */
import { Command, Option } from "@commander-js/extra-typings";
import pc from "picocolors";
import { typedEngine } from "../../backends/typed/engine.ts";
import { type Diagnostic, failAll } from "../../ir/diagnostic.ts";
import { formatLoc } from "../../ir/loc.ts";
import { type Module, spikingCodes } from "../../ir/module.ts";
import { printable } from "../../ir/text/printable.ts";
import { refusalsOf } from "../../library/build.ts";
import { type CheckResult, type CheckedFate, checkModel } from "../../library/check.ts";
import { loaderFiles } from "../../library/loader-files.ts";
import { type Target, parseTarget } from "../../library/targets.ts";
import { type Context, type Outcome, perform } from "../action.ts";
import { readInput } from "../files/files.ts";
import { importModel, isPackage, loadNetwork } from "../load.ts";
import { limitsOf, readingOf } from "../options/model-options.ts";
import { wayNamed } from "../options/conversion.ts";
import { options } from "../options/options.ts";
import { diagnosticToJson } from "../terminal/render.ts";
import { quantity } from "../../calibrate/report/format.ts";

export function checkCommand() {
  return new Command("check")
    .description("list every operator that cannot be converted, without any data")
    .argument("<model>", "ONNX model")
    .addOption(
      new Option(
        "--code <name>",
        `check for this code (default: that of convert): ${spikingCodes.join(", ")}`,
      ),
    )
    .addOption(
      new Option("--pipeline <name>", "check for the code of a named pipeline").conflicts("code"),
    )
    .option("--target <name>", "check also what this target refuses; of a .snn, that alone")
    .option("--allow-analogue", "as in convert: ops without a spiking form are no obstacle")
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
        if (target !== null && (await isPackage(file))) {
          const { module } = await loadNetwork(file, given, context);
          return packageOutcome(file, target, await refusals(target, module), context);
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
        });
        for (const remark of result.remarks) context.report(remark);
        const { converted, convertible } = result;
        const found =
          target === null || converted === null || !convertible
            ? null
            : { target, refused: await refusals(target, converted) };
        const isFine = convertible && (found === null || found.refused.length === 0);
        const texts = [checkText(file, result, context.terminal.color)];
        if (found !== null) texts.push(targetText(file, found.target, found.refused));
        return {
          exitCode: isFine ? 0 : 1,
          text: texts.join("\n\n"),
          json: {
            model: file,
            ...(found === null ? {} : { target: targetJson(found.target, found.refused) }),
            code: result.code,
            convertible: result.convertible,
            ops: Object.fromEntries(result.operators),
            unsupported: result.obstacles,
            fates: Object.fromEntries(
              [...result.fates].map(([fate, kinds]) => [fate, Object.fromEntries(kinds)]),
            ),
            parameters: result.parameters,
            diagnostics: context.diagnostics.map(diagnosticToJson),
          },
        };
      }),
    );
}

const fateTexts: Readonly<Record<CheckedFate, string>> = {
  neuron: "become neurons",
  shared: "stay, over time",
  pool: "pool by running sums",
  tail: "run on the decoded output",
  analogue: "run once on the input",
  relaxed: "rounding dropped or split",
  decoded: "computed on decoded values",
  refused: "have no spiking form",
};

function checkText(path: string, result: CheckResult, color: boolean): string {
  const file = printable(path);
  const c = pc.createColors(color);
  const lines = [
    result.convertible
      ? c.green(`${file} can be converted to ${result.code} code`)
      : c.red(`${file} cannot be converted to ${result.code} code as it is`),
  ];
  if (result.parameters > 0) lines.push(`  ${quantity(result.parameters)} parameters`);
  for (const [fate, text] of Object.entries(fateTexts)) {
    const kinds = [...result.fates].find(([name]) => name === fate)?.[1];
    if (kinds === undefined) continue;
    const list = [...kinds].map(([kind, count]) => `${printable(kind)} ×${count}`).join(", ");
    lines.push(`  ${text.padEnd(28)}${list}`);
  }
  for (const { op, domain, count, nodes, help } of result.obstacles) {
    // What the model lacks stands in the way of no operator of its own.
    if (count === 0) {
      lines.push("", `  ${printable(help)}`);
      continue;
    }
    const name = domain === "" ? op : `${domain}:${op}`;
    lines.push("", c.bold(`  ${printable(name)} ×${count}`));
    if (nodes.length > 0) {
      const more = nodes.length > 5 ? ` and ${nodes.length - 5} more` : "";
      lines.push(`    at ${nodes.slice(0, 5).map(printable).join(", ")}${more}`);
    }
    lines.push(`    help: ${printable(help)}`);
  }
  return lines.join("\n");
}

/** What the target has against a network; empty where it can be built. */
async function refusals(target: Target, module: Module): Promise<readonly Diagnostic[]> {
  return refusalsOf(target, module, {}, loaderFiles);
}

function packageOutcome(
  file: string,
  target: Target,
  refused: readonly Diagnostic[],
  { diagnostics }: Context,
): Outcome {
  return {
    exitCode: refused.length === 0 ? 0 : 1,
    text: targetText(file, target, refused),
    json: {
      model: file,
      target: targetJson(target, refused),
      diagnostics: diagnostics.map(diagnosticToJson),
    },
  };
}

function targetJson({ backend: { name } }: Target, refused: readonly Diagnostic[]) {
  return { name, buildable: refused.length === 0, refusals: refused.map(diagnosticToJson) };
}

function targetText(path: string, { backend }: Target, refused: readonly Diagnostic[]): string {
  const can = refused.length === 0 ? "can" : "cannot";
  const lines = [`${printable(path)} ${can} be built for ${backend.name}`];
  for (const { message, loc, help } of refused) {
    lines.push(`  ${printable(message)}`);
    if (loc !== null) lines.push(`    at ${printable(formatLoc(loc))}`);
    if (help !== null) lines.push(`    help: ${printable(help)}`);
  }
  return lines.join("\n");
}
