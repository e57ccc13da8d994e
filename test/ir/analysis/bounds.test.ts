/** Proven bounds: by hand on small networks, and that no run of a random one leaves them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { integerBounds, requireSafeTimesteps } from "../../../ir/analysis/bounds.ts";
import { DiagnosticError, known } from "../../../ir/diagnostic.ts";
import { interpret } from "../../../ir/interpret.ts";
import { type Module, opsOf } from "../../../ir/module.ts";
import type { OpKind, ValueId } from "../../../ir/op/op.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { isFloat } from "../../../ir/type.ts";
import { verify } from "../../../ir/verify.ts";
import { integerFrames, integerNetworks } from "../../random/integer.ts";
import type { RandomNetwork } from "../../random/module.ts";
import { wordNetworks } from "../../random/words.ts";

/** i8 → two weights and a bias → neuron → read-out, with these parts. */
function network({
  weight = "3, -2",
  bias = "5",
  threshold = "4",
  vInit = "-1",
  reset = "subtract",
} = {}): Module {
  return parseModule(
    `module @bounds attributes {code = "rate", timesteps = 4, properties = ["integer"]} {
  %0 = ann.input() {name = "x"} : real<i8>[1, 2]
  %1 = ann.linear(%0) {weight = @w, bias = @b} : real<i32>[1, 1]
  %2 = snn.if(%1) {threshold = @theta, vInit = @v, amplitude = @one, reset = "${reset}"} : spike<i8>[1, 1]
  %3 = ann.linear(%2) {weight = @out, bias = none} : current<i32>[1, 1]
  %4 = snn.readout(%3) {start = 0} : real[1, 1]
  ann.output(%4) {name = "y"}
}
tensors {
  @w = i8[1, 2] dense<[${weight}]>
  @b = i32[1] dense<[${bias}]>
  @theta = i32[] dense<${threshold}>
  @v = i32[] dense<${vInit}>
  @one = i8[] dense<1>
  @out = i8[1, 1] dense<-7>
}
`,
    { file: "bounds.snnir" },
  );
}

/** A loop through neurons, or one in which 7 is added each time it goes round. */
function loop(carried: "%2" | "%3"): Module {
  const type = carried === "%3" ? "spike<i8>" : "real<i32>";
  return parseModule(
    `module @loop attributes {code = "rate", timesteps = 4, properties = []} {
  %0 = ann.input() {name = "x"} : real<i8>[1]
  %1 = snn.previous() {initial = @start, domain = "${type.startsWith("spike") ? "spike" : "real"}"} : ${type}[1]
  %2 = ann.${carried === "%3" ? "linear(%1) {weight = @w, bias = none} : current<i32>[1]" : "affine(%1) {scale = @one, shift = @seven} : real<i32>[1]"}
  %3 = snn.if(%2) {threshold = @theta, vInit = @theta, amplitude = @two, reset = "subtract"} : spike<i8>[1]
  %4 = snn.readout(%3) {start = 0} : real[1]
  snn.carry(${carried}, %1)
  ann.output(%4) {name = "y"}
}
tensors {
  @start = ${carried === "%3" ? "i8" : "i32"}[1] dense<[-3]>
${carried === "%3" ? "  @w = i8[1, 1] dense<5>" : "  @one = i8[] dense<1>\n  @seven = i32[] dense<7>"}
  @theta = i32[] dense<4>
  @two = i8[] dense<2>
}
`,
    { file: "loop.snnir" },
  );
}

function resultOf(module: Module, kind: OpKind, index = 0): ValueId {
  return known(opsOf(module, kind)[index], kind).result;
}

function codesOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map(({ code }) => code);
    throw error;
  }
  return [];
}

describe("integer bounds", () => {
  it("are those of weights, biases and element types", () => {
    const module = network();
    const { values, partialSums, neurons } = integerBounds(module);
    const current = resultOf(module, "ann.linear");
    // 3 · [−128, 127] − 2 · [−128, 127] + 5
    expect(values.get(current)).toEqual({ low: -384 - 254 + 5, high: 381 + 256 + 5 });
    expect(partialSums.get(current)).toBe(381 + 256 + 5);
    expect(values.get(resultOf(module, "snn.if"))).toEqual({ low: 0, high: 1 });
    expect(values.get(resultOf(module, "ann.linear", 1))).toEqual({ low: -7, high: 0 });
    expect(partialSums.get(resultOf(module, "ann.linear", 1))).toBe(7);
    const neuron = known(neurons.get(resultOf(module, "snn.if")), "a neuron");
    expect(neuron.current).toEqual({ low: -633, high: 642 });
    expect(neuron.partialSum).toBe(642);
    // Down by 633 a step from −1; up from 4 by 642, of which a spike takes 4 away.
    expect(neuron.potential(1)).toEqual({ low: -634, high: 646 });
    expect(neuron.potential(3)).toEqual({ low: -1 - 3 * 633, high: 646 + 2 * 638 });
    expect(neuron.timesteps).toBe(Math.floor((2 ** 31 - 1 - 646) / 638) + 1);
  });

  it("let nothing pile up above the threshold where the reset is to zero", () => {
    const module = network({ reset: "zero", weight: "1, 1", bias: "300" });
    const neuron = known(integerBounds(module).neurons.get(resultOf(module, "snn.if")), "one");
    expect(neuron.potential(1000)).toEqual({ low: -1, high: 4 + 554 });
    expect(neuron.timesteps).toBe(Infinity);
  });

  it("know what graded neurons send, and what piles up in them", () => {
    const graded = (sign: string, bits: number, ceiling = "none", shares = ""): Module =>
      parseModule(
        `module @graded attributes {code = "burst", timesteps = 4, properties = []} {
  %0 = ann.input() {name = "x"} : real<i8>[1, 2]
  %1 = ann.linear(%0) {weight = @w, bias = none} : real<i32>[1, 1]
  %2 = snn.temporal-bias(%1) {table = @table} : current<i32>[1, 1]
  %3 = snn.graded(%2) {threshold = @theta, vInit = @v, amplitude = @two, ceiling = ${ceiling}, bits = ${bits}, alphabet = "word", sign = "${sign}", ${shares === "" ? `schedule = "constant", shares = none` : `schedule = "table", shares = @shares`}} : spike<i32>[1, 1]
  %4 = snn.readout(%3) {start = 0} : real[1, 1]
  ann.output(%4) {name = "y"}
}
tensors {
  @w = i8[1, 2] dense<[3, -2]>
  @table = i32[2] dense<[5, -7]>
  @theta = i32[] dense<100>
  @v = i32[] dense<20>
  @two = i32[] dense<2>
${shares === "" ? "" : `  @shares = i32[3] dense<[${shares}]>\n`}}
`,
        { file: "bounds.snnir" },
      );
    const current = { low: -638 - 7, high: 637 + 5 };
    const of = (module: Module) =>
      known(integerBounds(module).neurons.get(resultOf(module, "snn.graded")), "neurons");
    const free = graded("free", 3);
    expect(of(free).current).toEqual(current);
    expect(integerBounds(free).values.get(resultOf(free, "snn.graded"))).toEqual({
      low: -14,
      high: 14,
    });
    // Seven steps of 100 are more than comes in: half a step is left at most, then one current.
    expect(of(free).potential(1000)).toEqual({ low: -50 - 645, high: 50 + 642 });
    expect(of(free).timesteps).toBe(Infinity);
    // Three steps are not: 342 stay the first time, 330 each time after it. Nothing negative is sent.
    const few = graded("positive", 2);
    expect(integerBounds(few).values.get(resultOf(few, "snn.graded"))).toEqual({ low: 0, high: 6 });
    expect(of(few).potential(1)).toEqual({ low: -50 - 633, high: 50 + 642 });
    expect(of(few).potential(3)).toEqual({ low: -50 - 633 - 2 * 645, high: 50 + 342 + 330 + 630 });
    expect(of(few).timesteps).toBe(1 + Math.floor((2 ** 31 - 50 - 50 - 633) / 645));
    // The total that was sent is kept as well, 630 more a timestep at most; all of 645 may stay below it.
    expect(of(graded("retract", 3)).timesteps).toBe(
      1 + Math.floor((2 ** 31 - 50 - 50 - 633) / 645),
    );
    // Steps of 800, 300, 100 and so on: three of 800 are more than comes in, three of 300 nearly so.
    const table = graded("free", 2, "none", "8, 3, 1");
    expect(integerBounds(table).values.get(resultOf(table, "snn.graded"))).toEqual({
      low: -48,
      high: 48,
    });
    expect(of(table).potential(1)).toEqual({ low: -400 - 633, high: 400 + 642 });
    expect(of(table).potential(3)).toEqual({ low: -400 - 645, high: 400 + 642 });
    // Half of 300 is left, then as little is sent as in every later step.
    expect(of(table).potential(9)).toEqual({
      low: -150 - 645 - 6 * 345,
      high: 150 + 630 + 6 * 330,
    });
    expect(of(graded("retract", 2, "none", "8, 3, 1")).timesteps).toBe(
      1 + Math.floor((2 ** 31 - 400 - 400 - 633) / 645),
    );
  });

  it("know that what stays the same differs from itself by nothing", () => {
    const module = parseModule(
      `module @still attributes {code = "differential", timesteps = 4, properties = []} {
  %0 = ann.input() {name = "x"} : real<i8>[1, 2]
  %1 = ann.linear(%0) {weight = @w, bias = none} : real<i32>[1, 1]
  %2 = snn.difference(%1) {} : current<i32>[1, 1]
  %3 = snn.graded(%2) {threshold = @theta, vInit = @v, amplitude = @one, ceiling = none, bits = 1, alphabet = "word", sign = "free", schedule = "constant", shares = none} : spike<i32>[1, 1]
  %4 = snn.accumulate(%3) {} : real[1, 1]
  ann.output(%4) {name = "y"}
}
tensors {
  @w = i8[1, 2] dense<[3, -2]>
  @theta = i32[] dense<100>
  @v = i32[] dense<0>
  @one = i32[] dense<1>
}
`,
      { file: "still.snnir" },
    );
    const { values, neurons, timesteps } = integerBounds(module);
    expect(values.get(resultOf(module, "snn.difference"))).toEqual({ low: -638, high: 637 });
    const neuron = known(neurons.get(resultOf(module, "snn.graded")), "neurons");
    expect(neuron.potential(1000)).toEqual({ low: -50 - 638, high: 50 + 637 });
    expect(timesteps).toBe(Infinity);
  });

  it("keep leaky neurons between what they start from and their currents", () => {
    const leaky = parseModule(
      `module @leaky attributes {code = "rate", timesteps = 4, properties = []} {
  %0 = ann.input() {name = "x"} : real<i8>[1, 2]
  %1 = ann.linear(%0) {weight = @w, bias = @b} : real<i32>[1, 2]
  %2 = snn.lif(%1) {threshold = @theta, vInit = @v, amplitude = @sizes, leak = 0.5, refractory = 1, spikeTime = "step", reset = "subtract"} : spike<i32>[1, 2]
  %3 = snn.accumulate(%2) {} : real[1, 2]
  ann.output(%3) {name = "y"}
}
tensors {
  @w = i8[2, 2] dense<[2, 0, 0, 1]>
  @b = i32[2] dense<[100, 0]>
  @theta = i32[] dense<4>
  @v = i32[2] dense<[900, 7]>
  @sizes = i32[2] dense<[-3, 5]>
}
`,
      { file: "leaky.snnir" },
    );
    const { values, neurons, timesteps } = integerBounds(leaky);
    expect(values.get(resultOf(leaky, "snn.lif"))).toEqual({ low: -3, high: 5 });
    const neuron = known(neurons.get(resultOf(leaky, "snn.lif")), "neurons");
    expect(neuron.potential(1000)).toEqual({ low: -156, high: 900 });
    expect(timesteps).toBe(Infinity);
  });

  describe("of frames", () => {
    const framed = (neuron: string, code: string, tensors: string): Module =>
      parseModule(
        `module @framed attributes {code = "${code}", timesteps = 6, properties = []} {
  %0 = ann.input() {name = "x"} : real<i8>[1, 1]
  %1 = ann.linear(%0) {weight = @w, bias = @b} : real<i32>[1, 1]
  %2 = snn.difference(%1) {} : current<i32>[1, 1]
  %3 = ${neuron} : spike<i32>[1, 1]
  %4 = snn.accumulate(%3) {} : real[1, 1]
  ann.output(%4) {name = "y"}
}
tensors {
  @w = i8[1, 1] dense<2>
  @b = i32[1] dense<100>
${tensors}}
`,
        { file: "framed.snnir" },
      );
    const of = (module: Module) => {
      const { result } = known(opsOf(module, "snn.few-spikes", "snn.ttfs")[0], "neurons");
      const { values, neurons, timesteps } = integerBounds(module);
      return {
        current: values.get(resultOf(module, "snn.difference")),
        spikes: values.get(result),
        potential: known(neurons.get(result), "neurons").potential(99),
        timesteps,
      };
    };
    // 2 · [−128, 127] + 100 at first, and any of these less any other.
    const current = { low: -510, high: 510 };

    it("sum up what neurons of few spikes may send, and leave in them", () => {
      const attrs = "threshold = @theta, reset = @reset, amplitude = @a, vInit = @v";
      const tables = (reset: string): string => `  @theta = i32[2, 1] dense<[400, 200]>
  @reset = i32[2, 1] dense<[${reset}]>
  @a = i32[2, 1] dense<[-7, 9]>
  @v = i32[] dense<5>
`;
      const few = (reset: string): Module =>
        framed(`snn.few-spikes(%2) {${attrs}}`, "few-spikes", tables(reset));
      expect(of(few("300, 900"))).toEqual({
        current,
        spikes: { low: -7, high: 9 },
        // From 515 at most; 900 less than 200 at least at the end.
        potential: { low: -700, high: 515 },
        timesteps: Infinity,
      });
      const over = few(`-${2 ** 31 - 1}, 0`);
      expect(of(over).timesteps).toBe(0);
      expect(codesOf(() => requireSafeTimesteps(over, 1))).toEqual(["integer-overflow"]);
    });

    it("know how early a first spike may come", () => {
      const attrs = 'threshold = @q, vInit = @v, amplitude = @a, resolution = "tick"';
      const first = (vInit: number): Module =>
        framed(
          `snn.ttfs(%2) {${attrs}}`,
          "ttfs",
          `  @q = i32[] dense<3>\n  @v = i32[] dense<${vInit}>\n  @a = i32[1] dense<-7>\n`,
        );
      expect(of(first(5))).toEqual({
        current,
        spikes: { low: -42, high: 0 },
        potential: { low: -505, high: 515 },
        timesteps: Infinity,
      });
      expect(of(first(2 ** 31 - 510)).timesteps).toBe(0);
      expect(of(first(2 ** 31 - 511)).timesteps).toBe(Infinity);
    });
  });

  it("refuse runs of more timesteps than are proven", async () => {
    const module = network({ bias: String(2 ** 28) });
    const { timesteps } = integerBounds(module);
    // 8 · (2²⁸ + 637) − 7 · 4 is above 2³¹.
    expect(timesteps).toBe(7);
    expect(codesOf(() => requireSafeTimesteps(module, 7))).toEqual([]);
    expect(codesOf(() => requireSafeTimesteps(module, 8))).toEqual(["integer-timesteps"]);
    for (const engine of [interpretEngine, singleThreadEngine]) {
      const executable = await engine.load(module, { threads: 1 });
      await expect(
        executable.run({ count: 0, get: () => [] }, { timesteps: 8 }),
      ).rejects.toMatchObject({ diagnostics: [{ code: "integer-timesteps" }] });
      await executable.run({ count: 0, get: () => [] }, { timesteps: 7 });
    }
  });

  it("refuse currents that one timestep may overflow", () => {
    const module = network({ bias: String(2 ** 31 - 1) });
    expect(integerBounds(module).timesteps).toBe(0);
    expect(codesOf(() => requireSafeTimesteps(module, 1))).toEqual(["integer-overflow"]);
  });

  /** That no probed value of a run leaves what is proved of it. */
  function expectWithin({ module, inputs }: RandomNetwork, run: number): void {
    const { values, neurons } = integerBounds(module);
    const over = module.ops.filter(({ type }) => !isFloat(type.dtype));
    const { probes } = interpret(module, inputs, {
      timesteps: run,
      probes: [
        ...over.map(({ result }) => ({ value: result, keep: "trace" as const })),
        ...[...neurons.keys()].map((value) => ({ value, keep: "state" as const })),
      ],
    });
    const intervals = [
      ...over.map(({ result }) => known(values.get(result), "an interval")),
      ...[...neurons.values()].map((neuron) => neuron.potential(run)),
    ];
    probes.forEach((data, i) => {
      const { low, high } = known(intervals[i], "an interval");
      expect(data.some((x) => x < low || x > high)).toBe(false);
    });
  }

  it("hold for every run of a random network", () => {
    fc.assert(
      fc.property(fc.oneof(integerNetworks(), integerFrames()), (network) => {
        const { module } = network;
        expect(verify(module)).toEqual([]);
        expect(integerBounds(module).timesteps).toBeGreaterThanOrEqual(module.timesteps);
        expectWithin(network, module.timesteps);
      }),
      { numRuns: 200 },
    );
  });

  it("hold for words of steps that change over time", () => {
    fc.assert(fc.property(wordNetworks(), fc.integer({ min: 1, max: 6 }), expectWithin), {
      numRuns: 25,
    });
  });
});

describe("bounds of what comes back", () => {
  it("hold the initial value, and what neurons send", () => {
    const module = loop("%3");
    expect(verify(module)).toEqual([]);
    const { values } = integerBounds(module);
    expect(values.get(resultOf(module, "snn.previous"))).toEqual({ low: -3, high: 2 });
    expect(values.get(resultOf(module, "ann.linear"))).toEqual({ low: -15, high: 10 });
  });

  it("are those of the type where sums go round, and such a network is refused", () => {
    const module = loop("%2");
    expect(verify(module)).toEqual([]);
    const { values } = integerBounds(module);
    const [low, high] = [-(2 ** 31), 2 ** 31 - 1];
    expect(values.get(resultOf(module, "snn.previous"))).toEqual({ low, high });
    expect(
      codesOf(() => {
        requireSafeTimesteps(module, 1);
      }),
    ).toEqual(["integer-overflow"]);
  });
});
