/** `snnc inspect`: the network as IR text. */
import { Command, Option } from "@commander-js/extra-typings";
import { printModule } from "../../ir/text/print.ts";
import { perform } from "../action.ts";
import { loadNetwork } from "../load.ts";
import { options } from "../options/options.ts";

export function inspectCommand() {
  return new Command("inspect")
    .description("print a model's or a network's intermediate representation")
    .argument("<file>", "ONNX model or .snn network")
    .addOption(
      new Option("--locs <how>", "where each op comes from")
        .choices(["none", "short", "full"] as const)
        .default("none" as const, "none"),
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
        const network = await loadNetwork(file, given, context);
        const text = printModule(network.module, { locs: given.locs });
        const { module, provenance } = network;
        return {
          text: text.trimEnd(),
          json: {
            file,
            kind: network.kind,
            name: module.name,
            code: module.code,
            timesteps: module.timesteps,
            ops: module.ops.length,
            provenance,
            ir: text,
          },
        };
      }),
    );
}
