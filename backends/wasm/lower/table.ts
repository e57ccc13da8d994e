/** The families of lowerings in the order in which they are asked. */
import { lowerAffine } from "./values/affine.ts";
import { lowerPrevious } from "./carries.ts";
import { lowerConversion } from "./values/conversions.ts";
import { lowerEinsum } from "./values/einsum.ts";
import { lowerElementwise } from "./values/elementwise.ts";
import { lowerGraded } from "./neurons/graded.ts";
import { lowerGather } from "./values/gathers.ts";
import { lowerLeaky } from "./neurons/leaky.ts";
import { lowerTemporal } from "./temporal.ts";
import { lowerGiven } from "./given.ts";
import { lowerFramed } from "./neurons/framed.ts";
import { lowerOnHost } from "./host.ts";
import type { Families } from "./lowering.ts";
import { lowerMatmul } from "./values/matmul.ts";
import { lowerMove } from "./values/moves.ts";
import { lowerDriven, lowerPopulation, lowerSpiking } from "./neurons/masked.ts";
import { lowerNorm } from "./values/norms.ts";
import { lowerPool } from "./synapses/pools.ts";
import { lowerReadOut } from "./read-out.ts";
import { lowerRehearsed } from "./neurons/rehearsed.ts";
import { lowerReduction } from "./values/reductions.ts";
import { lowerScan } from "./values/scans.ts";
import { lowerSpikePool } from "./synapses/spike-pools.ts";
import { lowerSynapse } from "./synapses/synapse.ts";
import { lowerTransposed } from "./synapses/transposed.ts";
import { lowerSent, lowerWordLayer, lowerWordSums } from "./words/layer.ts";
import { lowerWindow } from "./synapses/depthwise.ts";

export const families: Families = {
  spikes: [lowerPopulation, lowerSpikePool],
  words: [lowerWordLayer],
  // The last one takes everything.
  values: [
    lowerGiven,
    lowerPrevious,
    lowerSpiking,
    lowerDriven,
    lowerSent,
    lowerWordSums,
    lowerGraded,
    lowerLeaky,
    lowerRehearsed,
    lowerFramed,
    lowerTemporal,
    lowerWindow,
    lowerSynapse,
    lowerTransposed,
    lowerAffine,
    lowerElementwise,
    lowerConversion,
    lowerMove,
    lowerGather,
    lowerPool,
    lowerMatmul,
    lowerEinsum,
    lowerReduction,
    lowerNorm,
    lowerScan,
    lowerReadOut,
    lowerOnHost,
  ],
};
