/** `convert --auto`: shows what was tried, what was chosen and why. */
import type { SampleSource } from "../ir/executable.ts";
import { fail } from "../ir/diagnostic.ts";
import type { Module } from "../ir/module.ts";
import { type AutoResult, type Objective, type Trial, chooseConversion } from "../library/auto.ts";
import type { Running } from "../library/measure.ts";
import type { Context } from "./action.ts";
import { diagnose } from "./diagnostics.ts";
import { alignedTable } from "./tables.ts";

/** Points of accuracy that may be lost unless somebody says otherwise. */
export const defaultMaxLoss = 0.5;

interface Wish {
  readonly maxLoss: number | undefined;
  readonly objective: Objective | undefined;
}

/** Chooses a conversion of `module` by trying on `samples`, and says so on the terminal. */
export async function chooseAutomatically(
  module: Module,
  samples: SampleSource | null,
  { maxLoss = defaultMaxLoss, objective = "latency" }: Wish,
  running: Running,
  context: Context,
): Promise<AutoResult> {
  if (samples === null) fail(diagnose("auto-needs-calibration", null, {}));
  const result = await chooseConversion(module, samples, running, { maxLoss, objective });
  context.terminal.note(describe(result, maxLoss, objective));
  const points = 100 / result.judgedOn;
  if (points > maxLoss) {
    const judges = result.judgedOn;
    context.report(diagnose("auto-judged-by-few", null, { judges, points, maxLoss }));
  }
  return result;
}

function describe(result: AutoResult, maxLoss: number, objective: Objective): string {
  const { chosen, trials, calibratedOn, judgedOn } = result;
  const rows = trials.map((trial) => [
    trial === chosen ? ">" : "",
    nameOf(trial),
    String(trial.timesteps),
    String(trial.latencyTimesteps),
    trial.changedPoints.toFixed(2),
    trial.spikesPerSample.toFixed(0),
    trial.energyRatio.toFixed(2),
  ]);
  const head = ["", "code", "T", "latency", "changed", "spikes", "energy/ANN"];
  const good = trials.filter(({ changedPoints }) => changedPoints <= maxLoss).length;
  return [
    `tried ${trials.length} conversions, calibrated on ${calibratedOn} samples and judged on ${judgedOn} others:`,
    alignedTable([head, ...rows]),
    `chose ${nameOf(chosen)} with ${chosen.timesteps} timesteps: of the ${good} that change at most ` +
      `${maxLoss} points of predictions, the one with the least ${objective}`,
    `the same again: --passes "${chosen.pipeline}" -T ${chosen.timesteps}`,
  ].join("\n");
}

function nameOf({ code, pipeline }: Trial): string {
  const of = (option: string): string | undefined =>
    new RegExp(`${option}=(\\d+)`).exec(pipeline)?.[1];
  const [bits, precision] = [of("bits"), of("precision")];
  return [
    code,
    ...(bits === undefined ? [] : [`${bits} bits`]),
    ...(precision === undefined ? [] : [`precision ${precision}`]),
  ].join(", ");
}
