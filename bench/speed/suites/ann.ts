/**
 * Suite `ann`: the analogue network on our engine beside the peers, per image and in batches, with
 * the memory that each process took. No spikes here; suite `snn` has them.
 */
import { known } from "../../../ir/diagnostic.ts";
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
import { type Contestant, interleave, withContestants } from "../processes/contestant.ts";
import { isFeedable, prepare } from "../prepare.ts";
import type { Measurement, MemoryReport } from "../processes/protocol.ts";
import { type Row, type Side, rowOf } from "../rows.ts";
import { comparedCount, startOurs, startPeers } from "../sides.ts";
import type { Better } from "../statistics.ts";

/** Images that peers take at a time where throughput is measured. */
const peerBatch = 8;

const memoryMetric = "peak MB";

export async function annSuite(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const one of bench.cases) {
    const measure = () => withContestants(bench.node, (start) => measureCase(one, bench, start));
    rows.push(...(await rowsOrAlert(bench, `ann: ${one.name}`, measure)));
  }
  return rows;
}

async function measureCase(one: Case, bench: Bench, start: Start): Promise<Row[]> {
  const { settings } = bench;
  const prepared = await prepare(one, bench);
  if (!isFeedable(prepared.clean)) {
    bench.alert(`ann: ${one.name} is left out: it does not have one float32 input`);
    return [];
  }
  const ours = await startOurs(start, bench, { ...prepared, model: one.model, timesteps: 1 });
  const { logits } = await ours.answers(comparedCount(prepared));
  const { peers, notes } = await startPeers(bench, start, prepared, logits);
  const contestants = [ours, ...peers];
  const measure = async (
    what: string,
    measurementOf: (contestant: Contestant) => Measurement,
  ): Promise<number[][]> =>
    interleave(contestants, settings.rounds, measurementOf, (round) =>
      bench.status(`${one.name}: ANN, ${what}, round ${round} of ${settings.rounds}`),
    );

  const rows: Row[] = [];
  /** Those whose process holds more than they need: our importer, which builds the network. */
  const withImporter = peers.filter(({ name }) => name === "tfjs-backend-wasm");
  const threads = threadsNote(settings.threads);
  const addRows = (metric: string, better: Better, values: number[][], how: string): void => {
    const [subject = [], ...others] = values;
    peers.forEach((peer, i) => {
      if (metric === memoryMetric && withImporter.includes(peer)) return;
      rows.push(
        rowOf({
          suite: "ann",
          case: one.name,
          metric,
          better,
          subject: { name: ourName(settings), values: subject },
          baseline: { name: peer.name, values: others[i] ?? [] } satisfies Side,
          note: [how, threads, notes.get(peer) ?? ""].filter((part) => part !== "").join("; "),
        }),
      );
    });
  };

  const calls = await measure("one image a call", () => timed(settings, "call"));
  addRows("ms/image", "lower", calls, "one image a call");
  const many = await measure("many images", (contestant) =>
    contestant === ours
      ? timed(settings, "stream")
      : { mode: "batch", seconds: settings.seconds, batch: peerBatch },
  );
  const perSecond = many.map((values) => values.map((milliseconds) => 1000 / milliseconds));
  addRows("images/s", "higher", perSecond, `ours many images a run, peers batches of ${peerBatch}`);
  const memories: MemoryReport[] = [];
  for (const contestant of contestants) memories.push(await contestant.memory());
  const peaks = memories.map(({ peakBytes }) => [peakBytes / 1e6]);
  const ourMemory = known(memories[0], "the memory of ours");
  addRows(memoryMetric, "lower", peaks, `largest resident sets; ours: ${memoryNote(ourMemory)}`);
  return rows;
}
