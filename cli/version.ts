/** The version that is installed, from package.json. */
import { readFileSync } from "node:fs";
import { z } from "zod";

const packageFile = z.object({ version: z.string() });

/** Sources lie one folder below package.json, compiled files two. */
function readVersion(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), "utf8");
      return packageFile.parse(JSON.parse(text)).version;
    } catch {
      continue;
    }
  }
  return "unknown";
}

export const version = readVersion();
