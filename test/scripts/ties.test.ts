/** What the bar `graphs` allows engines of floats: other spikes where a neuron is at a tie, and nowhere else. */
import { neuronsOf } from "../../ir/op/known.ts";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Engine, SampleResult } from "../../ir/executable.ts";
import { interpret } from "../../ir/interpret.ts";
import { type Module } from "../../ir/module.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { compare, spikesOf } from "../../scripts/verify/graphs/compare.ts";
import { runOn } from "../../scripts/verify/graphs/run.ts";
import { tieShare, tiesAt } from "../../scripts/verify/graphs/ties.ts";
import { f } from "../ir/one-op.ts";

/** Two neurons of threshold 2 with a constant current each, and their mean after three timesteps. */
const firing = moduleOf(
  'snn.if(%0) {threshold = @two, vInit = @none, amplitude = @two, reset = "subtract"}',
);
/** Two that send words of up to 3 steps of 2. */
const sending = moduleOf(
  'snn.graded(%0) {threshold = @two, vInit = @none, amplitude = @two, ceiling = none, bits = 2, alphabet = "word", sign = "free", schedule = "constant", shares = none}',
);

function moduleOf(neurons: string): Module {
  const text = `module @m attributes {code = "rate", timesteps = 3, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ${neurons} : spike[1, 2]
  %2 = snn.readout(%1) {start = 0} : real[1, 2]
  ann.output(%2) {name = "y"}
}
tensors {
  @two = f32[] dense<[2]>
  @none = f32[] dense<[0]>
}
`;
  return parseModule(text, { file: "m.snnir" });
}

/** The interpreter with its input moved by so much before it begins. */
function moved(by: number, change: (result: SampleResult) => SampleResult = (r) => r): Engine {
  return {
    name: "moved",
    async load(module, options) {
      const inner = await interpretEngine.load(module, options);
      return {
        ...inner,
        run: (samples, given, onSample) => {
          const get = (index: number) =>
            samples.get(index).map(({ shape, data }) =>
              f(
                shape,
                Array.from(data, (x) => x + by),
              ),
            );
          return inner.run({ count: samples.count, get }, given, (r) => onSample?.(change(r)));
        },
      };
    },
  };
}

async function verdictOf(module: Module, input: readonly number[], engine: Engine) {
  const inputs = [f([1, 2], input)];
  const result = await runOn(interpretEngine, module, inputs, spikesOf(module));
  return compare(module, inputs, { engine: interpretEngine, result }, engine);
}

function tiesOf(module: Module, input: readonly number[]): (readonly boolean[])[] {
  const [op] = neuronsOf(module);
  const neuron = known(op, "neurons");
  const probes = [{ value: known(neuron.inputs[0], "a current"), keep: "trace" } as const];
  const { probes: kept } = interpret(module, [f([1, 2], input)], { timesteps: 3, probes });
  const drive = known(kept[0], "a trace");
  return [0, 1, 2].map((t) => tiesAt(module, neuron, drive, t, tieShare));
}

describe("a tie", () => {
  it("is where a potential is within 1e-4 of the threshold, to either side", () => {
    // Potentials before the reset: 1.0001, 2.0002, 1.0002 and so on; 0.9999, 1.9998, 2.9997.
    expect(tiesOf(firing, [1.00009, 0.99991])).toEqual([
      [false, false],
      [true, true],
      [false, false],
    ]);
    expect(tiesOf(firing, [1.0002, 0.9998])).toEqual([
      [false, false],
      [false, false],
      [false, false],
    ]);
  });

  it("is next to any level of neurons that send words", () => {
    // A word goes up at odd potentials: 1, 3 and 5.
    expect(tiesOf(sending, [2.9999, 5.0001])[0]).toEqual([true, true]);
    expect(tiesOf(sending, [2.9, 4])[0]).toEqual([false, false]);
  });
});

describe("engines of floats", () => {
  it("may send otherwise from the first tie on, with the class and counts looked at", async () => {
    // The potential is 2.00001 at the third timestep, and 1.99995 there.
    const verdict = await verdictOf(firing, [0.66667, 0.3], moved(-0.00002));
    expect(verdict).toEqual({ kind: "tie", at: "snn.if", sameClass: true, spikesOff: 1 });
  });

  it("fail where no potential is that near", async () => {
    const verdict = await verdictOf(firing, [1.001, 0.3], moved(-0.002));
    expect(verdict.kind === "different" ? verdict.why : verdict.kind).toMatch(
      /first at timestep 1 in ann\.input %0/,
    );
  });

  it("fail where a spike is another although nothing is counted otherwise", async () => {
    // Both neurons fire once, at one another's timestep.
    const swapped = moved(0, (r) => ({
      ...r,
      probes: r.probes.map((y) => (y.length === 6 && y[0] === 0 ? y.toReversed() : y)),
    }));
    const verdict = await verdictOf(firing, [1.5, 0.7], swapped);
    expect(verdict.kind).toBe("different");
  });

  it("are equal where nothing differs", async () => {
    expect(await verdictOf(firing, [1.5, 0.7], moved(0))).toEqual({ kind: "equal" });
  });
});
