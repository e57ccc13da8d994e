/** What the loader is told of a program: places in memory and names, and nothing else of ours. */
import { invariant, known } from "../../../ir/diagnostic.ts";
import { type Module, inputsOf } from "../../../ir/module.ts";
import { elementCount } from "../../../ir/type.ts";
import { type Part, type Program, arenaAddress } from "../program.ts";
import { type Description, formatVersion } from "./loader/description.ts";
import type { Preprocess } from "./loader/api.ts";
import { type BuildProbe, layersOf } from "./names.ts";

export interface DescribeOptions {
  readonly timesteps: number;
  readonly probes: readonly BuildProbe[];
  readonly preprocess: Preprocess | null;
  readonly classes: readonly string[] | null;
  readonly sharedFlagAt: number | null;
}

/** `program` runs on WebAssembly alone: it has no tasks of the host. */
export function describeProgram(
  module: Module,
  program: Program,
  options: DescribeOptions,
): Description {
  const { preprocess, classes, timesteps, sharedFlagAt } = options;
  const inputs = inputsOf(module);
  return {
    format: formatVersion,
    name: module.name,
    kind: module.code === "none" ? "ann" : "snn",
    timesteps,
    chunk: program.steps,
    classes,
    memory: {
      weightBytes: program.constantBytes,
      arenaStart: arenaAddress(program, 0),
      arenaBytes: program.arenaBytes,
      sharedFlagAt,
    },
    math: program.math,
    begin: program.begin.map(callOf),
    each: program.each.map(callOf),
    count: program.count.map(callOf),
    counts: program.counts?.at ?? null,
    inputs: inputs.map((op, i) => ({
      name: op.attrs.name,
      shape: op.type.shape,
      preprocess: inputs.length === 1 ? preprocess : null,
      at: program.inputs[i] ?? null,
    })),
    outputs: program.outputs.map(({ name, at }) => ({ name, shape: at.shape, at })),
    layers: layersOf(module).map(({ name, op }) => ({
      name,
      shape: op.type.shape,
      neurons: elementCount(op.type.shape),
    })),
    probes: options.probes.map(({ name, op, keeps }) => {
      const places = keeps === "membrane" ? program.traces : program.kept;
      const at = known(places.get(op.result), `where %${op.result} is kept`);
      return { name, keeps, shape: at.shape, at };
    }),
  };
}

function callOf(part: Part): string {
  invariant("call" in part, "a built program has tasks of the host");
  return part.call;
}

/** The constants as one image of memory from address 0. */
export function weightImage(program: Program): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(program.constantBytes);
  for (const { address, data } of program.constants) image.set(data, address);
  return image;
}
