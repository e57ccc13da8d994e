/** `snnc report`: the report of a conversion that was done before. */
import { Command } from "@commander-js/extra-typings";
import { formatReport } from "../../calibrate/report/text.ts";
import { fail } from "../../ir/diagnostic.ts";
import { evaluatePair } from "../../library/assess.ts";
import { stepsOf } from "../../library/convert.ts";
import { looksBeforeConverting, rebuildReference } from "../../library/reference.ts";
import { makeReport } from "../../library/report.ts";
import { membersOf } from "../../ir/json.ts";
import type { Provenance } from "../../ir/package.ts";
import { printable } from "../../ir/printable.ts";
import { perform, runningOf } from "../action.ts";
import { recordedClasses } from "../classes.ts";
import { loadData } from "../data.ts";
import { diagnose } from "../diagnostics.ts";
import { loadNetwork } from "../load.ts";
import { recordedScaleWarnings, recordedTask } from "../network-record.ts";
import { options } from "../options.ts";
import { checkReportFolder } from "../own-folder.ts";
import { reportNames } from "../own-names.ts";
import { recordedPreprocess } from "../preprocessing.ts";
import { diagnosticToJson } from "../render.ts";
import { writeReport } from "../report-files.ts";
import { timestepsOf } from "../timesteps.ts";
import { version } from "../version.ts";

export function reportCommand() {
  return new Command("report")
    .description("measure a .snn beside the model it came from, and write report.html")
    .argument("<network>", ".snn network")
    .requiredOption("--model <file>", "the ONNX model that it was converted from")
    .requiredOption("--data <path>", "samples to measure on")
    .requiredOption("-o, --output <folder>", "where to write report.html and report.json")
    .addOption(options.labels)
    .addOption(options.x)
    .addOption(options.y)
    .addOption(options.task)
    .addOption(options.classes)
    .addOption(options.labelMap)
    .addOption(options.preprocess)
    .addOption(options.maxDataBytes)
    .addOption(options.limit)
    .addOption(options.timesteps)
    .addOption(options.engine)
    .addOption(options.inputShape)
    .addOption(options.dimension)
    .addOption(options.modelOutputs)
    .addOption(options.batchAxis)
    .addOption(options.inputValue)
    .addOption(options.threads)
    .addOption(options.seed)
    .addOption(options.json)
    .addOption(options.quiet)
    .addOption(options.debug)
    .action((file, given) =>
      perform(given, async (context) => {
        context.outputs.reads(file, given.model, given.data);
        context.outputs.writesInto(given.output, reportNames);
        checkReportFolder(given.output);
        const network = await loadNetwork(file, given, context);
        if (network.kind === "ann") {
          fail(diagnose("not-spiking", null, { file, command: "report" }));
        }
        const timesteps = timestepsOf(network.module, file, given.timesteps, context);
        const model = await loadNetwork(given.model, given, context, network);
        const running = runningOf(given, context);
        const pipeline = network.provenance?.["pipeline"];
        const isIts = modelHashOf(network.provenance) === model.sha256;
        const reference =
          typeof pipeline === "string" && model.kind === "ann" && isIts
            ? await rebuildReference(model.module, network.module, pipeline, running.engine)
            : null;
        if (reference === null || typeof pipeline !== "string") {
          const centred = isIts && typeof pipeline === "string" && looksBeforeConverting(pipeline);
          return fail(diagnose("other-model", null, { file, model: given.model, centred }));
        }
        const recorded = recordedPreprocess(network.provenance, file);
        const knownClasses = recordedClasses(network.provenance);
        const task = given.task ?? recordedTask(network);
        const wanted = { ...given, task, recorded, knownClasses, part: "test" } as const;
        const data = await loadData(given.data, model.module, wanted, context, true);
        context.report(...recordedScaleWarnings(network, data.samples, data.name));
        const evaluations = await evaluatePair(reference, network.module, data, running, timesteps);
        const report = await makeReport(
          {
            version,
            model: { file: given.model, sha256: model.sha256, imported: model.module },
            reference,
            snn: network.module,
            // What ran then, without its clock; the loss after each pass was of that run.
            passes: [],
            ranBefore: stepsOf(pipeline).map((step) => ({
              pass: step.pass.name,
              options: { ...step.options },
              seconds: null,
              changed: true,
            })),
            timesteps,
            seed: given.seed,
            calibration: null,
            evaluation: data,
            evaluations,
            diagnostics: context.diagnostics,
          },
          running,
        );
        const files = await writeReport(given.output, report);
        const { width, color } = context.terminal;
        return {
          text: `${formatReport(report, { width, color })}\n\nreport: ${printable(files.html)}`,
          json: {
            network: file,
            ...files,
            accuracy: report.accuracy,
            diagnostics: context.diagnostics.map(diagnosticToJson),
          },
        };
      }),
    );
}

/** The hash of the model that a network was made from, as its provenance has it. */
function modelHashOf(provenance: Provenance | null): string | null {
  const hash = membersOf(provenance?.["model"] ?? null)?.get("sha256");
  return typeof hash === "string" ? hash : null;
}
