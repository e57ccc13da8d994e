/** How large a built network is: on the disk, on the wire and in memory. */
import { gzipSync } from "fflate";
import type { Module } from "../../../ir/module.ts";
import { memoryBytes as threadBytes, type Program } from "../program.ts";
import type { Description } from "./loader/description.ts";

interface Size {
  readonly bytes: number;
  /** Compressed as servers do it by default (gzip, level 6). */
  readonly gzipBytes: number;
}

export interface WasmReport {
  readonly network: {
    readonly name: string;
    readonly kind: "snn" | "ann";
    readonly ops: number;
    readonly timesteps: number;
    /** Timesteps that are computed together. */
    readonly chunk: number;
    readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
    readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
    readonly layers: number;
    readonly neurons: number;
    readonly probes: readonly string[];
  };
  readonly sizes: {
    readonly code: Size;
    readonly weights: Size;
    /** The loader's JavaScript, without its types. */
    readonly loader: Size;
    /** What a page loads to run the network: the three above. */
    readonly total: Size;
  };
  /** While running, per thread; weights once, however many threads share them. */
  readonly memory: {
    /** With the tables that are made from them. */
    readonly weightBytes: number;
    readonly arenaBytes: number;
    /** On one thread, in whole pages of 64 KiB. */
    readonly totalBytes: number;
  };
}

const pageBytes = 65_536;

export function reportOn(
  module: Module,
  program: Program,
  description: Description,
  files: ReadonlyMap<string, Uint8Array>,
): WasmReport {
  const { name, kind, timesteps, chunk, inputs, outputs, layers, probes } = description;
  const sizeOf = (...endings: readonly string[]): Size => {
    let [bytes, gzipBytes] = [0, 0];
    for (const [path, content] of files) {
      if (!path.startsWith("model") || !endings.some((ending) => path.endsWith(ending))) continue;
      bytes += content.length;
      gzipBytes += gzipSync(content, { level: 6, mtime: 0 }).length;
    }
    return { bytes, gzipBytes };
  };
  return {
    network: {
      name,
      kind,
      ops: module.ops.length,
      timesteps,
      chunk,
      inputs: inputs.map((each) => ({ name: each.name, shape: each.shape })),
      outputs: outputs.map((each) => ({ name: each.name, shape: each.shape })),
      layers: layers.length,
      neurons: layers.reduce((sum, layer) => sum + layer.neurons, 0),
      probes: probes.map((probe) => probe.name),
    },
    sizes: {
      code: sizeOf(".wasm"),
      weights: sizeOf(".weights"),
      loader: sizeOf(".js"),
      total: sizeOf(".wasm", ".weights", ".js"),
    },
    memory: {
      weightBytes: program.constantBytes,
      arenaBytes: program.arenaBytes,
      totalBytes: Math.ceil(threadBytes(program, 1) / pageBytes) * pageBytes,
    },
  };
}
