/** `snnc diff`: two networks side by side: ops, parameters, and how they were made. */
import { Command } from "@commander-js/extra-typings";
import { diffArrays } from "diff";
import pc from "picocolors";
import { shortName } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { formatOp } from "../../ir/text/print.ts";
import { printable } from "../../ir/text/printable.ts";
import { type Tensor, sameTensor } from "../../ir/tensor.ts";
import { perform } from "../action.ts";
import { isPackageFile, loadNetwork } from "../load.ts";
import type { Network } from "../../library/network.ts";
import { options } from "../options/options.ts";

export function diffCommand() {
  return new Command("diff")
    .description("compare two networks: ops, parameters, provenance; exit code 1 if they differ")
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

interface TensorChange {
  readonly name: string;
  readonly left: string | null;
  readonly right: string | null;
  /** Largest absolute difference; null where shapes or types differ. */
  readonly largest: number | null;
}

interface Difference {
  readonly equal: boolean;
  readonly ops: readonly { readonly side: "left" | "right" | "both"; readonly text: string }[];
  readonly tensors: readonly TensorChange[];
  readonly provenance: readonly {
    readonly key: string;
    readonly left: string;
    readonly right: string;
  }[];
}

function differenceOf(left: Network, right: Network): Difference {
  const ops = diffArrays(opLines(left.module), opLines(right.module)).flatMap((part) =>
    part.value.map((text) => ({
      side: part.added ? ("right" as const) : part.removed ? ("left" as const) : ("both" as const),
      text,
    })),
  );
  const tensors = tensorChanges(left.module, right.module);
  const provenance = provenanceChanges(left, right);
  const equal = ops.every((op) => op.side === "both") && tensors.length === 0;
  return { equal, ops, tensors, provenance };
}

/** Ops with operands called by the names of their nodes, so that numbering does not matter. */
function opLines(module: Module): string[] {
  const names = new Map(module.ops.map((op) => [op.result, shortName(op.loc)]));
  return module.ops.map(
    (op) => `${shortName(op.loc)}: ${formatOp(op, (value) => names.get(value) ?? "?")}`,
  );
}

function tensorChanges(left: Module, right: Module): TensorChange[] {
  const names = [...new Set([...left.tensors.keys(), ...right.tensors.keys()])].sort();
  return names.flatMap((name) => {
    const a = left.tensors.get(name);
    const b = right.tensors.get(name);
    if (a !== undefined && b !== undefined && sameTensor(a, b)) return [];
    return [{ name, left: shapeText(a), right: shapeText(b), largest: largestDifference(a, b) }];
  });
}

function shapeText(t: Tensor | undefined): string | null {
  return t === undefined ? null : `${t.dtype}[${t.shape.join(", ")}]`;
}

function largestDifference(a: Tensor | undefined, b: Tensor | undefined): number | null {
  if (a === undefined || b === undefined || shapeText(a) !== shapeText(b)) return null;
  let most = 0;
  for (const [i, x] of a.data.entries()) most = Math.max(most, Math.abs(x - (b.data[i] ?? 0)));
  return most;
}

function provenanceChanges(left: Network, right: Network): Difference["provenance"] {
  const a = left.provenance ?? {};
  const b = right.provenance ?? {};
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return keys.flatMap((key) => {
    const [x, y] = [JSON.stringify(a[key] ?? null), JSON.stringify(b[key] ?? null)];
    return x === y ? [] : [{ key, left: x, right: y }];
  });
}

function textOf({ equal, ops, tensors, provenance }: Difference, color: boolean): string {
  const c = pc.createColors(color);
  const lines = [equal ? c.green("the same network") : c.yellow("the networks differ")];
  const changed = ops.filter((op) => op.side !== "both");
  const same = ops.length - changed.length;
  if (changed.length > 0) lines.push("", c.bold(`ops (${same} the same)`));
  for (const { side, text } of changed) {
    lines.push(side === "left" ? c.red(`- ${printable(text)}`) : c.green(`+ ${printable(text)}`));
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
