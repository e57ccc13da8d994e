/**
 * What quantise must do, on random networks: make valid integer modules that stay near the floats
 * they came from, or say at which op they cannot be made.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { integerBounds } from "../../../ir/analysis/bounds.ts";
import { DiagnosticError, known } from "../../../ir/diagnostic.ts";
import { interpret } from "../../../ir/interpret.ts";
import { type Module, inputsOf, opsOf, tensorAt } from "../../../ir/module.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { convert } from "../../../library/convert.ts";
import { breachesOf } from "../../../passes/properties.ts";
import { type Convertible, convertibleNetworks, sourceOf } from "../convert/networks.ts";

const timesteps = 64;

/** Why a network cannot be of integers; chains of weights without neurons outgrow 32 bits. */
const reasons = ["no-integer-form", "integer-timesteps", "integer-overflow"];

const passes = "canonical,convert-activations,set-initial-potential,balance-max";

/** The network by these passes, or the codes of what was refused. */
async function made(
  { module, samples }: Convertible,
  pipeline: string,
): Promise<Module | readonly string[]> {
  try {
    const running = { engine: interpretEngine, threads: 1 };
    return (await convert(module, sourceOf(samples), running, { timesteps, pipeline })).module;
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map(({ code }) => code);
    throw error;
  }
}

/** The outputs after the last timestep. */
function outputsOf(module: Module, inputs: readonly Tensor[]): number[] {
  const { outputs } = interpret(module, inputs, { timesteps });
  return outputs.flatMap((all) => [...all.subarray(all.length - all.length / timesteps)]);
}

/** The largest difference of the outputs on the first sample, beside the largest output. */
function errorOf(float: Module, integer: Module, { samples }: Convertible): number {
  const sample = known(samples[0], "a sample");
  const wanted = outputsOf(float, sample);
  const found = outputsOf(integer, sample);
  const scale = Math.max(0.25, ...wanted.map(Math.abs));
  return Math.max(...wanted.map((x, i) => Math.abs(x - (found[i] ?? NaN)))) / scale;
}

describe("quantise", () => {
  it("makes valid integer modules that stay near the floats, or says why not", async () => {
    let [all, refused, near] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(convertibleNetworks(8, 3), async (network) => {
        all++;
        const integer = await made(network, `${passes},quantise`);
        if (!("ops" in integer)) {
          refused++;
          for (const code of integer) expect(reasons).toContain(code);
          return;
        }
        expect(breachesOf(integer, "integer")).toEqual([]);
        expect(integerBounds(integer).timesteps).toBeGreaterThanOrEqual(timesteps);
        const float = await made(network, passes);
        if ("ops" in float && errorOf(float, integer, network) < 0.1) near++;
      }),
      { numRuns: 60, seed: 7 },
    );
    // Most networks convert; of those nearly all stay within a tenth of the largest output.
    expect(refused).toBeLessThan(all / 5);
    expect(near).toBeGreaterThanOrEqual(0.95 * (all - refused));
  });

  it("leaves a scale between spikes and the neurons that they drive", async () => {
    const module = parseModule(rectifiedTwice, { file: "m" });
    const network = { module, samples: [[tensorOf("f32", [1, 1], [1])]] };
    const integer = await made(network, `${passes},quantise`);
    expect("ops" in integer && opsOf(integer, "snn.if").length).toBe(2);
  });

  it("keeps weights within their bits", async () => {
    await fc.assert(
      fc.asyncProperty(
        convertibleNetworks(6, 2),
        fc.integer({ min: 2, max: 8 }),
        async (network, bits) => {
          const integer = await made(network, `${passes},quantise{bits=${bits}}`);
          if (!("ops" in integer)) return;
          const most = 2 ** (bits - 1) - 1;
          for (const op of opsOf(integer, "ann.linear")) {
            const { data, dtype } = tensorAt(integer, op.attrs.weight);
            expect(dtype).toBe("i8");
            // Weights that were integers already may be the one that has no opposite.
            expect(data.every((w) => w <= most && w >= -most - 1)).toBe(true);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("gives the same module again, and leaves it alone after that", async () => {
    await fc.assert(
      fc.asyncProperty(convertibleNetworks(6, 2), async (network) => {
        const once = await made(network, `${passes},quantise`);
        expect(await made(network, `${passes},quantise`)).toEqual(once);
        if (!("ops" in once)) return;
        expect(inputsOf(once).map(({ type }) => type)).toEqual(
          inputsOf(network.module).map(({ type }) => type),
        );
        const running = { engine: interpretEngine, threads: 1 };
        const again = await convert(once, null, running, { timesteps, pipeline: "quantise" });
        expect(again.module).toBe(once);
      }),
      { numRuns: 20 },
    );
  });
});

/** An activation of what is only moved since the one before it. */
const rectifiedTwice = `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : real[1, 1]
  %1 = ann.relu(%0) : real[1, 1]
  %2 = ann.pad(%1) {begin = [0, 0], end = [0, 1], mode = "constant", value = 0} : real[1, 2]
  %3 = ann.clip(%2) {min = 0, max = 1} : real[1, 2]
  %4 = ann.linear(%3) {weight = @w, bias = @b} : real[1, 2]
  ann.output(%4) {name = "y"}
}
tensors {
  @w = f32[2, 2] dense<[1, -1, 0.5, 2]>
  @b = f32[2] dense<[0.5, -0.5]>
}
`;
