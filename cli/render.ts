/** Diagnostics as text for people: what is wrong, where, why, and the way out. */
import pc from "picocolors";
import type { Diagnostic } from "../ir/diagnostic.ts";
import { formatLoc, sourcesOf } from "../ir/loc.ts";

/** All diagnostics, equal ones once with their number of places. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], color: boolean): string {
  const groups = new Map<string, Diagnostic[]>();
  for (const d of diagnostics) {
    const key = `${d.code}\n${d.message}\n${d.help ?? ""}`;
    groups.set(key, [...(groups.get(key) ?? []), d]);
  }
  return [...groups.values()].map((group) => renderGroup(group, color)).join("\n");
}

function renderGroup(group: readonly Diagnostic[], color: boolean): string {
  const [first] = group;
  if (first === undefined) return "";
  const c = pc.createColors(color);
  const paint = { error: c.red, warning: c.yellow, info: c.cyan }[first.severity];
  const lines = [
    `${c.bold(paint(`${first.severity}[${first.code}]`))}${c.bold(`: ${first.message}`)}`,
  ];
  const places = [...new Set(group.map(placeOf))].filter((place) => place !== "");
  for (const place of places.slice(0, 3)) lines.push(`  --> ${place}`);
  if (places.length > 3) lines.push(`  --> and ${places.length - 3} more places`);
  for (const note of first.notes) lines.push(...block("note", note));
  if (first.help !== null) lines.push(...block("help", first.help));
  return lines.join("\n");
}

function placeOf(d: Diagnostic): string {
  if (d.loc === null) return "";
  const sources = sourcesOf(d.loc);
  const more = sources.length > 1 ? ` and ${sources.length - 1} more nodes` : "";
  return `${formatLoc(d.loc)}${more}`;
}

function block(label: string, text: string): string[] {
  const [head = "", ...rest] = text.split("\n");
  return [`  ${label}: ${head}`, ...rest.map((line) => `  ${" ".repeat(label.length + 2)}${line}`)];
}

/** A diagnostic as `--json` shows it. */
export function diagnosticToJson(d: Diagnostic): Record<string, unknown> {
  return {
    code: d.code,
    severity: d.severity,
    message: d.message,
    place: d.loc === null ? null : formatLoc(d.loc),
    notes: d.notes,
    help: d.help,
  };
}
