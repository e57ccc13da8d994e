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

/** Bits of a spike where nobody gave them, and the most that may be given. */
const usualBits = 4;
const mostBits = 8;
/** So many that some may be left out. */
const manyTimesteps = 32;
/** Precision of fit-steps where nobody gave one. */
const usualPrecision = 10;

/** `settled`: a longer run has been seen not to help, and is not advised again. */
export function remedyFor(part: OwnPart, situation: Situation, settled: boolean): Remedy {
  const fitter = fitterOf(situation);
  if (fitter !== null) return remedyForFitted(fitter, part, situation, settled);
  switch (part) {
    case "clipping":
      return higherThresholds(situation);
    case "quantisation":
      return moreLevels(situation, settled);
    case "unevenness":
      // Only a mean over the timesteps can leave out the first of them, and only one of many should.
      return usesPass(situation, "delay-readout") || !isMean(situation) || isShort(situation)
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

/** What fitting chose is not to be chosen again by another rule: it may have more to go by. */
function remedyForFitted(
  fitter: PassRun,
  part: OwnPart,
  situation: Situation,
  settled: boolean,
): Remedy {
  const { code } = situation.settings;
  if (part === "clipping") return moreSamples(fitter);
  if (part === "quantisation" && (code === "burst" || code === "differential")) {
    return finerSpikes(situation, settled);
  }
  return settled ? moreSamples(fitter) : { text: "Use more timesteps.", option: longer(situation) };
}

function moreSamples({ pass, options }: PassRun): Remedy {
  const samples = options["samples"];
  const text = "Fit to more calibration samples.";
  return typeof samples === "number"
    ? { text, option: `${pass}{samples=${2 * samples}}` }
    : { text, option: "--calib with more samples" };
}

function moreLevels(situation: Situation, settled: boolean): Remedy {
  switch (situation.settings.code) {
    case "burst":
    case "differential":
      return finerSpikes(situation, settled);
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

/** Spikes, or their steps, that say more; where neither is left to do, more of them. */
function finerSpikes(situation: Situation, settled: boolean): Remedy {
  const steps = finerSteps(situation);
  if (steps !== null) return andLonger(steps, situation, settled);
  const bits = optionOf(situation, "bits") ?? usualBits;
  if (bits >= mostBits) {
    if (!settled) return { text: "Use more timesteps.", option: longer(situation) };
    const fitter = fitterOf(situation);
    return fitter === null
      ? andLonger(lowerThresholds(situation), situation, settled)
      : moreSamples(fitter);
  }
  const remedy = {
    text: "Give spikes more bits",
    option: `--bits ${Math.min(mostBits, bits + 2)}`,
  };
  return andLonger(remedy, situation, settled);
}

/** Finer steps where they were told to stay coarse; null elsewhere. */
function finerSteps(situation: Situation): Remedy | null {
  const precision = optionOf(situation, "precision");
  if (precision === null || precision >= usualPrecision) return null;
  const finer = Math.min(usualPrecision, precision + 2);
  return { text: "Let steps become finer", option: `fit-steps{precision=${finer}}` };
}

/** More timesteps, as an option: twice as many, or where each of them halves what is lost, a few. */
export function longer(situation: Situation): string {
  const { code } = situation.settings;
  const timesteps = answering(situation);
  if (code === "differential" || code === "few-spikes") return `-T ${timesteps + 2}`;
  return `-T ${code === "ttfs" ? 2 * timesteps + 1 : 2 * timesteps}`;
}

/** The timesteps that `-T` counts: those after a rehearsal, where there is one. */
export function answering(situation: Situation): number {
  return situation.settings.timesteps - rehearsed(situation);
}

/** Timesteps that the network runs before it starts on its answer. */
export function rehearsed({ pipeline }: Situation): number {
  const steps = pipeline.find(({ pass, changed }) => changed && pass === "rehearse");
  return typeof steps?.options["steps"] === "number" ? steps.options["steps"] : 0;
}

/** Whether few timesteps answer, or what they are is settled: a rehearsal comes last. */
function isShort(situation: Situation): boolean {
  return answering(situation) < manyTimesteps || rehearsed(situation) > 0;
}

/** Whether the answer is a mean over the timesteps. */
function isMean({ settings: { code } }: Situation): boolean {
  return code === "rate" || code === "signed-rate" || code === "burst";
}

/** The number that a pass was given as `option`; null where none has it. */
function optionOf({ pipeline }: Situation, option: string): number | null {
  const value = pipeline.map(({ options }) => options[option]).find((v) => typeof v === "number");
  return typeof value === "number" ? value : null;
}

/** Raises thresholds relative to those the pipeline chose. */
export function higherThresholds(situation: Situation): Remedy {
  const fitter = fitterOf(situation);
  if (fitter !== null) return moreSamples(fitter);
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
    const levels = typeof given === "number" && given > 0 ? given : answering(situation);
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
  const fitter = fitterOf(situation);
  if (fitter !== null) return finerSteps(situation) ?? moreSamples(fitter);
  const used = balanceOf(situation);
  if (used !== null && used.options["scope"] === "layer") {
    return {
      text: "Give each channel its own threshold",
      option: `${used.pass}{scope=channel}`,
    };
  }
  if (used?.pass === "balance-mmse") {
    if (isMean(situation)) return { text: "Fit layers to what they receive", option: "fit-layers" };
    return situation.settings.code === "differential"
      ? { text: "Fit steps to what is left to send", option: "fit-steps" }
      : { text: "Fit each threshold to the activations that exceed it", option: "balance-local" };
  }
  return {
    text: "Lower the thresholds to where clipping and quantisation are least together",
    option: "balance-mmse",
  };
}

/** More timesteps first: they always help where they have not been seen not to. */
function andLonger(remedy: Remedy, situation: Situation, settled: boolean): Remedy {
  if (settled) return { ...remedy, text: `${remedy.text}.` };
  const text = `${remedy.text.charAt(0).toLowerCase()}${remedy.text.slice(1)}`;
  return {
    text: `Use more timesteps, or ${text}.`,
    option: `${longer(situation)} or ${remedy.option}`,
  };
}

/** The last pass that fitted the network to what its layers really send. */
function fitterOf({ pipeline }: Situation): PassRun | null {
  return pipeline.findLast((step) => step.changed && step.pass.startsWith("fit-")) ?? null;
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
