/** `snnc ops`: what can be imported, and what each op becomes in a spiking network. */
import { Command } from "@commander-js/extra-typings";
import pc from "picocolors";
import {
  foreignOperators,
  onnxOperators,
  ownDomain,
  ownOperators,
} from "../../frontend/onnx/operators.ts";
import { isOpKind, specOf, specs } from "../../ir/op/table.ts";
import { spikingFormOf } from "../../passes/convert/spiking-form.ts";
import { perform } from "../action.ts";
import { options } from "../options/options.ts";

export function opsCommand() {
  return new Command("ops")
    .description("list the supported ONNX operators, and the ops they become")
    .addOption(options.json)
    .addOption(options.quiet)
    .addOption(options.debug)
    .action((given) =>
      perform(given, ({ terminal }) => {
        const kinds = Object.keys(specs).filter(isOpKind);
        const ops = kinds.map((kind) => ({
          kind,
          summary: specOf(kind).summary,
          spiking: spikingFormOf(kind),
        }));
        const named = ({ name, since }: Listed): Listed => ({ name, since });
        const operators = onnxOperators.map(named);
        const own = ownOperators.map(named);
        const foreign = new Map(
          [...foreignOperators].map(([domain, rows]) => [domain, rows.map(named)]),
        );
        return {
          json: { onnx: operators, [ownDomain]: own, ...Object.fromEntries(foreign), ops },
          text: text(operators, own, foreign, ops, terminal.color),
        };
      }),
    );
}

/** An operator that models may have, with the versions that changed it. */
interface Listed {
  readonly name: string;
  readonly since: readonly number[];
}

function text(
  operators: readonly Listed[],
  own: readonly Listed[],
  foreign: ReadonlyMap<string, readonly Listed[]>,
  ops: readonly { kind: string; summary: string; spiking: string }[],
  color: boolean,
): string {
  const c = pc.createColors(color);
  const lines = [c.bold(`ONNX operators (${operators.length}), with the opsets that changed them`)];
  const list = (listed: readonly Listed[]): void => {
    for (const { name, since } of listed) lines.push(`  ${name.padEnd(28)}${since.join(", ")}`);
  };
  list(operators);
  lines.push("", c.bold(`operators of domain ${ownDomain}`));
  list(own);
  for (const [domain, rows] of foreign) {
    lines.push("", c.bold(`operators of domain ${domain}`));
    list(rows);
  }
  lines.push("", c.bold("ops of the intermediate representation, and their spiking form"));
  for (const { kind, spiking, summary } of ops) {
    lines.push(`  ${c.cyan(kind.padEnd(26))}${spiking.padEnd(18)}${summary}`);
  }
  return lines.join("\n");
}
