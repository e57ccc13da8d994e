/** Energy is counts times a stated table, with nothing left out in silence; worked out by hand. */
import { describe, expect, it } from "vitest";
import {
  energyCaveat,
  energyTablesFor,
  estimateEnergy,
  ownEnergy,
  workOf,
} from "../../calibrate/energy.ts";
import { evaluate } from "../../calibrate/evaluate.ts";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { accountOf } from "../../ir/account/account.ts";
import { noOperations, operations } from "../../ir/account/operations.ts";
import type { Work } from "../../ir/account/work.ts";
import type { Module } from "../../ir/module.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { tensorOf } from "../../ir/tensor.ts";

const tensors = `tensors {
  @one = f32[] dense<[1]>
  @zero = f32[] dense<[0]>
  @square = f32[2, 2] dense<[1, 0, 0, 1]>
  @tall = f32[3, 2] dense<[1, 1, 1, 1, 1, 1]>
  @halves = f32[3, 1] dense<[1, 0.5, 0.25]>
  @thirds = f32[2] dense<[1, 0.3]>
}
`;

const ann = parseModule(
  `module @ann attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.linear(%0) {weight = @square, bias = none} : real[1, 2]
  %2 = ann.relu(%1) : real[1, 2]
  %3 = ann.linear(%2) {weight = @tall, bias = none} : real[1, 3]
  ann.output(%3) {name = "y"}
}
${tensors}`,
  { file: "ann" },
);

/** The same with neurons in place of the rectifier. */
function spiking(neuron: string, code = "differential", timesteps = 2): Module {
  return parseModule(
    `module @snn attributes {code = "${code}", timesteps = ${timesteps}, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.linear(%0) {weight = @square, bias = none} : real[1, 2]
  %2 = snn.difference(%1) : current[1, 2]
  %3 = ${neuron} : spike[1, 2]
  %4 = ann.linear(%3) {weight = @tall, bias = none} : current[1, 3]
  %5 = snn.accumulate(%4) : real[1, 3]
  ann.output(%5) {name = "y"}
}
${tensors}`,
    { file: "snn" },
  );
}

function graded(bits: number, schedule: string, shares = "none", sign = "positive"): string {
  return `snn.graded(%2) {threshold = @one, vInit = @zero, amplitude = @one, ceiling = none, bits = ${bits}, alphabet = "word", sign = "${sign}", schedule = "${schedule}", shares = ${shares}}`;
}

const fewSpikes = `snn.few-spikes(%2) {threshold = @halves, reset = @halves, amplitude = @halves, vInit = @zero}`;
const firstSpike = (resolution: string): string =>
  `snn.ttfs(%2) {threshold = @one, vInit = @zero, amplitude = @one, resolution = "${resolution}"}`;

async function evaluated(module: Module, timesteps: number) {
  const executable = await interpretEngine.load(module, { threads: 1 });
  const samples = { count: 1, get: () => [tensorOf("f32", [1, 2], [3, 0])] };
  return evaluate(executable, samples, null, { timesteps });
}

const tablesOf = (module: Module, timesteps: number) =>
  energyTablesFor({ account: accountOf(module), timesteps: [timesteps] });

describe("the work of a sample", () => {
  it("of an ANN is its products and its activations, once", async () => {
    expect(workOf(await evaluated(ann, 1))).toEqual({
      input: operations({ multiplyAccumulates: 4 + 6 }),
      real: noOperations,
      events: noOperations,
      bits: noOperations,
      neurons: noOperations,
      other: operations({ comparisons: 2 }),
    });
  });

  it("of an SNN has events or bits, and all that neurons and decoders do", async () => {
    // One word of 3, two bits, to three weights; the other neuron, and the second timestep, are silent.
    const work = workOf(await evaluated(spiking(graded(2, "halving")), 2));
    expect(work).toEqual({
      input: operations({ multiplyAccumulates: 4 }),
      real: noOperations,
      events: operations({ multiplyAccumulates: 3 }),
      bits: operations({ additions: 6 }),
      // Two neurons in two timesteps, each two sums, a quotient and three comparisons; one word, k · q and v.
      neurons: operations({ additions: 9, divisions: 4, comparisons: 12, multiplications: 1 }),
      // The differences of two and the sums of three elements, at each timestep.
      other: operations({ additions: 10 }),
    });
  });

  it("is additions where words are units, and has no bits where steps do not shift", async () => {
    const units = workOf(await evaluated(spiking(graded(1, "constant")), 2));
    expect(units.events).toEqual(operations({ additions: 6 }));
    expect(units.bits).toEqual(operations({ additions: 6 }));
    const table = workOf(await evaluated(spiking(graded(2, "table", "@thirds")), 2));
    expect(table.events.multiplyAccumulates).toBeGreaterThan(0);
    expect(table.bits).toBeNull();
  });

  it("of a framed code has its neurons once, and sums at each timestep", async () => {
    const work = workOf(await evaluated(spiking(fewSpikes, "few-spikes", 3), 3));
    // 3 is more than the digits can say: each of three sends 1, ½ and ¼ where there is so much.
    expect(work.events).toEqual(operations({ additions: 9 }));
    expect(work.neurons).toEqual(operations({ additions: 2 * 3 + 3, comparisons: 2 * 3 }));
  });
});

describe("energy", () => {
  const work = (some: Partial<Work>): Work => ({
    input: noOperations,
    real: noOperations,
    events: noOperations,
    bits: noOperations,
    neurons: noOperations,
    other: noOperations,
    ...some,
  });
  const before = work({
    input: operations({ multiplyAccumulates: 1000 }),
    other: operations({ comparisons: 10, functions: 1 }),
  });
  const after = work({
    input: operations({ multiplyAccumulates: 100 }),
    real: operations({ multiplyAccumulates: 10 }),
    events: operations({ multiplyAccumulates: 200, additions: 50 }),
    bits: operations({ additions: 500 }),
    neurons: operations({ additions: 20, divisions: 5 }),
    other: operations({ multiplications: 2 }),
  });
  const { all } = tablesOf(spiking(graded(4, "halving")), 2);
  const [float32, int8, four] = all;

  it("is each operation's by the table, by events and by bits", () => {
    if (float32 === undefined || int8 === undefined || four === undefined) expect.fail("no table");
    const found = estimateEnergy(before, after, float32);
    expect(found.annPJ).toBeCloseTo(4600 + 9 + 8 * 4.6, 9);
    expect(found.snnInputPJ).toBeCloseTo(460, 9);
    expect(found.snnRealPJ).toBeCloseTo(46, 9);
    expect(found.snnEventsPJ).toBeCloseTo(920 + 45, 9);
    expect(found.snnBitsPJ).toBeCloseTo(450, 9);
    expect(found.snnNeuronsPJ).toBeCloseTo(18 + 5 * 4 * 4.6, 9);
    expect(found.snnOtherPJ).toBeCloseTo(7.4, 9);
    const rest = 460 + 46 + 110 + 7.4;
    expect(found.snnPJ).toBeCloseTo(rest + 965, 9);
    expect(found.snnByBitsPJ).toBeCloseTo(rest + 450, 9);
    expect(found.ratio).toBeCloseTo((rest + 965) / (4609 + 36.8), 12);
    expect(found.ratioByBits).toBeCloseTo((rest + 450) / (4609 + 36.8), 12);
    // 8 bits by 8; sums and potentials are of 32.
    expect(estimateEnergy(before, after, int8).annPJ).toBeCloseTo(300 + 1 + 8 * 3.2, 9);
    // 8 bits by 4: half the multiplication, the same addition.
    expect(estimateEnergy(before, after, four).annPJ).toBeCloseTo(200 + 1 + 8 * 3.2, 9);
  });

  it("has no figure by bits where there is none, and no ratio to nothing", () => {
    const { own } = tablesOf(spiking(graded(4, "halving")), 2);
    expect(estimateEnergy(before, { ...after, bits: null }, own)).toMatchObject({
      snnBitsPJ: null,
      snnByBitsPJ: null,
      ratioByBits: null,
    });
    expect(estimateEnergy(work({}), after, own)).toMatchObject({ ratio: null, ratioByBits: null });
  });

  it("of two evaluations is by the table of the network's own arithmetic", async () => {
    const snn = await evaluated(spiking(graded(2, "halving")), 2);
    const found = ownEnergy(await evaluated(ann, 1), snn);
    expect(found.table.name).toBe("float32");
    expect(found.annPJ).toBeCloseTo(10 * 4.6 + 2 * 0.9, 9);
  });

  it("says what it leaves out, and what it assumes", () => {
    expect(energyCaveat).toContain("no memory traffic");
    expect(energyCaveat).toContain("Shifts are not counted");
    for (const table of [float32, int8]) expect(table?.source).toContain("Horowitz");
    for (const { source } of all) expect(source).toContain("assumed, as nothing was published");
  });
});

describe("the plain quantised ANN of as many bits", () => {
  const rival = (neuron: string, timesteps: number, code?: string) => {
    const found = tablesOf(spiking(neuron, code, timesteps), timesteps).rival;
    return found === null ? null : [found.bits, found.table.name, found.isSame];
  };

  it("has the bits of a word, or as many levels as units in all timesteps", () => {
    expect(rival(graded(4, "halving"), 3)).toEqual([4, "int8 × 4 bits", false]);
    expect(rival(graded(1, "constant"), 15)).toEqual([4, "int8 × 4 bits", false]);
    expect(rival(graded(1, "constant"), 16)).toEqual([5, "int8 × 5 bits", false]);
  });

  it("computes the same where each neuron sends one rounded value", () => {
    expect(rival(graded(8, "halving"), 1)).toEqual([8, "int8", true]);
    expect(rival(fewSpikes, 3, "few-spikes")).toEqual([3, "int8 × 3 bits", true]);
    expect(rival(firstSpike("tick"), 255, "ttfs")).toEqual([8, "int8", true]);
    expect(rival(firstSpike("continuous"), 255, "ttfs")).toBeNull();
  });
});
