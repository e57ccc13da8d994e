/** From a network to files that run somewhere else. One target so far: WebAssembly. */
import type { Assets } from "../backends/wasm/emit/assets.ts";
import {
  type Built,
  type Making,
  type WasmBuildOptions,
  buildWasm,
} from "../backends/wasm/emit/build.ts";
import type { WasmReport } from "../backends/wasm/emit/report.ts";
import { fail } from "../ir/diagnostic.ts";
import type { Module } from "../ir/module.ts";
import { diagnose } from "./diagnostics.ts";

/** Planned targets, in the words of their diagnostic. */
const planned: ReadonlyMap<string, string> = new Map([
  ["emulator", "an emulator in C"],
  ["hdl", "a hardware description in Verilog"],
  ["nir", "an exchange file in NIR"],
]);

/**
 * The files of a network for `target`, and a report on them; nothing is written. `assets` are the
 * loader's own files: `snnc/node` reads those of the package.
 */
export async function build(
  module: Module,
  target: string,
  options: WasmBuildOptions,
  making: Making,
  assets: Assets,
): Promise<Built<WasmReport>> {
  checkTarget(target);
  return buildWasm(module, options, making, assets);
}

/** Fails if there is no such target, or not yet. */
export function checkTarget(target: string): void {
  if (target === "wasm") return;
  const what = planned.get(target);
  fail(
    what === undefined
      ? diagnose("target-unknown", null, { target })
      : diagnose("target-not-there-yet", null, { target, what }),
  );
}
