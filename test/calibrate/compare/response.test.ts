/** What neurons are said to make of a steady current is what their rule makes of it, timestep by timestep. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { responseOf } from "../../../calibrate/compare/response.ts";
import { Builder } from "../../../ir/build.ts";
import { type Code, type Module, opsOf } from "../../../ir/module.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { OpOf, ValueId } from "../../../ir/op/op.ts";
import { cellOf } from "../../../ir/semantics/spiking.ts";
import { f, loc } from "../../ir/one-op.ts";

/** Multiples of a sixteenth, so that every sum is exact in float32, and a tie is a tie for all. */
const sixteenths = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min: min * 16, max: max * 16 }).map((n) => n / 16);

const neuron = fc.record({
  z: sixteenths(-3, 9),
  // Powers of two, so that quotients are exact too.
  threshold: fc.constantFrom(0.25, 0.5, 1, 2),
  amplitude: fc.constantFrom(0.5, 1, 3),
  vInit: sixteenths(-3, 3),
});
/** The same, as conversions start them: half a step below 0 at least, and a step above it at most. */
const started = fc
  .tuple(neuron, fc.integer({ min: -8, max: 16 }))
  .map(([each, share]) => ({ ...each, vInit: (share / 16) * each.threshold }));
const population = fc.record({
  neurons: fc.oneof(
    fc.array(neuron, { minLength: 1, maxLength: 6 }),
    fc.array(started, { minLength: 1, maxLength: 6 }),
  ),
  timesteps: fc.integer({ min: 1, max: 12 }),
});

type Parameters = Readonly<Record<"threshold" | "amplitude" | "vInit", string>>;

/** A module that is one population, each neuron with parameters of its own. */
function moduleOf(
  neurons: readonly (typeof neuron extends fc.Arbitrary<infer N> ? N : never)[],
  code: Code,
  add: (builder: Builder, x: ValueId, parameters: Parameters) => ValueId,
): Module {
  const builder = new Builder();
  const shape = [neurons.length];
  const x = builder.input("x", { domain: "current", dtype: "f32", shape }, loc);
  const tensor = (name: "threshold" | "amplitude" | "vInit"): string =>
    builder.tensor(
      name,
      f(
        shape,
        neurons.map((each) => each[name]),
      ),
    );
  const parameters = {
    threshold: tensor("threshold"),
    amplitude: tensor("amplitude"),
    vInit: tensor("vInit"),
  };
  const y = add(builder, x, parameters);
  return builder.finish({ name: "t", code, outputs: [{ name: "y", value: y }] });
}

/** The mean over time of what the reference's own neurons send. */
function meansOf(
  op: OpOf<"snn.if" | "snn.graded">,
  module: Module,
  z: readonly number[],
  timesteps: number,
): readonly number[] {
  const cell = cellOf(op, [z.length], (ref) => known(module.tensors.get(ref), ref));
  const total = z.map(() => 0);
  for (let t = 0; t < timesteps; t++) {
    cell.step(f([z.length], z)).data.forEach((y, i) => {
      total[i] = (total[i] ?? 0) + y;
    });
  }
  return total.map((sum) => sum / timesteps);
}

function expectAgreement(
  op: OpOf<"snn.if" | "snn.graded">,
  module: Module,
  z: readonly number[],
  timesteps: number,
): void {
  const found = responseOf(op, module, timesteps).respond(z);
  meansOf(op, module, z, timesteps).forEach((mean, i) => {
    expect(found[i]).toBeCloseTo(mean, 12);
  });
}

describe("the response to a steady current", () => {
  it.each(["subtract", "zero"] as const)("of binary neurons is the rule's: %s", (reset) => {
    fc.assert(
      fc.property(population, ({ neurons, timesteps }) => {
        const module = moduleOf(neurons, "rate", (builder, x, parameters) =>
          builder.add("snn.if", [x], { ...parameters, reset }, loc),
        );
        const [op] = opsOf(module, "snn.if");
        const z = neurons.map((each) => each.z);
        expectAgreement(known(op, "a neuron"), module, z, timesteps);
      }),
    );
  });

  it("of graded neurons is the rule's", () => {
    const kind = fc.record({
      bits: fc.integer({ min: 1, max: 3 }),
      alphabet: fc.constantFrom("word" as const, "power" as const),
      sign: fc.constantFrom("positive" as const, "retract" as const, "free" as const),
    });
    fc.assert(
      fc.property(population, kind, ({ neurons, timesteps }, { bits, alphabet, sign }) => {
        const shared = { ceiling: null, schedule: "constant", shares: null } as const;
        const module = moduleOf(neurons, "signed-rate", (builder, x, parameters) =>
          builder.add("snn.graded", [x], { ...parameters, ...shared, bits, alphabet, sign }, loc),
        );
        const [op] = opsOf(module, "snn.graded");
        const z = neurons.map((each) => each.z);
        expectAgreement(known(op, "a neuron"), module, z, timesteps);
      }),
    );
  });
});
