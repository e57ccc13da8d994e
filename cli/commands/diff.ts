/** `snnc diff`: two networks side by side: what they compute, and how they were made. */
import { Command } from "@commander-js/extra-typings";
import pc from "picocolors";
import { printable } from "../../ir/text/printable.ts";
import { perform } from "../action.ts";
import { type Difference, type Line, differenceOf } from "../difference.ts";
import { isPackageFile, loadNetwork } from "../load.ts";
import { options } from "../options/options.ts";

export function diffCommand() {
  return new Command("diff")
    .description(
      "compare two networks; exit code 1 if they differ in more than name and provenance",
    )
    .argument("<left>", "ONNX model or .snn network")
    .argument("<right>", "ONNX model or .snn network")
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
    .action((leftFile, rightFile, given) =>
      perform(given, async (context) => {
        // A model is read as the network beside it records, whichever side that is on.
        const turned = await isPackageFile(rightFile);
        const [firstFile, secondFile] = turned ? [rightFile, leftFile] : [leftFile, rightFile];
        const first = await loadNetwork(firstFile, given, context);
        const second = await loadNetwork(secondFile, given, context, first);
        const [left, right] = turned ? [second, first] : [first, second];
        const difference = differenceOf(left, right);
        return {
          exitCode: difference.equal ? 0 : 1,
          json: { left: leftFile, right: rightFile, ...difference },
          text: textOf(difference, context.terminal.color),
        };
      }),
    );
}

/** The difference for people: lines of text, all names printable. */
export function textOf(difference: Difference, color: boolean): string {
  const { equal, head, ops, carries, outputs, tensors, provenance } = difference;
  const c = pc.createColors(color);
  const lines = [equal ? c.green("the same network") : c.yellow("the networks differ")];
  const changedLine = ({ side, text }: Line): string =>
    side === "left" ? c.red(`- ${printable(text)}`) : c.green(`+ ${printable(text)}`);
  if (head.length > 0) lines.push("", c.bold("the whole"));
  for (const { key, left, right } of head) lines.push(`  ${key}: ${left} → ${right}`);
  const lists = [
    ["ops", ops],
    ["feedback", carries],
    ["outputs", outputs],
  ] as const;
  for (const [title, list] of lists) {
    const changed = list.filter(({ side }) => side !== "both");
    if (changed.length === 0) continue;
    lines.push("", c.bold(`${title} (${list.length - changed.length} the same)`));
    for (const line of changed) lines.push(changedLine(line));
  }
  if (tensors.length > 0) lines.push("", c.bold("parameters"));
  for (const { name, left, right, largest } of tensors) {
    const what =
      largest === null
        ? `${left ?? "absent"} → ${right ?? "absent"}`
        : `${left ?? ""}, largest difference ${largest.toPrecision(3)}`;
    lines.push(`  @${printable(name)}  ${what}`);
  }
  if (provenance.length > 0) lines.push("", c.bold("made from"));
  for (const { key, left, right } of provenance) {
    lines.push(printable(`  ${key}: ${left} → ${right}`));
  }
  return lines.join("\n");
}
