/** The targets as help and `snnc check` list them. */
import type { AnyBackend } from "../../ir/backend.ts";
import { rangeText } from "../../ir/options.ts";
import { targets } from "../../library/targets.ts";

/** Each target with its options. */
export function targetsText(listed: readonly AnyBackend[] = targets): string {
  const lines = ["Targets, with their options (--target 'name{option=value}'):"];
  for (const { name, summary, options } of listed) {
    lines.push(`  ${name.padEnd(20)} ${summary}`);
    for (const [option, spec] of Object.entries(options)) {
      lines.push(
        `    ${`${option}=${String(spec.default)}`.padEnd(18)} ${spec.help}${rangeText(spec)}`,
      );
    }
  }
  return lines.join("\n");
}
