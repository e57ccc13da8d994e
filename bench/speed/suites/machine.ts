/** Suites `limits` and `kernel`: what the machine can do at best, and how much of it kernels get. */
import { supportHere } from "../../../backends/wasm/runtime/support.ts";
import { known } from "../../../ir/diagnostic.ts";
import { type Bench, ourName } from "../context.ts";
import { type Contestant, withContestants } from "../processes/contestant.ts";
import { kernelCases } from "./kernel.ts";
import { type LimitName, limitNames, limitNotes } from "../kernels/limit-modules.ts";
import { type Row, rowOf } from "../rows.ts";
import { median } from "../statistics.ts";

const limitSubject = "WebAssembly SIMD, 1 thread";

export async function limitsSuite(bench: Bench): Promise<Row[]> {
  const names = limitNames.filter((name) => name !== "8-bit products" || supportHere().relaxed);
  const values = await ratesOf(bench, names);
  return names.map((name) =>
    rowOf({
      suite: "limits",
      case: name,
      metric: "per second",
      better: "higher",
      subject: { name: limitSubject, values: values.get(name) ?? [] },
      baseline: null,
      note: limitNotes[name],
    }),
  );
}

/** Calls of kernels are short, and there are many kernels. */
const partsOfTime = 4;

export async function kernelSuite(bench: Bench): Promise<Row[]> {
  const limits: LimitName[] = [
    ...new Set<LimitName>(["int16 adds", ...kernelCases.map(({ limit }) => limit)]),
  ];
  const seconds = bench.settings.seconds / partsOfTime;
  const names = [...limits, ...kernelCases.map(({ name }) => name)];
  const values = await ratesOf(bench, names, seconds);
  const valuesOf = (name: string): number[] => known(values.get(name), name);
  const medians = new Map(limits.map((name) => [name, median(valuesOf(name))]));
  const rows: Row[] = [];
  for (const each of kernelCases) {
    const { name, limit } = each;
    bench.status(`${name}: what it is`);
    rows.push(
      rowOf({
        suite: "kernel",
        case: name,
        metric: `${limit} per second`,
        better: "higher",
        subject: { name: ourName(bench.settings), values: valuesOf(name) },
        baseline: { name: limitSubject, values: valuesOf(limit) },
        note: await each.note(median(valuesOf(name)), medians),
      }),
    );
  }
  return rows;
}

/** Work per second of each name, round by round, after a round that compiles and does not count. */
async function ratesOf(
  { settings, status, node }: Bench,
  names: readonly string[],
  seconds = settings.seconds,
): Promise<Map<string, number[]>> {
  const values = new Map(names.map((name): [string, number[]] => [name, []]));
  await withContestants(node, async (start) => {
    const machine: Contestant = await start("the machine", { role: "machine" });
    for (let round = -1; round < settings.rounds; round++) {
      for (const name of names) {
        status(`${name}, round ${round + 1} of ${settings.rounds}`);
        const rate = await machine.measure({ mode: "machine", seconds, name });
        if (round >= 0) values.get(name)?.push(rate);
      }
    }
  });
  return values;
}
