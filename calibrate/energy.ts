/**
 * From operation counts to energy, by a stated table. An estimate for comparing two networks on the
 * same arithmetic, never a prediction for a chip: the caveat goes wherever the numbers go.
 */

export interface EnergyTable {
  readonly name: string;
  readonly source: string;
  /** Energy of one multiply-accumulate, in picojoules. */
  readonly multiplyAccumulatePJ: number;
  /** Energy of one accumulation, in picojoules. */
  readonly accumulatePJ: number;
}

const horowitz =
  "M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, 45 nm, 0.9 V";

/** The tables that a report shows: the first is the convention of the literature. */
export const energyTables = [
  {
    name: "float32",
    source: `${horowitz}: 3.7 pJ per multiplication, 0.9 pJ per addition`,
    multiplyAccumulatePJ: 4.6,
    accumulatePJ: 0.9,
  },
  {
    // Against an 8-bit network the advantage of additions is smaller; leaving this out would
    // compare with a rival that nobody would build.
    name: "int8",
    source: `${horowitz}: 0.2 pJ per 8-bit multiplication, 0.1 pJ per 32-bit addition`,
    multiplyAccumulatePJ: 0.3,
    accumulatePJ: 0.1,
  },
] as const satisfies readonly EnergyTable[];

export const energyCaveat =
  "Energy is counted from arithmetic operations alone: no memory traffic, no leakage, no clock " +
  "tree, no input or output, and a multiply-accumulate or an addition costs the same wherever it " +
  "happens. A spike of several bits counts as one addition at each synapse for every bit that is set. On real hardware moving data usually costs more than computing on it. Use these " +
  "figures to compare two networks, not to predict a power supply.";

/** What one sample costs, as counts. */
export interface OperationCounts {
  /** Multiply-accumulates of the ANN's synapses. */
  readonly annMultiplyAccumulates: number;
  /** Multiply-accumulates of the SNN's synapses on analogue values, once per run. */
  readonly analogueOperations: number;
  /** Additions that spikes caused in the SNN; a spike of several bits causes one for each bit set. */
  readonly synapticOperations: number;
  /** Membrane updates: neurons × timesteps. Each integrates, and so costs one addition. */
  readonly neuronUpdates: number;
}

export interface EnergyEstimate {
  readonly table: EnergyTable;
  readonly annPJ: number;
  readonly snnAnaloguePJ: number;
  readonly snnSynapticPJ: number;
  readonly snnNeuronPJ: number;
  readonly snnPJ: number;
  /** SNN over ANN; below 1 the SNN is cheaper. Null for an ANN without multiply-accumulates. */
  readonly ratio: number | null;
  /** The same without membrane updates, as most papers count. */
  readonly ratioWithoutNeurons: number | null;
}

/** Energy of one sample, in picojoules, for the ANN and the SNN beside it. */
export function estimateEnergy(counts: OperationCounts, table: EnergyTable): EnergyEstimate {
  const annPJ = counts.annMultiplyAccumulates * table.multiplyAccumulatePJ;
  const snnAnaloguePJ = counts.analogueOperations * table.multiplyAccumulatePJ;
  const snnSynapticPJ = counts.synapticOperations * table.accumulatePJ;
  const snnNeuronPJ = counts.neuronUpdates * table.accumulatePJ;
  const snnPJ = snnAnaloguePJ + snnSynapticPJ + snnNeuronPJ;
  return {
    table,
    annPJ,
    snnAnaloguePJ,
    snnSynapticPJ,
    snnNeuronPJ,
    snnPJ,
    ratio: annPJ === 0 ? null : snnPJ / annPJ,
    ratioWithoutNeurons: annPJ === 0 ? null : (snnAnaloguePJ + snnSynapticPJ) / annPJ,
  };
}
