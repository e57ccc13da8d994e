/**
 * Words without a division: potentials at, above and below each half of a step, where the nearest word changes,
 * for steps that float32 divides by alone, for the largest of those, and for larger ones.
 */
import binaryen from "binaryen";
import { describe, expect, it } from "vitest";
import { compileProgram } from "../../../../../backends/wasm/compile.ts";
import { lowerNetwork } from "../../../../../backends/wasm/lower/network.ts";
import { compileOptionsOf } from "../../../../../backends/wasm/request.ts";
import { singleThreadWasmEngine } from "../../../../../backends/wasm/runtime/single.ts";
import { interpretEngine } from "../../../../../backends/interpret/engine.ts";
import { dividesByInverse } from "../../../../../backends/wasm/kernels/words/cells.ts";
import type { Probe } from "../../../../../ir/executable.ts";
import { neuronsOf } from "../../../../../ir/op/known.ts";
import { Builder } from "../../../../../ir/build.ts";
import { tensorOf } from "../../../../../ir/tensor.ts";
import { real } from "../../../../../ir/type.ts";
import { loc } from "../../../../ir/one-op.ts";
import { runOn } from "../../compare.ts";
import { runModelled } from "./relaxed.ts";

const signs = ["positive", "free", "retract"] as const;

/** Channels, which come last, for steps; a row for each of their potentials, which are there from the start. */
function neurons(
  steps: readonly number[],
  values: readonly (readonly number[])[],
  bits: number,
  sign: (typeof signs)[number],
  ceilings: readonly number[] | null = null,
  // Without a table, spikes of one bit are masks.
  isTable = true,
) {
  const b = new Builder();
  const rows = values[0]?.length ?? 0;
  const shape = [1, rows, steps.length];
  const byRow = Array.from({ length: rows }, (_, row) => values.map((each) => each[row] ?? 0));
  const x = b.input("x", real("i8", shape), loc);
  const scale = b.tensor("scale", tensorOf("i8", [], [1]));
  const shift = b.tensor("shift", tensorOf("i32", [], [0]));
  const current = b.add("ann.affine", [x], { scale, shift }, loc);
  const attrs = {
    threshold: b.tensor("theta", tensorOf("i32", [steps.length], steps)),
    vInit: b.tensor("v", tensorOf("i32", shape.slice(1), byRow.flat())),
    amplitude: b.tensor("one", tensorOf("i32", [], [1])),
    ceiling: ceilings === null ? null : b.tensor("top", tensorOf("i32", [steps.length], ceilings)),
    bits,
    alphabet: "word",
    sign,
    schedule: isTable ? "table" : "constant",
    shares: isTable ? b.tensor("shares", tensorOf("i32", [1], [1])) : null,
  } as const;
  const begun = b.add("snn.difference", [current], {}, loc);
  const sent = b.add("snn.graded", [begun], attrs, loc);
  const value = b.add("snn.accumulate", [sent], {}, loc);
  const module = b.finish({
    name: "ties",
    code: "differential",
    timesteps: 2,
    outputs: [{ name: "y", value }],
    properties: new Set(["spiking", "integer"]),
  });
  return {
    module,
    inputs: [tensorOf("i8", shape, new Array<number>(values.flat().length).fill(0))],
  };
}

/** One below, at and above each half step, and beyond the last word. */
function potentials(step: number, most: number): number[] {
  return Array.from({ length: 2 * most + 6 }, (_, i) => {
    const half = Math.ceil((i - most - 3 + 0.5) * step);
    return [half - 1, half, half + 1];
  }).flat();
}

describe("words", () => {
  it.each([1, 4, 6])("are the nearest multiples of the step, of %i bits", async (bits) => {
    const most = 2 ** bits - 1;
    const largest = Math.ceil(2 ** 23 / (6 * (most + 2))) - 1;
    expect([dividesByInverse(most, largest), dividesByInverse(most, largest + 1)]).toEqual([
      true,
      false,
    ]);
    const few = Array.from({ length: 33 }, (_, i) => i + 1);
    for (const steps of [
      [...few, 999, 1000, largest - 1, largest],
      [...few, largest + 1, 3_000_001, 3_000_002],
    ]) {
      const values = steps.map((step) => potentials(step, most));
      for (const sign of signs) {
        const { module, inputs } = neurons(steps, values, bits, sign);
        for (const timesteps of [1, 2]) {
          const wanted = await runOn(interpretEngine, module, inputs, { timesteps });
          const found = await runOn(singleThreadWasmEngine, module, inputs, { timesteps });
          expect(found.sample.outputs).toEqual(wanted.sample.outputs);
        }
      }
    }
  });

  it.each([
    { sign: "positive", beyond: 0, isOnce: true },
    { sign: "retract", beyond: 0, isOnce: true },
    { sign: "retract", beyond: 1, isOnce: false },
    { sign: "free", beyond: 0, isOnce: false },
  ] as const)("are found with a quarter where neurons fire once: %o", async (given) => {
    const { sign, beyond, isOnce } = given;
    // What comes is within ±128, and a quarter more has to fit float32.
    const far = 2 ** 22 - 2 - 128 + beyond;
    // Of a step of 1 quotients are as large as what comes.
    const steps = [82_000, 3, 7, 1];
    const values = steps.map((step) => [far, -far, ...potentials(step, 15)]);
    const { module, inputs } = neurons(steps, values, 4, sign);
    const options = { timesteps: 1, countOperations: false };
    const wanted = await runOn(interpretEngine, module, inputs, options);
    const asShorts = await runOn(singleThreadWasmEngine, module, inputs, options);
    const asBytes = await runModelled(module, inputs, options);
    expect(asShorts.sample.outputs).toEqual(wanted.sample.outputs);
    expect(asBytes.sample.outputs).toEqual(wanted.sample.outputs);
    const { lowering } = lowerNetwork(module, compileOptionsOf(module, options));
    const names = lowering.allConstants().map(({ name }) => name);
    expect(names.some((name) => name.includes(" once "))).toBe(isOnce);
  });

  it.each([
    { ceilings: null, expected: [false, true] },
    { ceilings: [900_000, 0, 60], expected: [false, true] },
    { ceilings: [900_000, 0, -1], expected: [true, true] },
  ])("need no correction of steps that potentials cannot go far beyond: %o", async (given) => {
    const { ceilings, expected } = given;
    const most = 15;
    const largest = 2 ** 22;
    const isCorrected = async (far: number): Promise<boolean> => {
      // What comes is within ±128, and a step that was too large by half may be taken back.
      const silent = largest / 2 - 129 + far;
      const near = potentials(300_001, 0);
      const small = near.map((_, i) => [silent, -silent, 0][i % 3] ?? 0);
      const values = [near, small, near.map((_, i) => i)];
      let corrected = false;
      for (const sign of signs) {
        const { module, inputs } = neurons([300_001, largest, 7], values, 4, sign, ceilings);
        const wanted = await runOn(interpretEngine, module, inputs, { timesteps: 2 });
        const found = await runOn(singleThreadWasmEngine, module, inputs, { timesteps: 2 });
        expect(found.sample.outputs).toEqual(wanted.sample.outputs);
        const program = await compileProgram(module, compileOptionsOf(module, { timesteps: 2 }));
        const read = binaryen.readBinary(program.binary);
        // What corrects a word compares what it leaves.
        corrected ||= read.emitText().includes("i32x4.ge_s");
        read.dispose();
      }
      return corrected;
    };
    expect(2 ** 23 / (6 * (most + 2))).toBeLessThan(300_001);
    expect([await isCorrected(0), await isCorrected(1)]).toEqual(expected);
  });

  it.each([
    { bits: 1, isTable: false },
    { bits: 1, isTable: true },
    { bits: 4, isTable: true },
  ])("end at ceilings, those below 0 among them: %o", async ({ bits, isTable }) => {
    const ceilings = Array.from({ length: 24 }, (_, i) => 2 * i - 17);
    const steps = ceilings.map((_, i) => 1 + (i % 3));
    const values = steps.map(() => Array.from({ length: 41 }, (_, i) => i - 20));
    for (const sign of signs) {
      const { module, inputs } = neurons(steps, values, bits, sign, ceilings, isTable);
      const probes = neuronsOf(module).map(({ result }): Probe => {
        return { value: result, keep: "trace" };
      });
      // Of words that come once it depends on ceilings whether any are negative.
      for (const timesteps of [1, 4]) {
        const options = { timesteps, probes, countOperations: false };
        const wanted = await runOn(interpretEngine, module, inputs, options);
        const asShorts = await runOn(singleThreadWasmEngine, module, inputs, options);
        const asBytes = await runModelled(module, inputs, options);
        for (const { sample } of [asShorts, asBytes]) {
          expect(sample.probes, sign).toEqual(wanted.sample.probes);
          expect(sample.outputs, sign).toEqual(wanted.sample.outputs);
        }
      }
    }
  });
});
