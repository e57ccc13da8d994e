/** Diagnostics as text for people: what is wrong, where, why, and the way out. */
import pc from "picocolors";
import type { Result } from "../../calibrate/result/schema.ts";
import type { Diagnostic } from "../../ir/diagnostic.ts";
import { formatLoc, sourcesOf } from "../../ir/loc.ts";
import { printable } from "../../ir/text/printable.ts";

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
    `${c.bold(paint(`${first.severity}[${first.code}]`))}${c.bold(`: ${oneLine(first.message)}`)}`,
  ];
  const places = [...new Set(group.map(placeOf))].filter((place) => place !== "");
  for (const place of places.slice(0, 3)) lines.push(`  --> ${oneLine(place)}`);
  if (places.length > 3) lines.push(`  --> and ${places.length - 3} more places`);
  for (const note of first.notes) lines.push(...noteLines(note));
  if (first.help !== null) lines.push(`  help: ${oneLine(first.help)}`);
  return lines.join("\n");
}

function placeOf(d: Diagnostic): string {
  if (d.loc === null) return "";
  const sources = sourcesOf(d.loc);
  const more = sources.length > 1 ? ` and ${sources.length - 1} more nodes` : "";
  return `${formatLoc(d.loc)}${more}`;
}

/** What people read of a text: a name may have 65,535 characters, and there may be many of them. */
const mostCharacters = 2000;

function oneLine(text: string): string {
  const more = text.length - mostCharacters;
  return more <= 0
    ? printable(text)
    : `${printable(text.slice(0, mostCharacters))}… (${more} more characters)`;
}

/** A note may show lines of a file, so it may have several; all of them stand behind its label. */
function noteLines(text: string): string[] {
  const [head = "", ...rest] = text.split("\n").map(oneLine);
  return [`  note: ${head}`, ...rest.map((line) => `        ${line}`)];
}

/** A diagnostic as `--json` shows it; its text is as it was, for whoever parses it. */
export function diagnosticToJson(d: Diagnostic): Result["diagnostics"][number] {
  return {
    code: d.code,
    severity: d.severity,
    message: d.message,
    place: d.loc === null ? null : formatLoc(d.loc),
    notes: d.notes,
    help: d.help,
  };
}
