/**
 * Suite `snn`: the spiking network on our engine beside the peers that run the analogue one once.
 * The question behind it is at which accuracy spikes are faster.
 */
import type { Case } from "../../suite.ts";
import {
  type Bench,
  type Start,
  memoryNote,
  ourName,
  rowsOrAlert,
  threadsNote,
  timed,
} from "../context.ts";
import { isWithin } from "../loss.ts";
import { type Contestant, interleave, withContestants } from "../processes/contestant.ts";
import { isFeedable, prepare } from "../prepare.ts";
import { type Row, rowOf } from "../rows.ts";
import { comparedCount, startOurs, startPeers } from "../sides.ts";
import { type SpikingNetwork, networksOf } from "../networks/spiking.ts";

export async function snnSuite(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const one of bench.cases) {
    const measure = () => withContestants(bench.node, (start) => measureCase(one, bench, start));
    rows.push(...(await rowsOrAlert(bench, `snn: ${one.name}`, measure)));
  }
  return rows;
}

async function measureCase(one: Case, bench: Bench, start: Start): Promise<Row[]> {
  const { settings } = bench;
  const prepared = await prepare(one, bench);
  if (!isFeedable(prepared.clean)) {
    bench.alert(`snn: ${one.name} is left out: it does not have one float32 input`);
    return [];
  }
  const { networks, within } = await chooseNetworks(bench, networksOf(prepared, bench));
  const { inputs } = prepared;
  const ann = await startOurs(start, bench, { inputs, model: one.model, timesteps: 1 });
  const { logits } = await ann.answers(comparedCount(prepared));
  const { peers, notes } = await startPeers(bench, start, prepared, logits);
  const ours = new Map<SpikingNetwork, Contestant>();
  const activity = new Map<SpikingNetwork, string>();
  for (const network of networks) {
    const { file: model, timesteps } = network;
    const contestant = await startOurs(start, bench, { inputs, model, timesteps });
    ours.set(network, contestant);
    const answers = await contestant.answers(comparedCount(prepared));
    activity.set(network, activityNote(network, answers.activity));
  }

  // With one thread many images a run take as long as one by one, less the cost of a call.
  const mode = settings.threads === 1 ? "stream" : "call";
  const contestants = [...ours.values(), ...peers];
  const measured = await interleave(
    contestants,
    settings.rounds,
    (contestant) => timed(settings, peers.includes(contestant) ? "call" : mode),
    (round) => bench.status(`${one.name}: SNN, round ${round} of ${settings.rounds}`),
  );
  const peaks = new Map<SpikingNetwork, string>();
  for (const [network, contestant] of ours) {
    peaks.set(network, memoryNote(await contestant.memory()));
  }
  const valuesOf = (contestant: Contestant | undefined): readonly number[] =>
    measured[contestants.findIndex((each) => each === contestant)] ?? [];

  return networks.flatMap((network) =>
    peers.map((peer) =>
      rowOf({
        suite: "snn",
        case: `${one.name}, T = ${network.timesteps}${within === network ? withinMark : ""}`,
        metric: "ms/image",
        better: "lower",
        subject: { name: ourName(settings), values: valuesOf(ours.get(network)) },
        baseline: { name: `${peer.name} (ANN)`, values: valuesOf(peer) },
        note: [
          activity.get(network),
          peaks.get(network),
          threadsNote(settings.threads),
          ...(within === null && network === networks.at(-1)
            ? ["no T tried is within half a point"]
            : []),
          ...(one.note === "" ? [] : [one.note]),
          `peers on the ANN: ${notes.get(peer) ?? ""}`,
        ].join("; "),
      }),
    ),
  );
}

const withinMark = " (within half a point)";

/** The networks of all timesteps asked for, and the first whose accuracy is close enough. */
async function chooseNetworks(
  { settings }: Bench,
  networkFor: (timesteps: number) => Promise<SpikingNetwork>,
): Promise<{ networks: SpikingNetwork[]; within: SpikingNetwork | null }> {
  const networks: SpikingNetwork[] = [];
  for (const timesteps of settings.timesteps) networks.push(await networkFor(timesteps));
  let within = networks.find(isWithin) ?? null;
  let last: SpikingNetwork | null = null;
  for (const timesteps of settings.furtherTimesteps) {
    if (within !== null || timesteps <= (settings.timesteps.at(-1) ?? 0)) continue;
    last = await networkFor(timesteps);
    if (isWithin(last)) within = last;
  }
  // The last one tried is shown even where it is not good enough: that is the answer then.
  return { networks: last === null ? networks : [...networks, last], within };
}

function activityNote(
  { accuracy, annAccuracy, accuracySamples }: SpikingNetwork,
  activity: { readonly firingRate: number; readonly synapticOperations: number } | null,
): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const samples = `on ${accuracySamples} samples`;
  const accuracies = `accuracy ${percent(accuracy)}, ANN ${percent(annAccuracy)} ${samples}`;
  if (activity === null) return accuracies;
  const operations = (activity.synapticOperations / 1e6).toPrecision(3);
  const rate = activity.firingRate.toPrecision(2);
  return `${accuracies}; ${rate} spikes per neuron and step, ${operations} M synaptic operations`;
}
