/** What the loader is told of a program: places in memory and names, and nothing else of ours. */
import { invariant, known } from "../../../ir/diagnostic.ts";
import { type Module, inputsOf, isFramed } from "../../../ir/module.ts";
import { elementCount } from "../../../ir/type.ts";
import { tableBits, tableRows } from "../memory/tables.ts";
import { type ProgramStep, type Program, arenaAddress } from "../program.ts";
import { type Description, formatVersion } from "./loader/description.ts";
import type { Preprocess } from "./loader/api.ts";
import { type BuildProbe, layersOf } from "./names.ts";

export interface DescribeOptions {
  readonly timesteps: number;
  /** For which integers stay within 32 bits; Infinity where there is no end. */
  readonly proven: number;
  readonly probes: readonly BuildProbe[];
  readonly preprocess: Preprocess | null;
  readonly classes: readonly string[] | null;
  readonly sharedFlagAt: number | null;
  readonly segments: WeightImage["segments"];
}

/** `program` runs on WebAssembly alone: it has no tasks of the host. */
export function describeProgram(
  module: Module,
  program: Program,
  options: DescribeOptions,
): Description {
  const { preprocess, classes, timesteps, proven, sharedFlagAt, segments } = options;
  const inputs = inputsOf(module);
  return {
    format: formatVersion,
    name: module.name,
    kind: module.code === "none" ? "ann" : "snn",
    timesteps,
    mostTimesteps: Number.isFinite(proven) ? proven : null,
    frame: isFramed(module.code) ? module.timesteps : null,
    chunk: program.steps,
    classes,
    memory: {
      segments,
      tables: program.tables.map((table) => ({
        ...table,
        values: 2 ** tableBits(table.inputs),
        rows: tableRows(table.inputs),
      })),
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
      at: known(program.inputs[i], `where input ${i} is given`),
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

function callOf(part: ProgramStep): string {
  invariant("call" in part, "a built program has tasks of the host");
  return part.call;
}

/** The constants without what lies between them: their bytes, and where each run of them goes. */
export interface WeightImage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly segments: readonly (readonly [address: number, length: number])[];
}

/** Constants that lie closer than this are one run: they are aligned, and nothing is in between. */
const gap = 64;

/** Tables that the loader fills are no constants: they are many times as large as the weights. */
export function weightImage({ constants }: Pick<Program, "constants">): WeightImage {
  const runs: { address: number; end: number }[] = [];
  const sorted = constants.toSorted((a, b) => a.address - b.address);
  for (const { address, data } of sorted) {
    const last = runs.at(-1);
    if (last !== undefined && address - last.end < gap) last.end = address + data.length;
    else runs.push({ address, end: address + data.length });
  }
  const segments = runs.map(({ address, end }) => [address, end - address] as const);
  const bytes = new Uint8Array(segments.reduce((sum, [, length]) => sum + length, 0));
  let [run, start] = [0, 0];
  for (const { address, data } of sorted) {
    while (address >= known(runs[run], "a run").end && data.length > 0) {
      start += known(segments[run], "a run")[1];
      run++;
    }
    bytes.set(data, start + address - known(runs[run], "a run").address);
  }
  return { bytes, segments };
}
