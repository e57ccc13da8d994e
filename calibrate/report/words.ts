/** Sentences on cost and latency that the page, the terminal and commands share. */
import type { Latency } from "../../ir/account/account.ts";
import { int8 } from "../energy.ts";
import { counted, digits3, quantity } from "./format.ts";
import type { ConversionReport } from "./schema.ts";

type Energy = Pick<ConversionReport["energy"][number], "ratio" | "ratioByBits"> & {
  readonly table: { readonly name: string };
};

/** When the answer is there, in timesteps and in layers that fire one after another. */
export function latencyWords({ timesteps, phases, withDelay }: Latency, isFramed: boolean): string {
  const layers = `${counted(phases, "layer")} of neurons`;
  const within = isFramed
    ? `${layers} one after another, each with a frame of its own`
    : phases === 0
      ? "there are no neurons"
      : phases === 1
        ? `one layer of neurons fires in ${timesteps === 1 ? "it" : "each of them"}`
        : `in ${timesteps === 1 ? "it" : "each of them"} all ${layers} fire one after another, without delay`;
  const delayed =
    withDelay === timesteps
      ? ""
      : `; with one timestep of delay from layer to layer it is ${withDelay}`;
  return `Answer after ${counted(timesteps, "timestep")}: ${within}${delayed}.`;
}

/** Timesteps until the answer; where every layer takes a frame of `timesteps`, the frames of all. */
export function answerWords(run: {
  readonly timesteps: number;
  readonly latencyTimesteps: number;
}): string {
  const { timesteps, latencyTimesteps } = run;
  if (latencyTimesteps <= timesteps) return counted(timesteps, "timestep");
  const layers = counted(latencyTimesteps / timesteps, "layer");
  return `${counted(latencyTimesteps, "timestep")} (a frame of ${timesteps} for each of ${layers})`;
}

/** The latency of a report. */
export function reportLatency({ settings }: Pick<ConversionReport, "settings">): Latency {
  const { latencyTimesteps: timesteps, latencyPhases: phases, latencyWithDelay } = settings;
  return { timesteps, phases, withDelay: latencyWithDelay };
}

/** What the columns of cost are. */
export const countedWords =
  "events: words × weights; bits: binary digits set in words × weights; " +
  "MACs: products on what is not a spike, the first layer among them";

/** What the column of losses is. */
export const lossWords =
  "loss: the ANN's accuracy less the spiking network's, in points; positive is worse";

/** What is divided by what; `annProducts` of one sample. */
export function ratioWords(annProducts: number): string {
  return `/ANN: events or bits, with MACs, over the ANN's ${quantity(annProducts)} MACs`;
}

/** What holds of bits, where they are not all of the work. */
export const bitsMultiplyWords =
  "steps are no powers of two of each other, so that counted by bits a receiver multiplies too";

/** Energy in one sentence, by the table of the network's own arithmetic. */
export function energyWords(
  { table, ratio, ratioByBits }: Energy,
  bitsAreAdditions: boolean,
): string {
  if (ratio === null) return "";
  // The table of networks of integers prices the products of an ANN as what a plain quantised one computes.
  const whose =
    table.name === int8.name ? "that of the same network as a plain int8 ANN" : "the ANN's";
  const figure = `Energy of the arithmetic alone, by the ${table.name} table, is ${digits3(ratio)} × ${whose}`;
  if (ratioByBits === null || !bitsAreAdditions) {
    return `${figure} by events; no figure by bits: steps are not powers of two, so each word would need a multiplication as well.`;
  }
  if (digits3(ratioByBits) === digits3(ratio)) return `${figure}, by events as by bits.`;
  return `${figure} by events, ${digits3(ratioByBits)} × by bits.`;
}

/** Energy beside the plain quantised ANN of as many bits; nothing where there is none. */
export function rivalWords({
  rival,
  energy,
  operations,
}: Pick<ConversionReport, "rival" | "energy" | "operations">): string {
  const row = energy.find(({ table }) => table.name === rival?.table);
  if (rival === null || row?.ratio === undefined || row.ratio === null) return "";
  const { ratio, ratioByBits } = row;
  const by =
    ratioByBits === null || digits3(ratioByBits) === digits3(ratio)
      ? ""
      : ` (${digits3(ratioByBits)} × by bits)`;
  const same = rival.isSame
    ? ` But for the rounding of weights it computes the same, as each neuron of this network sends one rounded value: ${differenceWords(by !== "" || (operations.plainSynapticOperations.at(-1) ?? 0) > 0)}.`
    : "";
  return `Beside a plain quantised ANN with values of ${counted(rival.bits, "bit")} and weights of 8, both by the table ${row.table.name}, it is ${digits3(row.ratio)} ×${by} (the accuracy of that network was not measured; \`npm run accuracy -- --methods quantised-ann\` does).${same}`;
}

/** What makes the energy of two networks differ that compute the same. */
function differenceWords(hasAdditions: boolean): string {
  return hasAdditions
    ? "what differs is zeros that are skipped, and products priced as shifted additions; a shift costs nothing here"
    : "what differs is zeros that are skipped";
}
