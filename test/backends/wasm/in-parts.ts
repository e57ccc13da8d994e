/**
 * Runs each step of a program part by part, as threads that share a sample do between two waits, but
 * one after the other: what a part leaves to another, or does twice, shows in the result.
 */
import { invariant, known } from "../../../ir/diagnostic.ts";
import { type CompileOptions, compileProgram } from "../../../backends/wasm/compile.ts";
import { Instance, createMemory } from "../../../backends/wasm/runtime/instance.ts";
import { arenaAddress } from "../../../backends/wasm/program.ts";
import { compileOptionsOf } from "../../../backends/wasm/request.ts";
import type { Module } from "../../../ir/module.ts";
import { type Tensor, type TensorData, allocate } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";

/** The first output at each timestep, computed in so many parts. */
export async function outputInParts(
  module: Module,
  inputs: readonly Tensor[],
  parts: number,
  timesteps = 3,
  forced: Partial<CompileOptions> = {},
): Promise<TensorData> {
  const asked = compileOptionsOf(module, { timesteps });
  const options = { ...asked, shared: parts > 1, tiles: parts, ...forced };
  const program = await compileProgram(module, options);
  const compiled = await WebAssembly.compile(program.binary);
  const memory = createMemory(program);
  const instance = new Instance(program, compiled, memory, { arena: 0, part: 0, parts: 1 });
  instance.give(inputs.map(({ data }) => data));
  const arena = new WebAssembly.Global({ value: "i32", mutable: false }, arenaAddress(program, 0));
  const math: WebAssembly.ModuleImports = {};
  for (const name of program.math) {
    const found: unknown = Reflect.get(Math, name);
    invariant(typeof found === "function", name);
    math[name] = (...operands: number[]) => Number(Reflect.apply(found, Math, operands));
  }
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory, arena }, math });
  for (const [name, step] of Object.entries(exports)) {
    if (!name.includes(": ") || typeof step !== "function") continue;
    // The last part first: what it needs of the others is not there yet.
    for (let part = parts - 1; part >= 0; part--) Reflect.apply(step, undefined, [part, parts, 0]);
  }
  const { at, value } = known(program.outputs[0], "an output");
  const { dtype, shape } = known(
    module.ops.find(({ result }) => result === value),
    "an op",
  ).type;
  const size = elementCount(shape);
  const all = allocate(dtype, size * program.steps);
  for (let step = 0; step < program.steps; step++) instance.read(at, step, all, step * size);
  return all;
}
