/**
 * What to change for each cause of error, given what the pipeline did already: advice never repeats
 * what was done. Knows passes by what they declare of themselves (`ir/role.ts`), and none by name.
 */
import { type CodeTraits, codeTraits, spikingCodes } from "../../ir/module.ts";
import type { Meaning, OptionFacts, PassFacts, Remedy as Offer } from "../../ir/role.ts";
import type { ConversionReport } from "./schema.ts";

export type OwnPart = "clipping" | "quantisation" | "unevenness";

export interface Proposal {
  /** One sentence. */
  readonly text: string;
  readonly option: string;
}

/** What happened, and the passes there are to change it. */
export type Situation = Pick<ConversionReport, "layers" | "pipeline" | "settings"> & {
  readonly catalogue: readonly PassFacts[];
};

/** A pass that ran: its declaration, and the options that it ran with. */
interface PassRun {
  readonly facts: PassFacts;
  readonly options: ConversionReport["pipeline"][number]["options"];
  readonly changed: boolean;
}

/** So many that some may be left out. */
const manyTimesteps = 32;

/** `settled`: a longer run has been seen not to help, and is not advised again. */
export function remedyFor(part: OwnPart, situation: Situation, settled: boolean): Proposal {
  const fitter = fitterOf(situation);
  if (fitter !== null) return remedyForFitted(fitter, part, situation, settled);
  switch (part) {
    case "clipping":
      return higherThresholds(situation);
    case "quantisation":
      return moreLevels(situation, settled);
    case "unevenness":
      // Only a mean over the timesteps can leave out the first of them, and only one of many should.
      return andLonger(laterReading(situation) ?? lowerThresholds(situation), situation, settled);
  }
}

/** Leaves the first timesteps out; null where that is done already, or there are none to leave out. */
function laterReading(situation: Situation): Proposal | null {
  const isDone = runsOf(situation).some(({ facts }) => facts.role === "read-out");
  if (isDone || !isMean(situation) || isShort(situation)) return null;
  return proposal(offered(situation, "later-reading"));
}

/** What fitting chose is not to be chosen again by another rule: it may have more to go by. */
function remedyForFitted(
  fitter: PassRun,
  part: OwnPart,
  situation: Situation,
  settled: boolean,
): Proposal {
  if (part === "clipping") return moreSamples(fitter);
  if (part === "quantisation" && traitsIn(situation)?.hasBits === true) {
    return finerSpikes(situation, settled);
  }
  return settled ? moreSamples(fitter) : { text: "Use more timesteps.", option: longer(situation) };
}

function moreSamples(run: PassRun): Proposal {
  const samples = numberIn(run, "samples");
  const text = "Fit to more calibration samples.";
  return samples === null
    ? { text, option: moreCalibration }
    : { text, option: written(run.facts, samples.name, 2 * samples.value) };
}

const moreCalibration = "--calib with more samples";

function moreLevels(situation: Situation, settled: boolean): Proposal {
  const traits = traitsIn(situation);
  if (traits?.hasBits === true) return finerSpikes(situation, settled);
  if (traits?.decoder === "frame") {
    const text = traits.gains === "digits" ? "Send more digits." : "Give spike times more ticks.";
    return { text, option: longer(situation) };
  }
  const start = startsHalfway(situation) ? null : proposal(offered(situation, "start"));
  return andLonger(start ?? lowerThresholds(situation), situation, settled);
}

/** Spikes, or their steps, that say more; where neither is left to do, more of them. */
function finerSpikes(situation: Situation, settled: boolean): Proposal {
  const finer = finerSteps(situation) ?? moreBits(situation);
  if (finer !== null) return andLonger(finer, situation, settled);
  if (!settled) return { text: "Use more timesteps.", option: longer(situation) };
  const fitter = fitterOf(situation);
  return fitter === null
    ? andLonger(lowerThresholds(situation), situation, settled)
    : moreSamples(fitter);
}

/** Finer steps where they were told to stay coarse; null elsewhere. */
function finerSteps(situation: Situation): Proposal | null {
  const precision = numberOf(situation, "precision");
  if (precision === null) return null;
  const { facts, name, value, option } = precision;
  const usual = Number(option.default);
  if (value >= usual) return null;
  return {
    text: "Allow finer steps",
    option: written(facts, name, Math.min(usual, value + 2)),
  };
}

/** Two bits more; null where spikes have the most that there are, or no number of them. */
function moreBits(situation: Situation): Proposal | null {
  const bits = numberOf(situation, "bits");
  const most = bits?.option.max ?? 0;
  if (bits === null || bits.value >= most) return null;
  return { text: "Give spikes more bits", option: `--bits ${Math.min(most, bits.value + 2)}` };
}

/** More timesteps, as an option: twice as many, or where each of them halves what is lost, a few. */
export function longer(situation: Situation): string {
  const traits = traitsIn(situation);
  const timesteps = answering(situation);
  if (traits?.gains === "digits") return `-T ${timesteps + 2}`;
  // Of n bits there are 2^n − 1 ticks.
  return `-T ${traits?.decoder === "frame" ? 2 * timesteps + 1 : 2 * timesteps}`;
}

/** The timesteps that `-T` counts: those after a rehearsal, where there is one. */
export function answering(situation: Situation): number {
  return situation.settings.timesteps - rehearsedTimesteps(situation);
}

/** Timesteps that the network runs before it starts on its answer. */
export function rehearsedTimesteps(situation: Situation): number {
  const runs = runsOf(situation).filter(({ changed }) => changed);
  return runs.map((run) => numberIn(run, "rehearsal")?.value ?? 0).find((n) => n > 0) ?? 0;
}

/** Whether few timesteps answer, or what they are is settled: a rehearsal comes last. */
function isShort(situation: Situation): boolean {
  return answering(situation) < manyTimesteps || rehearsedTimesteps(situation) > 0;
}

/** Whether the answer is a mean over the timesteps. */
function isMean(situation: Situation): boolean {
  return traitsIn(situation)?.decoder === "mean";
}

/** The traits of the code that a report names; null for one that this version does not know. */
function traitsIn({ settings }: Situation): CodeTraits | null {
  const code = spikingCodes.find((each) => each === settings.code);
  return code === undefined ? null : codeTraits[code];
}

/** Raises thresholds relative to those the pipeline chose. */
export function higherThresholds(situation: Situation): Proposal {
  const fitter = fitterOf(situation);
  if (fitter !== null) return moreSamples(fitter);
  const used = balanceOf(situation);
  const cut = used === null ? null : higherPercentile(used);
  if (cut !== null) return cut;
  const levels = used === null ? null : numberIn(used, "levels");
  if (
    used !== null &&
    levels !== null &&
    usesLeastError(used) &&
    situation.settings.code === "rate"
  ) {
    const given = levels.value > 0 ? levels.value : answering(situation);
    return {
      text: "Raise the thresholds: with more levels, the threshold with the least squared error is higher.",
      option: written(used.facts, levels.name, 2 * given),
    };
  }
  if (used?.facts.coversAll === true) {
    return {
      text:
        "The thresholds already are the largest activations of the calibration set, so that set " +
        "does not show how large activations get: calibrate on more samples.",
      option: moreCalibration,
    };
  }
  // That pass as it is, or where it has a percentile, at a higher one.
  const offer = offered(situation, "higher-thresholds");
  if (offer === null) return { text: "Raise the thresholds.", option: moreCalibration };
  const { facts, remedy } = offer;
  const raised = higherPercentile({ facts, options: {}, changed: true });
  return { text: `${remedy.text}.`, option: raised?.option ?? facts.name };
}

/** A tenth of what was cut off before: 99.9 → 99.99. Null for a pass that goes by no percentile. */
function higherPercentile(run: PassRun): Proposal | null {
  const percentile = numberIn(run, "percentile");
  if (percentile === null) return null;
  const { name, value: share } = percentile;
  const higher = Number((100 - (100 - share) / 10).toPrecision(6));
  return {
    text: `Raise the thresholds: cut off ${Number((100 - higher).toPrecision(3))} % of the activations instead of ${Number((100 - share).toPrecision(3))} %.`,
    option: written(run.facts, name, higher),
  };
}

/** Lowers thresholds relative to those the pipeline chose, or fits them more closely. */
export function lowerThresholds(situation: Situation): Proposal {
  const fitter = fitterOf(situation);
  if (fitter !== null) return finerSteps(situation) ?? moreSamples(fitter);
  const used = balanceOf(situation);
  const scope = used === null ? null : optionIn(used, "scope");
  if (used !== null && scope?.value === "layer") {
    return {
      text: "Give each channel its own threshold",
      option: written(used.facts, scope.name, "channel"),
    };
  }
  const offers = offersOf(situation, "lower-thresholds");
  const [first] = offers;
  const isDone = first !== undefined && used?.facts.name === first.facts.name;
  // What fits the network to what it really receives is next, and where there is none, another rule.
  const next = isDone ? (offered(situation, "fit") ?? offers[1]) : first;
  return proposal(next ?? null) ?? { text: "Lower the thresholds", option: moreCalibration };
}

/** Whether thresholds are where clipping and rounding are least together. */
function usesLeastError({ facts }: PassRun): boolean {
  return facts.remedy?.by === "lower-thresholds";
}

/** More timesteps first: they always help where they have not been seen not to. */
function andLonger(remedy: Proposal, situation: Situation, settled: boolean): Proposal {
  if (settled) return { ...remedy, text: `${remedy.text}.` };
  const text = `${remedy.text.charAt(0).toLowerCase()}${remedy.text.slice(1)}`;
  return {
    text: `Use more timesteps, or ${text}.`,
    option: `${longer(situation)} or ${remedy.option}`,
  };
}

/** The passes that ran, as far as there are still passes of their names. */
function runsOf({ pipeline, catalogue }: Situation): PassRun[] {
  return pipeline.flatMap(({ pass, options, changed }) => {
    const facts = catalogue.find(({ name }) => name === pass);
    return facts === undefined ? [] : [{ facts, options, changed }];
  });
}

/** The last pass that fitted the network to what its layers really send. */
function fitterOf(situation: Situation): PassRun | null {
  return (
    runsOf(situation).findLast(({ facts, changed }) => changed && facts.role === "fit") ?? null
  );
}

/** The last balance pass that changed the network. */
function balanceOf(situation: Situation): PassRun | null {
  return (
    runsOf(situation).findLast(({ facts, changed }) => changed && facts.role === "balance") ?? null
  );
}

interface Offered {
  readonly facts: PassFacts;
  readonly remedy: Offer;
}

/** The passes that offer a remedy for networks of this code, in the order of the catalogue. */
function offersOf({ catalogue, settings }: Situation, by: Offer["by"]): Offered[] {
  return catalogue.flatMap((facts): Offered[] => {
    const { remedy } = facts;
    if (remedy?.by !== by) return [];
    const fits = remedy.codes?.some((code) => code === settings.code) ?? true;
    return fits ? [{ facts, remedy }] : [];
  });
}

function offered(situation: Situation, by: Offer["by"]): Offered | null {
  return offersOf(situation, by)[0] ?? null;
}

function proposal(offer: Offered | null): Proposal | null {
  return offer === null ? null : { text: offer.remedy.text, option: offer.facts.name };
}

/** A pass with an option, as `--passes` takes it. */
function written({ name }: PassFacts, option: string, value: number | string): string {
  return `${name}{${option}=${value}}`;
}

interface OptionIn<V> {
  readonly facts: PassFacts;
  readonly name: string;
  readonly option: OptionFacts;
  /** What it was given, or its default. */
  readonly value: V;
}

/** The option of a pass that stands for something; null where none does. */
function optionIn(
  { facts, options }: PassRun,
  means: Meaning,
): OptionIn<number | string | boolean> | null {
  const found = Object.entries(facts.options).find(([, option]) => option.means === means);
  if (found === undefined) return null;
  const [name, option] = found;
  return { facts, name, option, value: options[name] ?? option.default };
}

function numberIn(run: PassRun, means: Meaning): OptionIn<number> | null {
  const found = optionIn(run, means);
  return found === null || typeof found.value !== "number"
    ? null
    : { ...found, value: found.value };
}

/** The same of the first pass that ran and has such an option. */
function numberOf(situation: Situation, means: Meaning): OptionIn<number> | null {
  for (const run of runsOf(situation)) {
    const found = numberIn(run, means);
    if (found !== null) return found;
  }
  return null;
}

/** Whether neurons start near half their threshold, which turns rounding down into rounding. */
function startsHalfway({ layers }: Situation): boolean {
  const near = (share: number | null): boolean => share === null || Math.abs(share - 0.5) < 0.25;
  return layers.every((layer) => near(layer.initialPotential));
}
