/** Starts the two sides of a comparison: our engine, and every peer that is there. */
import { type Bench, type Start, ourName } from "./context.ts";
import { type Contestant, ContestantError } from "./processes/contestant.ts";
import type { Prepared } from "./prepare.ts";
import { peersFolder } from "./project.ts";
import type { InputFile, PeerName } from "./processes/protocol.ts";
import { relativeDifference } from "./statistics.ts";

/** Samples that answers are compared on. */
const comparedSamples = 16;

/** What a peer is started on. */
export type ForPeers = Pick<Prepared, "one" | "inputs" | "forPeers">;

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
  { one, inputs, forPeers }: ForPeers,
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
  if (fixedBatch === null) {
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

export function comparedCount({ inputs }: ForPeers): number {
  return Math.min(comparedSamples, inputs.count);
}

/**
 * Starts every peer that is there, and notes how far its outputs for the first samples are from
 * `expected`, which are ours.
 */
export async function startPeers(
  bench: Bench,
  start: Start,
  prepared: ForPeers,
  expected: Float32Array,
): Promise<{ peers: Contestant[]; notes: Map<Contestant, string> }> {
  const count = comparedCount(prepared);
  const peers: Contestant[] = [];
  const notes = new Map<Contestant, string>();
  for (const name of bench.peers) {
    try {
      const { contestant, batchNote } = await startPeer(start, bench, name, prepared);
      const { logits } = await contestant.answers(count);
      const difference = relativeDifference(expected, logits);
      const same = agreementNote(difference);
      if (difference > sameAnswer) bench.alert(`${prepared.one.name}: ${name}: ${same}`);
      notes.set(contestant, batchNote === "" ? same : `${batchNote}; ${same}`);
      peers.push(contestant);
    } catch (error) {
      if (!(error instanceof ContestantError)) throw error;
      bench.alert(`${prepared.one.name}: rows of ${name} are left out: ${error.message}`);
    }
  }
  return { peers, notes };
}
