/** Ops that the random networks do not have, and what must be exact in each. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { known } from "../../../ir/diagnostic.ts";
import { interpret } from "../../../ir/interpret.ts";
import { type Module, opsOf, tensorAt } from "../../../ir/module.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { convert } from "../../../library/convert.ts";

const timesteps = 32;
const image: Tensor = tensorOf("f32", [1, 1, 2, 2], [1, 0.5, -0.25, 0.75]);
const window = "strides = [2, 2], padsBegin = [0, 0], padsEnd = [0, 0], dilations = [1, 1]";

/** image → neurons of one threshold per neuron → `body` from %1 to %9 → read-out. */
function network(body: string, tensors = ""): Module {
  return parseModule(
    `module @ops attributes {code = "rate", timesteps = ${timesteps}, properties = ["spiking", "balanced"]} {
  %0 = ann.input() {name = "x"} : real[1, 1, 2, 2]
  %1 = snn.if(%0) {threshold = @t, vInit = @v, amplitude = @t, reset = "subtract"} : spike[1, 1, 2, 2]
${body}
  %10 = snn.readout(%9) {start = 0} : real[1, 1, 4, 4]
  ann.output(%10) {name = "y"}
}
tensors {
  @t = f32[1, 1, 2, 2] dense<[1, 0.5, 0.75, 1.5]>
  @v = f32[] dense<0.25>
${tensors}}
`,
    { file: "ops.snnir" },
  );
}

async function quantised(module: Module): Promise<Module> {
  const running = { engine: interpretEngine, threads: 1 };
  const source = { count: 1, get: () => [image] };
  return (await convert(module, source, running, { timesteps, pipeline: "quantise" })).module;
}

function outputOf(module: Module): number[] {
  const { outputs } = interpret(module, [image], { timesteps });
  return [...known(outputs[0], "an output").subarray(-16)];
}

async function expectNear(module: Module): Promise<Module> {
  const integer = await quantised(module);
  const wanted = outputOf(module);
  outputOf(integer).forEach((y, i) => expect(Math.abs(y - (wanted[i] ?? NaN))).toBeLessThan(0.05));
  return integer;
}

describe("quantise", () => {
  it("rounds transposed convolutions, whose channels need one unit for all positions", async () => {
    const integer = await expectNear(
      network(
        `  %9 = ann.conv-transpose(%1) {${window}, weight = @w, bias = none, groups = 1, outputPadding = [0, 0]} : current[1, 1, 4, 4]`,
        "  @w = f32[1, 1, 2, 2] dense<[1, -0.5, 0.25, 0.75]>\n",
      ),
    );
    // Spikes of unequal amplitudes are brought to one unit by a weight each.
    const rescale = known(opsOf(integer, "ann.affine")[0], "an affine map");
    expect(tensorAt(integer, rescale.attrs.scale).dtype).toBe("i8");
  });

  it("repeats the nearest", async () => {
    await expectNear(
      network(
        `  %9 = ann.resize(%1) {sizes = [1, 1, 4, 4], scales = [1, 1, 2, 2], mode = "nearest", coordinates = "asymmetric", nearest = "floor", cubicCoefficient = -0.75, excludeOutside = false, extrapolation = 0, antialias = false, roi = []} : current[1, 1, 4, 4]`,
      ),
    );
  });

  it("subtracts and changes signs", async () => {
    await expectNear(
      network(`  %2 = ann.neg(%1) : current[1, 1, 2, 2]
  %3 = ann.sub(%2, %0) : current[1, 1, 2, 2]
  %9 = ann.tile(%3) {repeats = [1, 1, 2, 2]} : current[1, 1, 4, 4]`),
    );
  });

  it("reads spikes out in their own units, exactly where thresholds are", async () => {
    const module = network("  %9 = ann.tile(%1) {repeats = [1, 1, 2, 2]} : spike[1, 1, 4, 4]");
    await expectNear(module);
  });

  it("sums the windows of pools that count no padding by what each holds", async () => {
    await expectNear(
      network(
        `  %9 = ann.average-pool(%1) {strides = [1, 1], padsBegin = [2, 2], padsEnd = [2, 2], dilations = [1, 1], kernel = [3, 3], ceilMode = false, countIncludePad = false} : current[1, 1, 4, 4]`,
      ),
    );
  });
});
