/** `snnc eval`: accuracy at each timestep; for an ANN, its accuracy. */
import { Command } from "@commander-js/extra-typings";
import { type Evaluation, evaluationJson } from "../../calibrate/evaluate.ts";
import { fail } from "../../ir/diagnostic.ts";
import { evaluateModule } from "../../library/assess.ts";
import { convert } from "../../library/convert.ts";
import { perform, runningOf } from "../action.ts";
import { loadData } from "../data.ts";
import { diagnose } from "../diagnostics.ts";
import { loadNetwork } from "../load.ts";
import { options } from "../options.ts";
import { accuracyTable } from "../tables.ts";
import { diagnosticToJson } from "../render.ts";

export function evalCommand() {
  return new Command("eval")
    .description("measure accuracy: at each timestep of a spiking network, or of an ONNX model")
    .argument("<network>", "ONNX model or .snn network")
    .requiredOption("--data <path>", "samples: .npy, .npz, IDX, CIFAR, image folder, safetensors")
    .addOption(options.labels)
    .addOption(options.preprocess)
    .addOption(options.limit)
    .addOption(options.timesteps)
    .addOption(options.engine)
    .addOption(options.inputShape)
    .addOption(options.dimension)
    .addOption(options.threads)
    .addOption(options.seed)
    .addOption(options.json)
    .addOption(options.quiet)
    .addOption(options.debug)
    .action((file, given) =>
      perform(given, async (context) => {
        const network = await loadNetwork(file, given, context);
        if (network.kind === "ann" && given.timesteps !== undefined) {
          context.report(diagnose("timesteps-ignored", null, { file }));
        }
        const data = await loadData(given.data, network.module, given, context, true);
        if (data.labels === null) fail(diagnose("needs-labels", null, { data: given.data }));
        const running = runningOf(given, context);
        const timesteps = given.timesteps ?? network.module.timesteps;
        const module =
          network.kind === "ann" && given.engine !== "interpret"
            ? await cleaned(network.module, running)
            : network.module;
        const started = performance.now();
        const evaluation = await evaluateModule(module, data, running, {
          timesteps,
          label: "evaluating",
        });
        const seconds = (performance.now() - started) / 1000;
        context.report(...evaluation.diagnostics);
        const json = evaluationJson(evaluation, { model: file, seconds });
        return {
          json: { ...json, diagnostics: context.diagnostics.map(diagnosticToJson) },
          text: evaluationText(evaluation, seconds),
        };
      }),
    );
}

/** The same function in fewer ops. */
async function cleaned(
  module: Parameters<typeof convert>[0],
  running: Parameters<typeof convert>[2],
): Promise<typeof module> {
  const options = { timesteps: 1, pipeline: "canonical", seed: 0 };
  return (await convert(module, null, running, options)).module;
}

function evaluationText(evaluation: Evaluation, seconds: number): string {
  const rate = seconds > 0 ? ` (${(evaluation.samples / seconds).toFixed(1)} per second)` : "";
  const head = `${evaluation.samples} samples in ${seconds.toFixed(1)} s${rate}`;
  return `${accuracyTable(evaluation, null)}\n\n${head}`;
}
