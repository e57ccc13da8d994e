/** The blocks of figures that every command prints with `--json`, each made in one place. */
import type { RunCosts } from "../cost-tally.ts";
import type { EarlyExitEvaluation } from "../early-exit.ts";

/** What a sample takes up to each timestep. */
function costsJson(costs: RunCosts) {
  return {
    spikes: [...costs.spikesPerSample],
    bits: [...costs.bitsPerSample],
    events: [...costs.synapticOperationsPerSample],
    additions: [...costs.plainSynapticOperationsPerSample],
    eventBits: [...costs.synapticBitsPerSample],
    multiplyAccumulates: [...costs.multiplyAccumulatesPerSample],
  };
}

/** A run in which samples end early, timestep by timestep: all of it up to where each sample ended. */
export function earlyExitFigures(evaluation: EarlyExitEvaluation) {
  const { costs, accuracyByTimestep, ended, operationsPerSample } = evaluation;
  return {
    timesteps: [...costs.timesteps],
    ended: [...ended],
    accuracy: accuracyByTimestep === null ? null : [...accuracyByTimestep],
    ...costsJson(costs),
    operations: { ...operationsPerSample },
  };
}
