/** The table of docs/targets.md: every target with its options and what it takes besides a network. */
import type { AnyBackend } from "../../ir/backend.ts";
import { rangeText } from "../../ir/options.ts";
import { targets } from "../../library/targets.ts";
import { code, table } from "./markdown.ts";

export function targetTable(listed: readonly AnyBackend[] = targets): string {
  const rows = listed.map(({ name, summary, options, takes }) => [
    code(name),
    summary,
    Object.entries(options)
      .map(
        ([key, spec]) =>
          `${code(`${key}=${String(spec.default)}`)}${rangeText(spec)}: ${spec.help}`,
      )
      .join("; "),
    takes.join(", "),
  ]);
  return table(["target", "what it makes", "options", "takes besides the network"], rows);
}
