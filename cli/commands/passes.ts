/** `snnc passes`: the catalogue of passes and pipelines. */
import { Command } from "@commander-js/extra-typings";
import pc from "picocolors";
import { allPasses, pipelines } from "../../passes/index.ts";
import { aliases } from "../../passes/names.ts";
import { rangeText } from "../../ir/options.ts";
import { type AnyPass, phaseOf, phases } from "../../passes/pass.ts";
import { printPipeline } from "../../passes/pipeline.ts";
import { perform } from "../action.ts";
import { options } from "../options/options.ts";

export function passesCommand() {
  return new Command("passes")
    .description("list passes, their options, and the pipelines made of them")
    .addOption(options.json)
    .addOption(options.quiet)
    .addOption(options.debug)
    .action((given) =>
      perform(given, ({ terminal }) => ({
        text: catalogueText(terminal.color),
        json: {
          passes: allPasses.map((pass) => ({
            name: pass.name,
            phase: phaseOf(pass),
            role: pass.role,
            summary: pass.summary,
            requires: pass.requires,
            establishes: pass.establishes,
            preservesOutputs: pass.preservesOutputs,
            options: pass.options,
          })),
          pipelines: Object.fromEntries(
            [...pipelines.keys(), ...aliases.keys()].map((name) => [
              name,
              printPipeline(pipelines.get(name) ?? [], { full: true }),
            ]),
          ),
          aliases: Object.fromEntries(aliases),
        },
      })),
    );
}

function catalogueText(color: boolean): string {
  const c = pc.createColors(color);
  const lines: string[] = [];
  for (const phase of phases) {
    lines.push(c.bold(phase));
    for (const pass of allPasses.filter((p) => phaseOf(p) === phase))
      lines.push(...passText(pass, c));
    lines.push("");
  }
  lines.push(c.bold("pipelines"));
  for (const [name, steps] of pipelines) {
    const former = [...aliases].filter(([, present]) => present === name).map(([alias]) => alias);
    const also = former.length === 0 ? "" : ` (also: ${former.join(", ")})`;
    lines.push(`  ${c.cyan(name)}${also}`);
    for (const step of steps) lines.push(`      ${printPipeline([step])}`);
  }
  lines.push("", "write your own: --passes 'name,name{option=value,option=value}'");
  return lines.join("\n");
}

function passText(pass: AnyPass, c: ReturnType<typeof pc.createColors>): string[] {
  const lines = [`  ${c.cyan(pass.name.padEnd(24))} ${pass.summary}`];
  for (const [name, spec] of Object.entries(pass.options)) {
    lines.push(
      `      ${name}=${String(spec.default)}`.padEnd(27) + `${spec.help}${rangeText(spec)}`,
    );
  }
  return lines;
}
