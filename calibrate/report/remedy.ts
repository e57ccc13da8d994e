/**
 * What to change for each cause of error, given what the pipeline did already: advice never repeats
 * what was done. Passes and options are those of `snnc passes`.
 */
import type { ConversionReport } from "./schema.ts";

export type OwnPart = "clipping" | "quantisation" | "unevenness";

export interface Remedy {
  /** One sentence. */
  readonly text: string;
  readonly option: string;
}

type Situation = Pick<ConversionReport, "layers" | "pipeline" | "settings">;
type PassRun = ConversionReport["pipeline"][number];

/** `settled`: a longer run has been seen not to help, and is not advised again. */
export function remedyFor(part: OwnPart, situation: Situation, settled: boolean): Remedy {
  switch (part) {
    case "clipping":
      return higherThresholds(situation);
    case "quantisation":
      return moreLevels(situation, settled);
    case "unevenness":
      // Only a mean over the timesteps can leave out the first of them.
      return usesPass(situation, "delay-readout") || !isMean(situation)
        ? andLonger(lowerThresholds(situation), situation, settled)
        : andLonger(
            {
              text: "Read the output only after the first spikes have come through",
              option: "delay-readout",
            },
            situation,
            settled,
          );
  }
}

function moreLevels(situation: Situation, settled: boolean): Remedy {
  switch (situation.settings.code) {
    case "burst":
    case "differential":
      return andLonger(
        { text: "Give spikes more bits", option: `--bits ${Math.min(8, bitsOf(situation) + 2)}` },
        situation,
        settled,
      );
    case "few-spikes":
      return { text: "Send more digits.", option: longer(situation) };
    case "ttfs":
      return { text: "Give spike times more ticks to fall on.", option: longer(situation) };
    default:
      return startsHalfway(situation)
        ? andLonger(lowerThresholds(situation), situation, settled)
        : andLonger(
            { text: "Start neurons at half their threshold", option: "set-initial-potential" },
            situation,
            settled,
          );
  }
}

/** More timesteps, as an option: twice as many, or where each of them halves what is lost, a few. */
export function longer({ settings: { code, timesteps } }: Situation): string {
  if (code === "differential" || code === "few-spikes") return `-T ${timesteps + 2}`;
  return `-T ${code === "ttfs" ? 2 * timesteps + 1 : 2 * timesteps}`;
}

/** Whether the answer is a mean over the timesteps. */
function isMean({ settings: { code } }: Situation): boolean {
  return code === "rate" || code === "signed-rate" || code === "burst";
}

/** Bits of a spike, as the pass that converted was told. */
function bitsOf({ pipeline }: Situation): number {
  const bits = pipeline.map(({ options }) => options["bits"]).find((b) => typeof b === "number");
  return typeof bits === "number" ? bits : 4;
}

/** Raises thresholds relative to those the pipeline chose. */
export function higherThresholds(situation: Situation): Remedy {
  const used = balanceOf(situation);
  if (used?.pass === "balance-percentile") {
    const p = used.options["p"];
    const share = typeof p === "number" ? p : 99.9;
    // A tenth of what was cut off before: 99.9 → 99.99.
    const higher = Number((100 - (100 - share) / 10).toPrecision(6));
    return {
      text: `Raise the thresholds: cut off ${Number((100 - higher).toPrecision(3))} % of the activations instead of ${Number((100 - share).toPrecision(3))} %.`,
      option: `balance-percentile{p=${higher}}`,
    };
  }
  if (used?.pass === "balance-mmse" && situation.settings.code === "rate") {
    const given = used.options["levels"];
    const levels = typeof given === "number" && given > 0 ? given : situation.settings.timesteps;
    return {
      text: "Raise the thresholds: the least squared error for more levels lies higher.",
      option: `balance-mmse{levels=${2 * levels}}`,
    };
  }
  if (used?.pass === "balance-max") {
    return {
      text:
        "The thresholds are the greatest activations of the calibration set already, so that set " +
        "does not show how large activations get: calibrate on more samples.",
      option: "--calib with more samples",
    };
  }
  return { text: "Raise the thresholds.", option: "balance-percentile{p=99.99}" };
}

/** Lowers thresholds relative to those the pipeline chose, or fits them more closely. */
export function lowerThresholds(situation: Situation): Remedy {
  const used = balanceOf(situation);
  if (used !== null && used.options["scope"] === "layer") {
    return {
      text: "Give each channel its own threshold",
      option: `${used.pass}{scope=channel}`,
    };
  }
  if (used?.pass === "balance-mmse") {
    return {
      text: "Fit each threshold to the activations that exceed it",
      option: "balance-local",
    };
  }
  return {
    text: "Lower the thresholds to where clipping and quantisation are least together",
    option: "balance-mmse",
  };
}

function andLonger(remedy: Remedy, situation: Situation, settled: boolean): Remedy {
  if (settled) return { ...remedy, text: `${remedy.text}.` };
  return {
    text: `${remedy.text}, or use more timesteps.`,
    option: `${remedy.option} or ${longer(situation)}`,
  };
}

/** The last balance pass that changed the network. */
function balanceOf({ pipeline }: Situation): PassRun | null {
  return pipeline.findLast((step) => step.changed && step.pass.startsWith("balance-")) ?? null;
}

function usesPass({ pipeline }: Situation, name: string): boolean {
  return pipeline.some((step) => step.pass === name);
}

/** Whether neurons start near half their threshold, which turns rounding down into rounding. */
function startsHalfway({ layers }: Situation): boolean {
  const near = (share: number | null): boolean => share === null || Math.abs(share - 0.5) < 0.25;
  return layers.every((layer) => near(layer.initialPotential));
}
