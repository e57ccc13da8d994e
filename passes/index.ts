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
import { mergeQuantisers } from "./clean/merge-quantisers.ts";
import { normaliseActivations } from "./clean/normalise-activations.ts";
import { shareCommon } from "./clean/share-common.ts";
import { sinkTransposes } from "./clean/sink-transposes.ts";
import { allocateBits } from "./fit/allocate-bits.ts";
import { balanceGaussian } from "./balance/balance-gaussian.ts";
import { balanceLocal } from "./balance/balance-local.ts";
import { balanceMax } from "./balance/balance-max.ts";
import { balanceMmse } from "./balance/balance-mmse.ts";
import { balancePercentile } from "./balance/balance-percentile.ts";
import { fitLayers } from "./fit/fit-layers.ts";
import { fitSteps } from "./fit/fit-steps.ts";
import { calibratePotential } from "./correct/calibrate-potential.ts";
import { correctBias } from "./correct/correct-bias.ts";
import { delayReadout } from "./balance/delay-readout.ts";
import { ftbc } from "./correct/ftbc.ts";
import { rehearse } from "./correct/rehearse.ts";
import { setInitialPotential } from "./balance/set-initial-potential.ts";
import { centreActivations } from "./convert/centre-activations.ts";
import { commuteMaxPool } from "./convert/commute-max-pool.ts";
import { convertActivations } from "./convert/convert-activations.ts";
import { convertDifferential } from "./convert/convert-differential.ts";
import { convertFewSpikes } from "./convert/convert-few-spikes.ts";
import { convertTtfs } from "./convert/convert-ttfs.ts";
import { encodeInput } from "./convert/encode-input.ts";
import { relaxQuantisers } from "./convert/relax-quantisers.ts";
import { softLif } from "./convert/soft-lif.ts";
import { useFloat32 } from "./convert/use-float32.ts";
import { constantsToAffine } from "./fuse/constants-to-affine.ts";
import { foldBatchnorm } from "./fuse/fold-batchnorm.ts";
import { matmulToLinear } from "./fuse/matmul-to-linear.ts";
import { mergeLinear } from "./fuse/merge-linear.ts";
import { mergePools } from "./fuse/merge-pools.ts";
import { allocateWeightBits } from "./quantise/allocate-weight-bits.ts";
import { packWeights } from "./quantise/pack-weights.ts";
import { quantise } from "./quantise/quantise.ts";
import { NamedPipelines, aliases } from "./names.ts";
import type { AnyPass } from "./pass.ts";
import { type PipelineNames, type PipelineStep, step } from "./pipeline.ts";

export const allPasses: readonly AnyPass[] = [
  // Clean: the same function, said more simply.
  foldConstants,
  dropIdentity,
  mergeQuantisers,
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
  mergePools,

  // Convert: from values to spikes.
  useFloat32,
  commuteMaxPool,
  relaxQuantisers,
  centreActivations,
  convertActivations,
  convertDifferential,
  convertFewSpikes,
  convertTtfs,
  softLif,
  encodeInput,

  // Balance: thresholds, initial potentials, what corrects them, read-out.
  balanceMax,
  balancePercentile,
  balanceMmse,
  balanceGaussian,
  balanceLocal,
  fitLayers,
  fitSteps,
  allocateBits,
  allocateWeightBits,
  setInitialPotential,
  correctBias,
  calibratePotential,
  ftbc,
  delayReadout,
  rehearse,

  // Quantise: integers in place of floats, in fewer bits.
  quantise,
  packWeights,
];

/** From what a frontend makes to convolutions, linear layers, affine maps, pools and activations. */
const canonical: readonly PipelineStep[] = [
  // First, because everything after it looks for constants at operands.
  step(foldConstants),
  // Takes away what stands between ops that belong together.
  step(dropIdentity),
  // Before rectifiers are merged, which rounded clips are too, and before constants go into weights.
  step(mergeQuantisers),
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

/** What every conversion begins with. */
const prepared: readonly PipelineStep[] = [
  // Before everything that fuses, which then works in one type.
  step(useFloat32),
  ...canonical,
  // Before conversion, because pooling values is exact and pooling spikes is not.
  step(commuteMaxPool),
  // Behind the pools, which may stand between a quantiser and its activation.
  step(relaxQuantisers),
];

/** The same, and constants leave the activations as they are to be sent. */
const centred: readonly PipelineStep[] = [...prepared, step(centreActivations)];

/** From an analogue network to a balanced rate-coded one. */
function spiking(balance: AnyPass): readonly PipelineStep[] {
  return [
    ...centred,
    step(convertActivations),
    // Before balancing, because some rules take the initial potential into account.
    step(setInitialPotential),
    step(balance),
  ];
}

/** From an analogue network to a balanced one by another conversion. */
function spikingBy(
  convert: PipelineStep,
  ...balance: readonly PipelineStep[]
): readonly PipelineStep[] {
  return [...centred, convert, ...balance];
}

/** Those that make a code bear its name; the others are variants, and ways to choose thresholds. */
export const pipelines: ReadonlyMap<string, readonly PipelineStep[]> = new NamedPipelines([
  ["canonical", canonical],
  // What is sent first is corrected by what is sent next, so nothing is lost within a few timesteps.
  // Steps are fitted to what is left to send; balancing gives those their steps that send nothing.
  ["differential", spikingBy(step(convertDifferential), step(balanceMmse), step(fitSteps))],
  // Fewer spikes: corrections below a sixtieth of the range are not worth one. Neurons that send a current
  // have no activation behind them that lets small errors die out, so theirs are.
  [
    "sparse",
    spikingBy(
      step(convertDifferential),
      step(balanceMmse),
      step(fitSteps, { precision: 6, extra: 2 }),
    ),
  ],
  // Spikes of 8 bits leave little to correct: one timestep, or two.
  [
    "low-latency",
    spikingBy(step(convertDifferential, { bits: 8 }), step(balanceMmse), step(fitSteps)),
  ],
  // Spikes of 1 and −1. Fitting comes last: it is to what the layers before really send.
  ["signed-rate", spikingBy(step(convertActivations, { sign: "retract" }), step(fitLayers))],
  // Spikes of 1 only.
  ["rate", spikingBy(step(convertActivations), step(fitLayers))],
  ["burst", spikingBy(step(convertActivations, { bits: 4 }), step(fitLayers))],
  // Rounding is all that is lost, so what balances clipping against it is all that is needed.
  ["few-spikes", spikingBy(step(convertFewSpikes), step(balanceMmse))],
  ["ttfs", spikingBy(step(convertTtfs), step(balanceMmse))],
  // Time does not round, so the window may be wide: twice what was seen, the same for a whole layer.
  [
    "exact",
    spikingBy(
      step(convertTtfs, { resolution: "continuous" }),
      step(balanceMax, { headroom: 1, scope: "layer" }),
    ),
  ],
  // What `--integer` makes of `rate`.
  [
    "integer",
    [
      ...prepared,
      // Inputs are quantised, so their constants matter as those of activations do.
      step(centreActivations, { inputs: true }),
      step(convertActivations),
      step(setInitialPotential),
      // Keeps the steps of a quantised model, where fitting to samples would not.
      step(balanceMmse),
      step(delayReadout),
      // Last of all, because what sets thresholds and read-outs works on floats.
      step(quantise),
    ],
  ],
  // Leaky neurons: what networks with soft-LIF activations were trained for.
  [
    "lif",
    [
      ...centred,
      step(softLif),
      // Gains and biases of fitted neurons go into the weights before them.
      step(mergeLinear),
      // A filter and the first interval between spikes pass at each layer before it answers.
      step(delayReadout, { pace: 10 }),
    ],
  ],
  // The classics, for comparison: how others choose thresholds, on the same network.
  // Deep networks answer late: what they send first would stay in the mean for long.
  ["mmse", [...spiking(balanceMmse), step(delayReadout)]],
  ["max", [...spiking(balanceMax)]],
  ["percentile", [...spiking(balancePercentile)]],
  ["local", [...spiking(balanceLocal)]],
]);

/** What `parsePipeline` needs to read any pipeline of this build. */
export const pipelineNames: PipelineNames = { passes: allPasses, pipelines, aliases };

/** The passes that make a module have `property`; for `PipelineOptions.establishedBy`. */
export function establishedBy(property: Property): readonly string[] {
  return allPasses.filter((pass) => pass.establishes.includes(property)).map((pass) => pass.name);
}
