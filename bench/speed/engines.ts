/** Our engines by name. Each is loaded on first use, so that one does not weigh on another. */
import type { Engine } from "../../ir/executable.ts";

const loaders = {
  wasm: async () => (await import("../../backends/wasm/engine.ts")).wasmEngine,
  typed: async () => (await import("../../backends/typed/engine.ts")).typedEngine,
  interpret: async () => (await import("../../backends/interpret/engine.ts")).interpretEngine,
} as const satisfies Readonly<Record<string, () => Promise<Engine>>>;

export type EngineName = keyof typeof loaders;

export const engineNames: readonly string[] = Object.keys(loaders);

/** What is measured unless the command line says otherwise. */
export const defaultEngine: EngineName = "wasm";

export function isEngineName(name: string): name is EngineName {
  return Object.hasOwn(loaders, name);
}

export function loadEngine(name: EngineName): Promise<Engine> {
  return loaders[name]();
}
