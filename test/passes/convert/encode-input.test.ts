/** What encode-input makes the weights receive: the value itself, as closely as each encoder can say it. */
import { describe, expect, it } from "vitest";
import { known } from "../../../ir/diagnostic.ts";
import { interpret } from "../../../ir/interpret.ts";
import { type Module, opsOf, tensorAt } from "../../../ir/module.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { converted, sourceOf } from "./networks.ts";

/** y = x, by weights of 1 and a bias of 0.5; a rectifier behind them makes it convertible. */
function identity(channels: number): Module {
  const weight = Array.from({ length: channels ** 2 }, (_, i) => Number(i % (channels + 1) === 0));
  const text = `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : real[1, ${channels}]
  %1 = ann.linear(%0) {weight = @w, bias = @b} : real[1, ${channels}]
  %2 = ann.relu(%1) : real[1, ${channels}]
  ann.output(%2) {name = "y"}
}
tensors {
  @w = f32[${channels}, ${channels}] dense<[${weight.join(", ")}]>
  @b = f32[${channels}] dense<[${weight
    .slice(0, channels)
    .map(() => 0.5)
    .join(", ")}]>
}
`;
  return parseModule(text, { file: "test" });
}

const row = (values: readonly number[]): Tensor => tensorOf("f32", [1, values.length], values);

/** The largest magnitude is 2, in channel 0; that of channel 1 is 0.5. */
const calibration = sourceOf([[row([2, 0.25])], [row([-1, 0.5])]]);
const range = 2;

async function network(options: string, T: number, samples = calibration): Promise<Module> {
  const convert = /delta|latency/.test(options) ? "convert-differential" : "convert-activations";
  return (await converted(identity(2), samples, `${convert},encode-input{${options}}`, T)).snn;
}

const two = `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "a"} : real[1, 64]
  %1 = ann.input() {name = "b"} : real[1, 64]
  %2 = ann.linear(%0) {weight = @w, bias = none} : real[1, 1]
  %3 = ann.linear(%1) {weight = @w, bias = none} : real[1, 1]
  %4 = ann.add(%2, %3) : real[1, 1]
  %5 = ann.relu(%4) : real[1, 1]
  ann.output(%5) {name = "y"}
}
tensors {
  @w = f32[1, 64] dense<[${Array.from({ length: 64 }, (_, i) => i / 64).join(", ")}]>
}
`;

/** What neurons are given of each channel: its mean over the timesteps, or what has come by the last of them. */
function received(module: Module, x: readonly number[], isLast: boolean): number[] {
  const T = module.timesteps;
  const value = known(
    opsOf(module, isLast ? "snn.difference" : "snn.if")[0]?.inputs[0],
    "an operand",
  );
  const probes = [{ value, keep: "trace" as const }];
  const trace = known(interpret(module, [row(x)], { timesteps: T, probes }).probes[0], "a trace");
  return x.map((_, i) => {
    const over = Array.from({ length: T }, (_each, t) => trace[t * x.length + i] ?? NaN);
    return isLast ? (over.at(-1) ?? NaN) : over.reduce((sum, each) => sum + each, 0) / T;
  });
}

const inputs = [
  [0, 0.4],
  [1.3, -0.7],
  [-2, 2],
  [0.03, -1.99],
];

describe("encode-input", () => {
  it("sends by poisson what has the value as its mean, within five standard errors", async () => {
    const T = 256;
    const module = await network("encoder=poisson", T);
    for (const x of inputs) {
      received(module, x, false).forEach((found, i) => {
        const size = Math.abs(x[i] ?? NaN);
        const error = Math.sqrt((size * (range - size)) / T);
        expect(Math.abs(found - 0.5 - (x[i] ?? NaN))).toBeLessThanOrEqual(5 * error + 1e-6);
      });
    }
  });

  it("sends by phase the value within the last digit, over each whole number of periods", async () => {
    for (const [T, bits] of [
      [6, 6],
      [32, 8],
    ] as const) {
      const module = await network(`encoder=phase,bits=${bits}`, T);
      for (const x of inputs) {
        received(module, x, false).forEach((found, i) => {
          const error = Math.abs(found - 0.5 - (x[i] ?? NaN));
          expect(error).toBeLessThanOrEqual(range * 2 ** -bits + 1e-6);
        });
      }
    }
  });

  it("sends by delta changes that sum to the value within a step", async () => {
    const T = 16;
    const module = await network("encoder=delta", T);
    for (const x of inputs) {
      received(module, x, true).forEach((found, i) => {
        expect(Math.abs(found - 0.5 - (x[i] ?? NaN))).toBeLessThan(range / T + 1e-6);
      });
    }
  });

  it("sends by latency one spike, after which a current has the value within a timestep", async () => {
    const T = 16;
    const module = await network("encoder=latency", T);
    for (const x of inputs) {
      received(module, x, true).forEach((found, i) => {
        expect(Math.abs(found - 0.5 - (x[i] ?? NaN))).toBeLessThanOrEqual(range / T + 1e-6);
      });
    }
  });

  it("measures the gain on the calibration set, by channel where that is asked for", async () => {
    const whole = opsOf(await network("encoder=poisson", 4), "snn.poisson-encode")[0];
    const each = await network("encoder=poisson,scope=channel", 4);
    const [encoder] = opsOf(each, "snn.poisson-encode");
    expect(whole?.attrs.sign).toBe("free");
    const gain = tensorAt(each, known(encoder, "an encoder").attrs.gain);
    expect([gain.shape, [...gain.data]]).toEqual([
      [1, 2],
      [0.5, 2],
    ]);
    const positive = sourceOf([[row([0, 0.25])]]);
    const quiet = await network("encoder=poisson,scope=channel", 4, positive);
    const [other] = opsOf(quiet, "snn.poisson-encode");
    expect(other?.attrs.sign).toBe("positive");
    // Channel 0 was never anything but 0, and gets the range of the other.
    expect([...tensorAt(quiet, known(other, "an encoder").attrs.gain).data]).toEqual([4, 4]);
  });

  it("draws other spikes for other samples, and for other inputs that are alike", async () => {
    const half = row(Array.from({ length: 64 }, () => 0.5));
    const one = row(Array.from({ length: 64 }, () => 1));
    const both = parseModule(two, { file: "test" });
    const { snn } = await converted(
      both,
      sourceOf([[one, one]]),
      "convert-activations,encode-input",
      8,
    );
    const [a, b] = opsOf(snn, "snn.poisson-encode").map(({ result }) => result);
    const spikes = (sample: readonly Tensor[], value = known(a, "an encoder")): string => {
      const probes = [{ value, keep: "trace" as const }];
      return String(interpret(snn, sample, { timesteps: 8, probes }).probes[0]);
    };
    expect(spikes([half, half])).toBe(spikes([half, half]));
    expect(spikes([half, half])).not.toBe(spikes([half, half], b));
    const nearly = row([...half.data.subarray(0, 63), 0.5000001]);
    expect(spikes([nearly, half])).not.toBe(spikes([half, half]));
  });
});
