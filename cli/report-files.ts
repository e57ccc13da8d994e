/** The files of a report, in one folder with a manifest that names each and its hash. */
import path from "node:path";
import { renderReportHtml } from "../calibrate/report/html.ts";
import type { ConversionReport } from "../calibrate/report/schema.ts";
import { sha256, writeOutput } from "./files.ts";
import { version } from "./version.ts";

/** Writes report.json, report.html and manifest.json; returns their paths. */
export async function writeReport(
  folder: string,
  report: ConversionReport,
): Promise<{ html: string; json: string }> {
  const contents = new Map([
    ["report.json", `${JSON.stringify(report, null, 2)}\n`],
    ["report.html", await renderReportHtml(report)],
  ]);
  const files = [...contents].map(([name, text]) => {
    const bytes = new TextEncoder().encode(text);
    return { path: name, bytes: bytes.length, sha256: sha256(bytes) };
  });
  const manifest = { tool: { name: "snnc", version }, model: report.model.sha256, files };
  contents.set("manifest.json", `${JSON.stringify(manifest, null, 2)}\n`);
  for (const [name, text] of contents) await writeOutput(path.join(folder, name), text);
  return { html: path.join(folder, "report.html"), json: path.join(folder, "report.json") };
}
