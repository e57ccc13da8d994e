/** From a module to a program with its memory; where memory is short, a smaller one. */
import { fail } from "../../ir/diagnostic.ts";
import type { LoadOptions, RunOptions } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import { compileProgram } from "./compile.ts";
import { diagnose } from "./diagnostics.ts";
import { createMemory } from "./runtime/instance.ts";
import { type Program, memoryBytes } from "./program.ts";
import { type Form, compileOptionsOf } from "./request.ts";

/** A program that instances can be made of, on this thread or, if its memory is shared, others. */
export interface Prepared {
  /** Without its binary and constants: `compiled` and `memory` hold them. */
  readonly program: Program;
  readonly compiled: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Arenas in the memory; tiles share one. */
  readonly arenas: number;
}

/** Fails with a diagnostic where there is no memory even for one thread and short chunks. */
export async function prepare(
  module: Module,
  options: RunOptions,
  form: Form,
  threads: number,
  onDiagnostic: LoadOptions["onDiagnostic"],
): Promise<Prepared> {
  const program = await compileProgram(module, compileOptionsOf(module, options, form));
  if (form.tiles > 1 && program.tasks.length > 0) {
    const kinds = [...new Set(program.tasks.map(({ op }) => op.kind))];
    onDiagnostic?.(diagnose("sample-not-split", null, { kinds }));
    return prepare(module, options, { ...form, tiles: 1 }, threads, onDiagnostic);
  }
  const wanted = form.tiles > 1 ? 1 : threads;
  for (let arenas = wanted; arenas >= 1; arenas = Math.floor(arenas / 2)) {
    const memory = memoryOrNull(program, arenas);
    if (memory === null) continue;
    if (arenas < wanted) {
      onDiagnostic?.(diagnose("fewer-threads", null, { threads: arenas, wanted }));
    }
    const compiled = await WebAssembly.compile(program.binary);
    const bare = { ...program, binary: new Uint8Array(0), constants: [] };
    return { program: bare, compiled, memory, arenas };
  }
  if (program.steps === 1) {
    const megabytes = Math.ceil(memoryBytes(program, 1) / 1e6);
    fail(diagnose("network-exceeds-memory", null, { megabytes }));
  }
  const longestChunk = Math.ceil(program.steps / 4);
  onDiagnostic?.(diagnose("shorter-chunks", null, { steps: longestChunk }));
  return prepare(module, options, { ...form, longestChunk }, threads, onDiagnostic);
}

function memoryOrNull(program: Program, arenas: number): WebAssembly.Memory | null {
  try {
    return createMemory(program, arenas);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
