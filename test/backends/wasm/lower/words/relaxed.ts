/**
 * Programs with relaxed SIMD on any host: its one instruction is replaced by a function of plain SIMD that
 * stops where the instruction leaves what it does to the machine. So a program that runs here gives
 * the same on every machine that has the instruction.
 */
import binaryen from "binaryen";
import { compileProgram } from "../../../../../backends/wasm/compile.ts";
import { compileOptionsOf, longestChunk, runTaskOf } from "../../../../../backends/wasm/request.ts";
import { Instance, createMemory } from "../../../../../backends/wasm/runtime/instance.ts";
import { createRunner } from "../../../../../backends/wasm/runtime/runner.ts";
import type { RunOptions, SampleResult } from "../../../../../ir/executable.ts";
import type { Module } from "../../../../../ir/module.ts";
import type { Tensor } from "../../../../../ir/tensor.ts";

/** Stops on an operand of 8 bits, which may be taken for negative, and on pairs that may saturate. */
const model = `
  (func $modelled (param $w v128) (param $x v128) (result v128)
    (local $low v128) (local $high v128) (local $pairs v128)
    (if (i8x16.bitmask (local.get $x)) (then (unreachable)))
    (local.set $low (i32x4.extadd_pairwise_i16x8_s
      (i16x8.extmul_low_i8x16_s (local.get $w) (local.get $x))))
    (local.set $high (i32x4.extadd_pairwise_i16x8_s
      (i16x8.extmul_high_i8x16_s (local.get $w) (local.get $x))))
    (local.set $pairs (i16x8.narrow_i32x4_s (local.get $low) (local.get $high)))
    (if (v128.any_true (v128.or
        (i32x4.ne (local.get $low) (i32x4.extend_low_i16x8_s (local.get $pairs)))
        (i32x4.ne (local.get $high) (i32x4.extend_high_i16x8_s (local.get $pairs)))))
      (then (unreachable)))
    (local.get $pairs))`;

/** The same program without relaxed SIMD, and how often it has the instruction. */
export function withModel(binary: Uint8Array): {
  readonly binary: Uint8Array<ArrayBuffer>;
  readonly instructions: number;
} {
  const given = binaryen.readBinary(binary);
  const text = given.emitText();
  given.dispose();
  let instructions = 0;
  const called = text.replace(/i16x8\.(relaxed_)?dot_i8x16_i7x16_s/g, () => {
    instructions++;
    return "call $modelled";
  });
  const end = called.lastIndexOf(")");
  const changed = binaryen.parseText(`${called.slice(0, end)}${model}\n)`);
  const { SIMD128, BulkMemory, BulkMemoryOpt, NontrappingFPToInt, SignExt } = binaryen.Features;
  changed.setFeatures(SIMD128 | BulkMemory | BulkMemoryOpt | NontrappingFPToInt | SignExt);
  const bytes = new Uint8Array(changed.emitBinary());
  changed.dispose();
  return { binary: bytes, instructions };
}

/** What a program with relaxed SIMD makes of one sample. */
export async function runModelled(
  module: Module,
  inputs: readonly Tensor[],
  options: RunOptions,
): Promise<{ readonly sample: SampleResult; readonly instructions: number }> {
  const form = { shared: false, tiles: 1, longestChunk, relaxed: true };
  const program = await compileProgram(module, compileOptionsOf(module, options, form));
  const { binary, instructions } = withModel(program.binary);
  const compiled = await WebAssembly.compile(binary);
  const place = { arena: 0, part: 0, parts: 1 };
  const instance = new Instance(program, compiled, createMemory(program), place);
  const runner = createRunner(module, instance, runTaskOf(module, options));
  const sample = runner.run({
    ...{ index: 0, given: [], elements: null },
    inputs: inputs.map(({ data }) => data),
  });
  return { sample, instructions };
}
