/** The loader's files as they came with the package: read when a build asks for them. */
import { readFileSync } from "node:fs";
import { diagnose } from "../backends/wasm/emit/diagnostics.ts";
import type { Assets } from "../ir/backend.ts";
import { fail } from "../ir/diagnostic.ts";

/** They are not compiled: they lie beside the sources, one folder above the compiled files. */
const places = ["../backends/wasm/emit/loader/", "../../backends/wasm/emit/loader/"];

export const loaderFiles: Assets = {
  read(name) {
    for (const place of places) {
      try {
        return readFileSync(new URL(place + name, import.meta.url), "utf8");
      } catch {
        continue;
      }
    }
    return fail(diagnose("loader-missing", null, { file: name }));
  },
};
