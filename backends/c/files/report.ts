/** What there is to say about a program: its sizes, its layers, and how its numbers are to be read. */
import { intervalOf } from "../../../ir/analysis/interval.ts";
import { known } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import { tensorAt } from "../../../ir/module.ts";
import { isOp } from "../../../ir/op/op.ts";
import { type Shape, elementCount } from "../../../ir/type.ts";
import { bytesOfArray } from "../lower/arrays.ts";
import { scaleOfEncoder } from "../lower/inputs.ts";
import { isInteger } from "../lower/neurons/drive.ts";
import type { Program } from "../lower/program.ts";
import { bytesOf } from "../text/types.ts";
import type { About } from "./about.ts";

interface Port {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
}

interface Range {
  readonly low: number;
  readonly high: number;
}

export interface CReport {
  readonly network: {
    readonly name: string;
    readonly code: string;
    readonly timesteps: number;
    readonly maxTimesteps: number;
    /** What an input counts in: value = unit · (integer − zero). Null where the program takes floats. */
    readonly inputs: readonly (Port & {
      readonly unit: number | null;
      readonly zero: number | null;
    })[];
    readonly outputs: readonly Port[];
    readonly layers: readonly {
      readonly name: string;
      readonly kind: string;
      readonly neurons: number;
      readonly thresholds: Range;
      readonly currents: Range;
      readonly potentials: Range;
      readonly words: Range;
      readonly wordType: string;
    }[];
  };
  readonly sizes: {
    /** Constants: weights, thresholds, tables. */
    readonly constantBytes: number;
    /** Static memory: what is kept, and what layers share. */
    readonly ramBytes: number;
    readonly keptBytes: number;
    readonly scratchBytes: number;
    readonly sourceBytes: number;
  };
  /** Where the program computes in floats: nowhere, for inputs, for outputs. */
  readonly floats: readonly ("input" | "output")[];
}

export function reportOn(program: Program, about: About, source: string): CReport {
  const { lowering, memory, constants, parts } = program;
  const used = new Set(parts.flatMap(({ arrays }) => [...arrays]));
  const constantBytes = total(constants.filter((array) => used.has(array)).map(bytesOfArray));
  const keptBytes = total(memory.kept.map(bytesOfArray)) + (program.isFramed ? 0 : 4);
  const scratchBytes = total([...memory.pools].map(([type, length]) => bytesOf[type] * length));
  const { module } = lowering;
  return {
    network: {
      name: module.name,
      code: module.code,
      timesteps: about.timesteps,
      maxTimesteps: about.maxTimesteps,
      inputs: program.inputs.map(({ name, type, shape, value }) => {
        const op = lowering.opOf(value);
        const scale = isOp(op, "ann.quantize-linear") ? scaleOfEncoder(lowering, op) : null;
        return { name, type, shape, unit: scale?.unit ?? null, zero: scale?.zero ?? null };
      }),
      outputs: program.outputs.map(({ name, type, shape }) => ({ name, type, shape })),
      layers: lowering.neurons.filter(isInteger).map((op) => {
        const bounds = known(lowering.bounds.neurons.get(op.result), "bounds of neurons");
        const { low, high } = bounds.potential(about.maxTimesteps);
        return {
          name: shortName(op.loc),
          kind: op.kind,
          neurons: elementCount(op.type.shape),
          thresholds: intervalOf(tensorAt(module, op.attrs.threshold)),
          currents: bounds.current,
          potentials: { low, high },
          words: lowering.intervalOf(op.result),
          wordType: lowering.typeOf(op.result),
        };
      }),
    },
    sizes: {
      constantBytes,
      ramBytes: keptBytes + scratchBytes,
      keptBytes,
      scratchBytes,
      sourceBytes: new TextEncoder().encode(source).length,
    },
    floats: [
      ...(program.inputs.some(({ type }) => type === "float") ? (["input"] as const) : []),
      ...(program.outputs.some(({ type }) => type === "float") ? (["output"] as const) : []),
    ],
  };
}

export function rowsOf({ sizes, floats, network }: CReport): readonly (readonly string[])[] {
  return [
    ["", "bytes"],
    ["constants (weights, thresholds)", String(sizes.constantBytes)],
    ["memory (static)", String(sizes.ramBytes)],
    ["  kept between timesteps", String(sizes.keptBytes)],
    ["  shared by layers", String(sizes.scratchBytes)],
    ["", ""],
    ["timesteps, and at most", `${network.timesteps}, ${network.maxTimesteps}`],
    ["floats", floats.length === 0 ? "none" : floats.join(" and ")],
  ];
}

function total(bytes: readonly number[]): number {
  return bytes.reduce((sum, each) => sum + each, 0);
}
