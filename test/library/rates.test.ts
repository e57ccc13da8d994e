/** Firing rates on calibration samples: the share of timesteps at which a neuron fires, recorded with the network. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { compileOptionsOf } from "../../backends/wasm/request.ts";
import { known } from "../../ir/diagnostic.ts";
import { decodePackage, encodePackage } from "../../ir/file/package.ts";
import type { Module } from "../../ir/module.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { withRates } from "../../library/calibration/rates.ts";

const running = { engine: interpretEngine, threads: 1 };

/** Two neurons of threshold 4 that receive the sample itself at each of four timesteps. */
function network(properties = '"integer"'): Module {
  return parseModule(
    `module @m attributes {code = "rate", timesteps = 4, properties = [${properties}]} {
  %0 = ann.input() {name = "x"} : real<u8>[1, 2]
  %1 = ann.affine(%0) {scale = @one, shift = @none} : real<i32>[1, 2]
  %2 = snn.if(%1) {threshold = @four, vInit = @none, amplitude = @one, reset = "subtract"} : spike<i8>[1, 2]
  %3 = ann.linear(%2) {weight = @w, bias = none} : current<i32>[1, 1]
  %4 = snn.readout(%3) {start = 0} : real[1, 1]
  ann.output(%4) {name = "y"}
}
tensors {
  @four = i32[] dense<4>
  @none = i32[] dense<0>
  @one = i8[] dense<1>
  @w = i8[1, 2] dense<[1, 1]>
}
`,
    { file: "m" },
  );
}

function samplesOf(rows: readonly (readonly [number, number])[]) {
  return {
    count: rows.length,
    get: (index: number) => [tensorOf("u8", [1, 2], known(rows[index], "a sample"))],
  };
}

describe("withRates", () => {
  // In four timesteps a current of 4 fires 4 times, one of 2 twice, one of 1 once, one of 0 never.
  const rows = [
    [4, 2],
    [1, 0],
  ] as const;

  it("is spikes by neurons, timesteps and samples", async () => {
    const { rates } = await withRates(network(), samplesOf(rows), running);
    expect(rates).toEqual(new Map([[2, Math.round((7 / 16) * 1e4) / 1e4]]));
  });

  it("does not depend on the order of samples", async () => {
    const one = await withRates(network(), samplesOf(rows), running);
    const other = await withRates(network(), samplesOf(rows.toReversed()), running);
    expect(other.rates).toEqual(one.rates);
  });

  it("is measured only where sums are the same in any order", async () => {
    expect((await withRates(network(""), samplesOf(rows), running)).rates).toBeUndefined();
    expect((await withRates(network(), samplesOf([]), running)).rates).toBeUndefined();
  });

  it("goes into the file, and from there to the compiler", async () => {
    const module = await withRates(network(), samplesOf(rows), running);
    const read = decodePackage(encodePackage({ module, provenance: {} }), "m.snn").module;
    expect(read.rates).toEqual(module.rates);
    expect(compileOptionsOf(read, { timesteps: 4 }).rates).toEqual(module.rates);
    expect(compileOptionsOf(network(), { timesteps: 4 }).rates).toBeUndefined();
  });

  it.each([-0.1, 1.5])("is refused where a file says %d", async (rate) => {
    const whole = network();
    const module = { ...whole, rates: new Map([[known(whole.ops[2], "neurons").result, rate]]) };
    const bytes = encodePackage({ module, provenance: {} });
    expect(() => decodePackage(bytes, "m.snn")).toThrow(
      'firing rate "2" is not a number from 0 to 1',
    );
  });
});
