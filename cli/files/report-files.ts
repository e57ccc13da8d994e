/** The files of a report, in one folder with a manifest that names each and its hash. */
import path from "node:path";
import { renderReportHtml } from "../../calibrate/report/html.ts";
import type { ConversionReport } from "../../calibrate/report/schema.ts";
import { sha256 } from "./files.ts";
import { writeReportFolder } from "./own-folder.ts";
import { manifestName } from "./own-names.ts";
import { version } from "../version.ts";

/** Writes report.json, report.html and manifest.json; returns their paths. */
export async function writeReport(
  folder: string,
  report: ConversionReport,
): Promise<{ html: string; json: string }> {
  const encoder = new TextEncoder();
  const contents = new Map([
    ["report.json", encoder.encode(`${JSON.stringify(report, null, 2)}\n`)],
    ["report.html", encoder.encode(await renderReportHtml(report))],
  ]);
  const files = [...contents].map(([name, bytes]) => ({
    path: name,
    bytes: bytes.length,
    sha256: sha256(bytes),
  }));
  const manifest = { tool: { name: "snnc", version }, model: report.model.sha256, files };
  contents.set(manifestName, encoder.encode(`${JSON.stringify(manifest, null, 2)}\n`));
  writeReportFolder(folder, contents);
  return { html: path.join(folder, "report.html"), json: path.join(folder, "report.json") };
}
