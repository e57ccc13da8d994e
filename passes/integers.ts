/** Any pipeline in integers: what `--integer` and `--weight-bits` make of its steps. */
import { allocateWeightBits } from "./quantise/allocate-weight-bits.ts";
import { centreActivations } from "./convert/centre-activations.ts";
import { convertActivations } from "./convert/convert-activations.ts";
import { convertDifferential } from "./convert/convert-differential.ts";
import { softLif } from "./convert/soft-lif.ts";
import { fitSteps } from "./fit/fit-steps.ts";
import { mergeLinear } from "./fuse/merge-linear.ts";
import { mergePools } from "./fuse/merge-pools.ts";
import { packWeights } from "./quantise/pack-weights.ts";
import { quantise } from "./quantise/quantise.ts";
import { type PipelineStep, step } from "./pipeline.ts";

/** Steps finer than this part of a range, as a power of two, send what the rounding of weights of 8 bits blurs. */
const enoughPrecision = 9;

/** How weights of few bits are rounded: those of an output together. With all bits it makes no difference. */
const together = { method: "gptq" };

/** What quantises differential code, which is exact enough to show how weights and inputs are rounded. */
const exact = { ...together, input: 12 };

/** Bits of a weight unless others are asked for. */
const allBits = 8;

/** Weights of no more bits than these take less room when they are packed. */
const packedBits = 4;

/** Bits of a weight, from 2 to 8: of all of them, or their mean, where each layer gets its own. */
export type WeightBits = number | { readonly mean: number };

/** As `--weight-bits` has it. */
export function textOfWeightBits(bits: WeightBits): string {
  return typeof bits === "number" ? `${bits}` : `mean:${bits.mean}`;
}

/** What a filter and the moment within a timestep when a neuron fires have no whole numbers for. */
const wholeSpikes = { synapse: 0, spikeTime: "step" };

/**
 * The steps, and integers behind them: inputs are quantised, so their constants matter as those of
 * activations do; steps over time are powers of two, so that receivers shift, and no finer than rounded weights
 * can tell apart; weights of differential code, and those of few bits, are rounded together. Options that somebody wrote stay as they
 * are. A pipeline that makes integers by itself gets the bits alone, where they are given.
 */
export function inIntegers(
  steps: readonly PipelineStep[],
  bits: WeightBits | undefined,
): readonly PipelineStep[] {
  const given = typeof bits === "number" ? { bits } : {};
  const allocated =
    typeof bits === "object" ? [step(allocateWeightBits, { budget: bits.mean })] : [];
  const rounding = bits === undefined || bits === allBits ? {} : together;
  const all = makesIntegers(steps)
    ? steps.flatMap((each) => {
        if (each.pass !== quantise) return [each];
        // Where somebody wrote the pass, its method is what it says, or the pass's own.
        const method = each.chosen === undefined ? rounding : {};
        return [...allocated, withOptions(each, { ...method, ...given })];
      })
    : [
        ...withGainsApart(steps).map((each) => {
          if (each.pass === centreActivations) return withUnchosen(each, { inputs: true });
          if (sendsUnits(each)) return withUnchosen(each, { pools: "weights" });
          if (each.pass === softLif) return withUnchosen(each, wholeSpikes);
          return each.pass === fitSteps ? withUnchosen(each, stepsBeside(each.options)) : each;
        }),
        // After fit-layers, which fits the few weights on averages better than those on all that they are of.
        ...(steps.some(sendsUnits) ? [step(mergePools)] : []),
        ...allocated,
        // Last of all, because what sets thresholds and read-outs works on floats.
        step(quantise, { ...(steps.some(sendsCorrections) ? exact : rounding), ...given }),
      ];
  const isNarrow = typeof bits === "object" || (bits !== undefined && bits <= packedBits);
  const isPacked = all.some(({ pass }) => pass === packWeights);
  return isNarrow && !isPacked ? [...all, step(packWeights)] : all;
}

/** Whether `inIntegers` leaves out a filter that the steps have by themselves. */
export function leavesOutFilter(steps: readonly PipelineStep[]): boolean {
  return steps.some(
    (each) =>
      each.pass === softLif &&
      each.options["synapse"] !== 0 &&
      withUnchosen(each, wholeSpikes).options["synapse"] === 0,
  );
}

/** The options of `fit-steps` beside integers: what named pipelines have set otherwise stays. */
function stepsBeside(options: PipelineStep["options"]): PipelineStep["options"] {
  const isAnyPrecision = options["precision"] === step(fitSteps).options["precision"];
  return {
    ...(options["steps"] === "free" ? { steps: "power" } : {}),
    ...(isAnyPrecision ? { precision: enoughPrecision } : {}),
  };
}

/**
 * The steps without what merges the gains of leaky neurons into weights: a single spike then brings many
 * times their threshold, which has to be many units. Maps of their own leave room for both.
 */
function withGainsApart(steps: readonly PipelineStep[]): readonly PipelineStep[] {
  const at = steps.findIndex(({ pass }) => pass === softLif);
  return at < 0 ? steps : steps.filter(({ pass }, i) => i < at || pass !== mergeLinear);
}

/** Whether the step makes neurons of 1 and −1, which round the average of a plane more than anything before. */
function sendsUnits({ pass, options }: PipelineStep): boolean {
  return pass === convertActivations && options["sign"] === "retract" && options["bits"] === 1;
}

/** Whether the step makes neurons that correct what they have sent. */
function sendsCorrections({ pass }: PipelineStep): boolean {
  return pass === convertDifferential;
}

/** Whether the steps make integers. */
export function makesIntegers(steps: readonly PipelineStep[]): boolean {
  return steps.some(({ pass }) => pass.role === "quantise");
}

/** The step with these options, except those that somebody wrote. */
function withUnchosen(step: PipelineStep, given: PipelineStep["options"]): PipelineStep {
  const free = Object.entries(given).filter(([option]) => step.chosen?.has(option) !== true);
  return withOptions(step, Object.fromEntries(free));
}

function withOptions(
  each: PipelineStep,
  given: Readonly<Record<string, number | string | boolean>>,
): PipelineStep {
  return { ...each, options: { ...each.options, ...given } };
}
