/** Populations outside of an engine: the same as in one, and moved as the equation says. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import { interpret } from "../../../ir/interpret.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import { type Module, producerOf } from "../../../ir/module.ts";
import { type OpAttrs, type ValueId, isOp } from "../../../ir/op/op.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { groupsAlong } from "../../../passes/correct/layerwise.ts";
import {
  SimulatedPopulation,
  type Recording,
  type BiasTable,
} from "../../../passes/correct/simulate.ts";

const loc = sourceLoc("m.onnx", "/neurons", "Relu");
const shape = [1, 3, 2] as const;
const groups = groupsAlong(shape, 1);

/** An input, biases over time, and neurons; of which kind is up to `neurons`. */
function network(
  rows: readonly (readonly number[])[],
  neurons: (builder: Builder, current: ValueId) => ValueId,
): { readonly module: Module; readonly value: ValueId } {
  const builder = new Builder();
  const x = builder.input("x", { domain: "real", dtype: "f32", shape }, loc);
  const table = builder.tensor("table", tensorOf("f32", [rows.length, 1, 3, 1], rows.flat()));
  const biased = builder.add("snn.temporal-bias", [x], { table }, loc);
  const value = neurons(builder, biased);
  const read = builder.add("snn.readout", [value], { start: 0 }, loc);
  const outputs = [{ name: "y", value: read }];
  const options = { name: "m", code: "burst" as const, timesteps: rows.length, outputs };
  return { module: builder.finish(options), value };
}

function populationOf({ module, value }: ReturnType<typeof network>): SimulatedPopulation {
  const op = producerOf(module, value);
  if (!isOp(op, "snn.if", "snn.graded")) throw new Error("no neurons");
  return new SimulatedPopulation(op, module, groups);
}

const eighths = fc.integer({ min: -24, max: 24 }).map((n) => n / 8);
const positive = fc.integer({ min: 1, max: 16 }).map((n) => n / 8);
const graded = fc.record({
  bits: fc.integer({ min: 1, max: 3 }),
  alphabet: fc.constantFrom<OpAttrs["snn.graded"]["alphabet"]>("word", "power"),
  sign: fc.constantFrom<OpAttrs["snn.graded"]["sign"]>("positive", "retract", "free"),
  ceiling: fc.option(positive),
});
const integrate = fc.record({
  reset: fc.constantFrom<OpAttrs["snn.if"]["reset"]>("subtract", "zero"),
});
const row = fc.array(eighths, { minLength: 3, maxLength: 3 });

describe("a population", () => {
  it("sends what the interpreter says", () => {
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 5 }),
        fc.array(eighths, { minLength: 6, maxLength: 6 }),
        fc.array(positive, { minLength: 3, maxLength: 3 }),
        fc.array(eighths, { minLength: 3, maxLength: 3 }),
        fc.oneof(graded, integrate),
        (rows, x, thresholds, potentials, kind) => {
          const net = network(rows, (builder, current) => {
            const put = (hint: string, values: readonly number[]): string =>
              builder.tensor(hint, tensorOf("f32", [1, 3, 1], values));
            const shared = {
              threshold: put("threshold", thresholds),
              vInit: put("v_init", potentials),
              amplitude: put("amplitude", thresholds),
            };
            if ("reset" in kind) {
              return builder.add("snn.if", [current], { ...shared, reset: kind.reset }, loc);
            }
            const ceiling = kind.ceiling === null ? null : put("ceiling", [1, 2, kind.ceiling]);
            const attrs = {
              ...shared,
              ...kind,
              ceiling,
              schedule: "constant" as const,
              shares: null,
            };
            return builder.add("snn.graded", [current], attrs, loc);
          });
          const timesteps = rows.length;
          const probes = [{ value: net.value, keep: "trace" as const }];
          const ran = interpret(net.module, [tensorOf("f32", shape, x)], { timesteps, probes });
          const trace = known(ran.probes[0], "a trace");
          const currents = Float32Array.from(x);
          const recording: Recording = {
            elements: Int32Array.from({ length: 6 }, (_, i) => i),
            currents: rows.map(() => currents),
          };
          const table: BiasTable = rows.map((each) => Float32Array.from(each));
          const means = populationOf(net).settle(recording, table, [0, 0, 0], 0);
          const wanted = rows.map((_, t) =>
            [0, 1, 2].map(
              (c) => ((trace[t * 6 + 2 * c] ?? 0) + (trace[t * 6 + 2 * c + 1] ?? 0)) / 2,
            ),
          );
          means.forEach((each, t) =>
            each.forEach((mean, c) => expect(mean).toBeCloseTo(wanted[t]?.[c] ?? NaN, 5)),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("moves the bias of each timestep by the error of its mean, and goes on with it", () => {
    const net = network([[0, 0, 0]], (builder, current) => {
      const one = builder.tensor("one", tensorOf("f32", [], [1]));
      const zero = builder.tensor("zero", tensorOf("f32", [], [0]));
      const attrs = { threshold: one, vInit: zero, amplitude: one, reset: "subtract" as const };
      return builder.add("snn.if", [current], attrs, loc);
    });
    // Two elements of channel 0, both given 0.75 at each step: one of channel 2, given 2.
    const currents = Float32Array.of(0.75, 0.75, 2);
    const recording = { elements: Int32Array.of(0, 1, 4), currents: [currents, currents] };
    const table = [new Float32Array(3), new Float32Array(3)];
    const means = populationOf(net).settle(recording, table, [0.75, 0.5, 1], 0.5);
    // t = 1: nothing fires, so the bias rises by 0.375, and with it both fire: 1.125 − 1 is left.
    // t = 2: 0.125 + 0.75 stays below 1: the same rise, and both fire.
    expect(table.map((each) => each[0])).toEqual([0.375, 0.375]);
    expect(means.map((each) => each[0])).toEqual([1, 1]);
    // Nothing was recorded of channel 1, and channel 2 sends what it should.
    expect(table.map((each) => [each[1], each[2]])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    // Now it sends 0.25 too much at each: the bias falls by 0.125, and both still fire at once.
    populationOf(net).settle(recording, table, [0.75, 0.5, 1], 0.5);
    expect(table.map((each) => each[0])).toEqual([0.25, 0.25]);
  });
});
