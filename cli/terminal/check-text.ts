/** What `snnc check` found, for people: of a model, of a `.snn`, and of what targets refuse. */
import pc from "picocolors";
import { quantity } from "../../calibrate/report/format.ts";
import type { Diagnostic } from "../../ir/diagnostic.ts";
import { formatLoc } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { printable } from "../../ir/text/printable.ts";
import type { CheckResult, CheckedFate } from "../../library/check.ts";
import type { NeuronCounts, WithoutNeuron } from "../../library/neurons.ts";

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

/** A model, whether it can be converted and what becomes of its ops. */
export function modelText(path: string, result: CheckResult, color: boolean): string {
  const file = printable(path);
  const c = pc.createColors(color);
  const into = `${result.code} code${result.integer ? " in integers" : ""}`;
  const lines = [
    result.convertible
      ? c.green(`${file} can be converted to ${into}`)
      : c.red(`${file} cannot be converted to ${into} as it is`),
  ];
  if (result.parameters > 0) lines.push(`  ${quantity(result.parameters)} parameters`);
  for (const [fate, text] of Object.entries(fateTexts)) {
    const kinds = [...result.fates].find(([name]) => name === fate)?.[1];
    if (kinds !== undefined) lines.push(row(text, kindsText(kinds)));
  }
  if (result.neurons !== null) lines.push(...neuronLines(result.neurons));
  lines.push(...withoutLines(result.withoutNeuron, color));
  for (const { op, domain, count, nodes, help } of result.obstacles) {
    // What the model lacks stands in the way of no operator of its own.
    if (count === 0) {
      lines.push("", `  ${printable(help)}`);
      continue;
    }
    const name = domain === "" ? op : `${domain}:${op}`;
    lines.push("", c.bold(`  ${printable(name)} ×${count}`), ...places(nodes));
    lines.push(`    help: ${printable(help)}`);
  }
  return lines.join("\n");
}

/** What a `.snn` holds. */
export function networkText(
  path: string,
  { code, timesteps, properties }: Module,
  found: {
    readonly ops: ReadonlyMap<string, number>;
    readonly neurons: NeuronCounts;
    readonly withoutNeuron: readonly WithoutNeuron[];
  },
  color: boolean,
): string {
  const numbers = properties.has("integer") ? " in integers" : "";
  const what =
    code === "none"
      ? "an analogue network"
      : `a spiking network of ${code} code${numbers}, for ${timesteps} timestep${timesteps === 1 ? "" : "s"}`;
  return [
    `${printable(path)} holds ${what}`,
    row("ops", kindsText(found.ops)),
    ...neuronLines(found.neurons),
    ...withoutLines(found.withoutNeuron, color),
  ].join("\n");
}

/** Whether a target takes a network, and if not all that it refuses. */
export function targetText(path: string, target: string, refused: readonly Diagnostic[]): string {
  const can = refused.length === 0 ? "can" : "cannot";
  const lines = [`${printable(path)} ${can} be built for ${target}`];
  for (const { message, loc, help } of refused) {
    lines.push(`  ${printable(message)}`);
    if (loc !== null) lines.push(`    at ${printable(formatLoc(loc))}`);
    if (help !== null) lines.push(`    help: ${printable(help)}`);
  }
  return lines.join("\n");
}

function neuronLines({ count, kinds, eitherSign }: NeuronCounts): string[] {
  if (count === 0) return [row("neurons", "none")];
  const lines = [row("neurons", `${quantity(count)}: ${kindsText(kinds)}`)];
  const { nodes } = eitherSign;
  if (nodes.length > 0) {
    const signed = `${quantity(eitherSign.count)} before weights, ${placesText(nodes)}`;
    lines.push(row("of either sign", signed));
  }
  return lines;
}

function withoutLines(found: readonly WithoutNeuron[], color: boolean): string[] {
  const c = pc.createColors(color);
  return found.flatMap(({ op, nodes, why, help }) => [
    "",
    c.bold(`  no neuron replaces ${printable(op)} ×${nodes.length}`),
    ...places(nodes),
    `    ${why}`,
    `    help: ${help}`,
  ]);
}

function row(text: string, found: string): string {
  return `  ${text.padEnd(28)}${found}`;
}

function kindsText(kinds: ReadonlyMap<string, number>): string {
  return [...kinds].map(([kind, count]) => `${printable(kind)} ×${count}`).join(", ");
}

function places(nodes: readonly string[]): string[] {
  return nodes.length === 0 ? [] : [`    ${placesText(nodes)}`];
}

/** The first nodes of several, and how many more there are. */
function placesText(nodes: readonly string[]): string {
  const more = nodes.length > 5 ? ` and ${nodes.length - 5} more` : "";
  return `at ${nodes.slice(0, 5).map(printable).join(", ")}${more}`;
}
