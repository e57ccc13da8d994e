/** `convert --auto`: shows what was tried, what was chosen and why. */
import { counted } from "../calibrate/report/format.ts";
import { describeTask } from "../calibrate/evaluation-diagnostics.ts";
import { answerWords } from "../calibrate/report/words.ts";
import { type AutoResult, type Objective, type Trial, candidates } from "../library/auto/auto.ts";
import { alignedTable } from "./terminal/tables.ts";

/** The search as a table, what was chosen of it and why. */
export function choiceWords(result: AutoResult, maxLoss: number, objective: Objective): string {
  const { chosen, trials, calibratedOn, judgedOn, task, sharedBy } = result;
  const percent = Number((100 * result.confidence).toPrecision(6));
  const ofValues = task.name === "regress";
  const rows = trials.map((trial) => [
    trial === chosen ? ">" : "",
    nameOf(trial),
    String(trial.timesteps),
    String(trial.latencyTimesteps),
    trial.changedPoints.toFixed(2),
    `${trial.boundPoints.toFixed(2)}${trial.judgedOn < judgedOn ? "*" : ""}`,
    trial.spikesPerSample.toFixed(0),
    trial.energyRatio.toFixed(2),
  ]);
  const changed = ofValues ? "off (%)" : "changed";
  const head = ["", "code", "T", "latency", changed, "at most", "spikes", "energy/ANN"];
  const good = trials.filter(({ boundPoints }) => boundPoints <= maxLoss).length;
  const half = trials.some((trial) => trial.judgedOn < judgedOn)
    ? ["* judged by half of them, which was enough to refuse it"]
    : [];
  const more =
    sharedBy < candidates.length
      ? [
          `so many judges can show it of ${counted(sharedBy, "conversion")} at most: with more, more are tried`,
        ]
      : [];
  const meant = ofValues
    ? `are at most ${maxLoss} % of the values' spread off the ANN's`
    : `change at most ${maxLoss} points of predictions`;
  return [
    `tried ${counted(trials.length, "conversion")}, calibrated on ${calibratedOn} samples and judged on the others, ` +
      `both ways (${judgedOn} judges), measured as ${describeTask[task.name]}: ${task.reason}`,
    alignedTable([head, ...rows]),
    ...half,
    ...more,
    `chose ${nameOf(chosen)} with ${answerWords(chosen)}: of the ${good} that ${meant} ` +
      `with ${percent} % confidence for all of these, the one with the least ${objective}`,
    `the same again: --passes "${chosen.pipeline}" -T ${chosen.timesteps}`,
  ].join("\n");
}

function nameOf({ code, bits, precision }: Trial): string {
  return [
    code,
    ...(bits === null ? [] : [`${bits} bits`]),
    ...(precision === null ? [] : [`precision ${precision}`]),
  ].join(", ");
}
