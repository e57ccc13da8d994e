/**
 * Every pass once, by phase, and every named pipeline with the reason for its order. The only list
 * of passes there is: the CLI, the documentation and the tests read it.
 */
import type { Property } from "../ir/module.ts";
import { canonicaliseShapes } from "./clean/canonicalise-shapes.ts";
import { dropIdentity } from "./clean/drop-identity.ts";
import { eliminateDead } from "./clean/eliminate-dead.ts";
import { foldConstants } from "./clean/fold-constants.ts";
import { mergePads } from "./clean/merge-pads.ts";
import { normaliseActivations } from "./clean/normalise-activations.ts";
import { shareCommon } from "./clean/share-common.ts";
import { sinkTransposes } from "./clean/sink-transposes.ts";
import { balanceLocal } from "./balance/balance-local.ts";
import { balanceMax } from "./balance/balance-max.ts";
import { balanceMmse } from "./balance/balance-mmse.ts";
import { balancePercentile } from "./balance/balance-percentile.ts";
import { fitLayers } from "./balance/fit-layers.ts";
import { delayReadout } from "./balance/delay-readout.ts";
import { setInitialPotential } from "./balance/set-initial-potential.ts";
import { commuteMaxPool } from "./convert/commute-max-pool.ts";
import { convertActivations } from "./convert/convert-activations.ts";
import { convertDifferential } from "./convert/convert-differential.ts";
import { convertFewSpikes } from "./convert/convert-few-spikes.ts";
import { convertTtfs } from "./convert/convert-ttfs.ts";
import { constantsToAffine } from "./fuse/constants-to-affine.ts";
import { foldBatchnorm } from "./fuse/fold-batchnorm.ts";
import { matmulToLinear } from "./fuse/matmul-to-linear.ts";
import { mergeLinear } from "./fuse/merge-linear.ts";
import { quantise } from "./quantise/quantise.ts";
import type { AnyPass } from "./pass.ts";
import { type PipelineNames, type PipelineStep, step } from "./pipeline.ts";

export const allPasses: readonly AnyPass[] = [
  // Clean: the same function, said more simply.
  foldConstants,
  dropIdentity,
  shareCommon,
  normaliseActivations,
  canonicaliseShapes,
  sinkTransposes,
  mergePads,
  eliminateDead,

  // Fuse: fewer linear ops, the rest of the network in their weights.
  matmulToLinear,
  constantsToAffine,
  foldBatchnorm,
  mergeLinear,

  // Convert: from values to spikes.
  commuteMaxPool,
  convertActivations,
  convertDifferential,
  convertFewSpikes,
  convertTtfs,

  // Balance: thresholds, initial potentials, read-out.
  balanceMax,
  balancePercentile,
  balanceMmse,
  balanceLocal,
  fitLayers,
  setInitialPotential,
  delayReadout,

  // Quantise: integers in place of floats.
  quantise,
];

/** From what a frontend makes to convolutions, linear layers, affine maps, pools and activations. */
const canonical: readonly PipelineStep[] = [
  // First, because everything after it looks for constants at operands.
  step(foldConstants),
  // Takes away what stands between ops that belong together.
  step(dropIdentity),
  // Before anything counts the users of a value: two equal users are one.
  step(shareCommon),
  step(normaliseActivations),
  // Makes transposes where the constant is on the left, so it goes before they sink.
  step(matmulToLinear),
  // Affine maps let transposes through; normalisations along another axis than 1 would not.
  step(constantsToAffine),
  step(foldBatchnorm),
  step(canonicaliseShapes),
  step(sinkTransposes),
  // Sinking leaves reshapes behind one another, and transposes that have become reshapes.
  step(canonicaliseShapes),
  step(mergePads),
  // Last of the merging, when nothing stands between ops that belong together.
  step(mergeLinear),
  // Merging leaves maps by 1 and 0, reshapes behind one another, and layers that are now equal.
  step(dropIdentity),
  step(canonicaliseShapes),
  step(shareCommon),
];

/** From an analogue network to a balanced rate-coded one. */
function spiking(balance: AnyPass): readonly PipelineStep[] {
  return [
    // Before conversion, because pooling values is exact and pooling spikes is not.
    step(commuteMaxPool),
    step(convertActivations),
    // Before balancing, because some rules take the initial potential into account.
    step(setInitialPotential),
    step(balance),
  ];
}

/** From an analogue network to a balanced one by another conversion. */
function spikingBy(convert: PipelineStep, balance: PipelineStep): readonly PipelineStep[] {
  // Pools go first: in front of neurons they pool values, which needs no decoding.
  return [...canonical, step(commuteMaxPool), convert, balance];
}

export const pipelines: ReadonlyMap<string, readonly PipelineStep[]> = new Map([
  ["canonical", canonical],
  // Deep networks answer late: what they send first would stay in the mean for long.
  ["default", [...canonical, ...spiking(balanceMmse), step(delayReadout)]],
  ["rate", [...canonical, ...spiking(balanceMmse), step(delayReadout)]],
  // No initial potential: neurons with spikes of several signs or sizes round to the nearest anyway.
  [
    "signed",
    [
      ...spikingBy(step(convertActivations, { sign: "retract" }), step(balanceMmse)),
      step(delayReadout),
    ],
  ],
  // No delay: with so many levels at each timestep there is no start-up to leave out.
  ["burst", spikingBy(step(convertActivations, { bits: 4 }), step(balanceMmse))],
  // Several levels, and a step that halves: what is missing after one timestep comes with the next.
  ["low-latency", spikingBy(step(convertDifferential), step(balanceMmse))],
  // Rounding is all that is lost, so what balances clipping against it is all that is needed.
  ["few-spikes", spikingBy(step(convertFewSpikes), step(balanceMmse))],
  ["one-spike", spikingBy(step(convertTtfs), step(balanceMmse))],
  // Time does not round, so the window may be wide: twice what was seen, the same for a whole layer.
  [
    "exact",
    spikingBy(
      step(convertTtfs, { resolution: "continuous" }),
      step(balanceMax, { headroom: 1, scope: "layer" }),
    ),
  ],
  // Last of all, because what sets thresholds and read-outs works on floats.
  ["integer", [...canonical, ...spiking(balanceMmse), step(delayReadout), step(quantise)]],
  // The classics, for comparison: how others choose thresholds, on the same network.
  ["max", [...canonical, ...spiking(balanceMax)]],
  ["percentile", [...canonical, ...spiking(balancePercentile)]],
  ["local", [...canonical, ...spiking(balanceLocal)]],
]);

/** What `parsePipeline` needs to read any pipeline of this build. */
export const pipelineNames: PipelineNames = { passes: allPasses, pipelines };

/** The passes that make a module have `property`; for `PipelineOptions.establishedBy`. */
export function establishedBy(property: Property): readonly string[] {
  return allPasses.filter((pass) => pass.establishes.includes(property)).map((pass) => pass.name);
}
