/** What both networks take for one sample, as a report has it; nothing here is measured anew. */
import { operationKinds } from "../../ir/account/operations.ts";
import { shortName } from "../../ir/loc.ts";
import { type Work, allOperations } from "../../ir/account/work.ts";
import { energyTablesFor, estimateEnergy, runStepsOf, workOf } from "../energy.ts";
import type { Evaluation } from "../evaluate.ts";
import type { ConversionReport } from "./schema.ts";

export function costOfSample(
  ann: Evaluation,
  snn: Evaluation,
): Pick<ConversionReport, "operations" | "energy" | "rival"> {
  const [before, after] = [workOf(ann), workOf(snn)];
  const { own, all, rival } = energyTablesFor(snn);
  return {
    operations: {
      annMultiplyAccumulates: annProducts(ann),
      ann: { ...allOperations(before) },
      snn: { ...allOperations(after) },
      inputProducts: after.input.multiplyAccumulates,
      realProducts: after.real.multiplyAccumulates,
      valueProducts: snn.account.valueProducts * runStepsOf(snn),
      realLayers: snn.account.realLayers.map(({ loc }) => shortName(loc)),
      multiplyAccumulates: [...snn.multiplyAccumulatesPerSample],
      spikes: [...snn.spikesPerSample],
      bits: [...snn.bitsPerSample],
      synapticOperations: [...snn.synapticOperationsPerSample],
      plainSynapticOperations: [...snn.plainSynapticOperationsPerSample],
      synapticBits: [...snn.synapticBitsPerSample],
      bitsAreAdditions: after.bits !== null,
      neurons: snn.neurons.reduce((sum, op) => sum + op.neurons, 0),
      neuronUpdates: operationsIn(after.neurons),
    },
    energy: all.map((table) => ({
      ...estimateEnergy(before, after, table),
      table: { ...table, picojoules: { ...table.picojoules } },
      isOwn: table === own,
    })),
    rival:
      rival === null ? null : { bits: rival.bits, table: rival.table.name, isSame: rival.isSame },
  };
}

function annProducts(ann: Evaluation): number {
  return ann.multiplyAccumulatesPerSample.at(-1) ?? 0;
}

function operationsIn(all: Work["neurons"]): number {
  return operationKinds.reduce((sum, kind) => sum + all[kind], 0);
}
