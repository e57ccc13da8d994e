/**
 * The one place that knows binaryen: opens a WebAssembly module to write functions into, and turns
 * it into bytes. What stands in the functions is code.ts's; nothing here knows of networks.
 */
import type binaryen from "binaryen";
import { invariant } from "../../../ir/diagnostic.ts";
import { mostPages } from "../memory/pages.ts";
import { FunctionWriter } from "./code.ts";
import { dotOfBytes } from "./relaxed.ts";
import type { CodeModule, Expr, ImportedFunction, WasmType } from "./types.ts";

export type Binaryen = typeof binaryen;
/** What a module is for. */
export interface ModuleShape {
  /** Whether its memory, which is always imported, is shared between threads. */
  readonly shared: boolean;
  /** Whether it may have instructions of relaxed SIMD. */
  readonly relaxed: boolean;
}

/** Begins to load binaryen. Where that fails, opening an assembler says why. */
export function preloadAssembler(): void {
  import("#binaryen").catch(() => undefined);
}

/** Loads binaryen (a second, the first time) and opens an empty module. */
export async function openAssembler(shape: ModuleShape): Promise<Assembler> {
  const { default: library } = await import("#binaryen");
  return new Assembler(library, shape);
}

/** A WebAssembly module that is being written. */
export class Assembler implements CodeModule {
  readonly wasm: binaryen.Module;
  private readonly library: Binaryen;
  private readonly relaxed: boolean;
  private readonly imported = new Map<ImportedFunction, number>();
  private readonly defined: string[] = [];

  constructor(library: Binaryen, shape: ModuleShape) {
    this.relaxed = shape.relaxed;
    this.library = library;
    this.wasm = new library.Module();
    const { Features } = library;
    this.wasm.setFeatures(
      Features.SIMD128 |
        Features.BulkMemory |
        Features.BulkMemoryOpt |
        Features.NontrappingFPToInt |
        Features.SignExt |
        (shape.relaxed ? Features.RelaxedSIMD : 0) |
        (shape.shared ? Features.Atomics : 0),
    );
    // Set first: binaryen's loads and stores look for it when they are made.
    this.wasm.setMemory(1, mostPages, null, [], shape.shared);
    this.wasm.addMemoryImport("0", "env", "memory", shape.shared);
    this.wasm.addGlobalImport("arena", "env", "arena", library.i32, false);
  }

  typeOf(type: WasmType): binaryen.Type {
    return this.library[type];
  }

  /** Adds an exported function of i32 parameters without a result. */
  define(name: string, parameters: number, body: (code: FunctionWriter) => void): void {
    const { i32, none, createType } = this.library;
    const code = new FunctionWriter(this, parameters);
    body(code);
    const types = new Array<binaryen.Type>(parameters).fill(i32);
    this.wasm.addFunction(name, createType(types), none, code.localTypes(), code.finish());
    this.wasm.addFunctionExport(name, name);
    this.defined.push(name);
  }

  /** Calls a function defined here; in any order, as names are looked up at the end. */
  call(name: string, operands: readonly Expr[]): Expr {
    return this.wasm.call(name, operands, this.library.none);
  }

  /** Calls `Math[name]`, or another function that the host gives, on doubles. */
  callHost(name: ImportedFunction, operands: readonly Expr[]): Expr {
    const { f64, createType } = this.library;
    if (!this.imported.has(name)) {
      const types = new Array<binaryen.Type>(operands.length).fill(f64);
      this.wasm.addFunctionImport(name, "math", name, createType(types), f64);
      this.imported.set(name, operands.length);
    }
    return this.wasm.call(name, operands, f64);
  }

  dotOfBytes(weights: Expr, words: Expr): Expr {
    invariant(this.relaxed, "an instruction of relaxed SIMD in a module that is to do without");
    return dotOfBytes(this.library, this.wasm, weights, words);
  }

  /** The names that the host must give under `math`. */
  importedFunctions(): readonly ImportedFunction[] {
    return [...this.imported.keys()];
  }

  definedFunctions(): readonly string[] {
    return [...this.defined];
  }

  /** Checks and encodes the module, then lets go of it. `optimise` takes longer for fewer bytes. */
  finish(optimise: boolean): Uint8Array {
    invariant(this.wasm.validate() === 1, "the generated WebAssembly is not valid");
    if (optimise) {
      this.library.setOptimizeLevel(2);
      this.library.setShrinkLevel(0);
      this.wasm.optimize();
    }
    const bytes = this.wasm.emitBinary();
    this.wasm.dispose();
    return bytes;
  }
}
