/** Starts the two sides of a comparison: our engine, and every peer that is there, in floats and in int8. */
import { type Bench, type Start, ourName } from "./context.ts";
import { isWithin } from "./loss.ts";
import { type Contestant, ContestantError } from "./processes/contestant.ts";
import type { Prepared } from "./prepare.ts";
import { peersFolder } from "./project.ts";
import {
  type InputFile,
  type OnnxPeerName,
  type PeerName,
  readsOnnx,
} from "./processes/protocol.ts";
import { quantisedModel } from "./quantised/model.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import { relativeDifference } from "./statistics.ts";

/** Samples that answers are compared on. */
const comparedSamples = 16;

/** Our engine on the cleaned model, or on a `.snn`. */
export function startOurs(
  start: Start,
  bench: Bench,
  what: {
    readonly model: string;
    readonly inputs: InputFile | null;
    readonly timesteps: number;
    readonly name?: string;
    readonly threads?: number;
  },
): Promise<Contestant> {
  const { settings } = bench;
  return noted(
    bench,
    start(what.name ?? ourName(settings), {
      role: "ours",
      engine: settings.engine,
      threads: what.threads ?? settings.threads,
      model: what.model,
      inputs: what.inputs,
      timesteps: what.timesteps,
    }),
  );
}

/** A peer on a model, at the batch it was exported with where it cannot take another. */
async function startPeer(
  start: Start,
  bench: Bench,
  peer: PeerName,
  { one, inputs, forPeers }: Prepared,
): Promise<{ contestant: Contestant; batchNote: string }> {
  const spec = {
    role: "peer",
    peer,
    folder: peersFolder,
    threads: bench.settings.threads,
    model: forPeers.file,
    inputs,
    fixedBatch: null,
  } as const;
  const { fixedBatch } = forPeers;
  // What our importer reads is for any number of samples, whatever the model was exported for.
  if (fixedBatch === null || !readsOnnx(peer)) {
    return { contestant: await noted(bench, start(peer, spec)), batchNote: "" };
  }
  try {
    const contestant = await start(peer, spec);
    // A shape that still has the old batch in it shows up only when run.
    await contestant.answers(1);
    await contestant.measure({ mode: "batch", seconds: 0, batch: 2 });
    return { contestant: await noted(bench, Promise.resolve(contestant)), batchNote: "" };
  } catch (error) {
    if (!(error instanceof ContestantError)) throw error;
    const original = { ...spec, model: one.model, fixedBatch };
    const contestant = await noted(bench, start(peer, original));
    return { contestant, batchNote: `${peer} at the model's fixed batch of ${fixedBatch}` };
  }
}

/** Notes the versions of what was started. */
async function noted(bench: Bench, starting: Promise<Contestant>): Promise<Contestant> {
  const contestant = await starting;
  for (const [name, version] of Object.entries(contestant.loaded.versions)) {
    bench.versions.set(name, version);
  }
  for (const remark of contestant.loaded.remarks) bench.alert(`${contestant.name}: ${remark}`);
  return contestant;
}

/** Beyond this it is no matter of the order of summation. */
const sameAnswer = 1e-4;

/** Rounded up to a power of ten. */
export function agreementNote(difference: number): string {
  if (difference === 0) return "the same outputs";
  if (!Number.isFinite(difference)) return "outputs that are no numbers";
  if (difference > sameAnswer)
    return `outputs differ by ${difference.toPrecision(2)} of the largest`;
  return `outputs within 1e${Math.ceil(Math.log10(difference))} of the largest`;
}

export function comparedCount({ inputs }: Prepared): number {
  return Math.min(comparedSamples, inputs.count);
}

export interface Peers {
  readonly peers: readonly Contestant[];
  /** What is to be said of each one's outputs. */
  readonly notes: ReadonlyMap<Contestant, string>;
}

/**
 * Starts every peer that is there: on the model, noting how far its outputs for the first samples are
 * from `expected`, which are ours; and on its form in int8, noting its accuracy.
 */
export async function startPeers(
  bench: Bench,
  start: Start,
  prepared: Prepared,
  expected: Float32Array,
): Promise<Peers> {
  const notes = new Map<Contestant, string>();
  const started = async (name: string, work: () => Promise<[Contestant, string] | null>) => {
    try {
      const made = await work();
      if (made !== null) notes.set(...made);
    } catch (error) {
      if (!(error instanceof ContestantError || error instanceof DiagnosticError)) throw error;
      bench.alert(`${prepared.one.name}: rows of ${name} are left out: ${error.message}`);
    }
  };
  for (const peer of bench.peers) {
    await started(peer, () => startOnFloats(bench, start, peer, prepared, expected));
  }
  for (const peer of bench.peers.filter(readsOnnx)) {
    const name = `${peer} int8`;
    await started(name, () => startOnIntegers(bench, start, peer, name, prepared));
  }
  return { peers: [...notes.keys()], notes };
}

async function startOnFloats(
  bench: Bench,
  start: Start,
  peer: PeerName,
  prepared: Prepared,
  expected: Float32Array,
): Promise<[Contestant, string]> {
  const { contestant, batchNote } = await startPeer(start, bench, peer, prepared);
  const { logits } = await contestant.answers(comparedCount(prepared));
  const difference = relativeDifference(expected, logits);
  const same = agreementNote(difference);
  if (difference > sameAnswer) bench.alert(`${prepared.one.name}: ${peer}: ${same}`);
  return [contestant, batchNote === "" ? same : `${batchNote}; ${same}`];
}

/** Null where its accuracy is too far from the floats' to be compared with, which is said. */
async function startOnIntegers(
  bench: Bench,
  start: Start,
  peer: OnnxPeerName,
  name: string,
  prepared: Prepared,
): Promise<[Contestant, string] | null> {
  const leaveOut = (why: string): null => {
    bench.alert(`${prepared.one.name}: rows of ${name} are left out: ${why}`);
    return null;
  };
  const model = await quantisedModel(prepared, bench);
  if ("why" in model) return leaveOut(model.why);
  const { annAccuracy } = model;
  const { accuracy, agreement, samples } = await model.onPeer(peer);
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const note =
    `int8 by QDQ: accuracy ${percent(accuracy)}, ANN ${percent(annAccuracy)}, ` +
    `agreement ${percent(agreement)} on ${samples} samples`;
  if (!isWithin({ accuracy, annAccuracy })) return leaveOut(note);
  const contestant = await start(name, {
    ...{ role: "peer", peer, folder: peersFolder, threads: bench.settings.threads },
    ...{ model: model.file, inputs: prepared.inputs, fixedBatch: null },
  });
  const floats = model.inFloats.length === 0 ? "" : `; in floats: ${model.inFloats.join(", ")}`;
  return [await noted(bench, Promise.resolve(contestant)), note + floats];
}
