/** Suites `limits` and `kernel`: what the machine can do at best, and how much of it kernels get. */
import { type Bench, ourName } from "./context.ts";
import { type Contestant, withContestants } from "./contestant.ts";
import { kernelCases } from "./kernel.ts";
import { type LimitName, limitNames, limitNotes } from "./limit-modules.ts";
import { type Row, rowOf } from "./rows.ts";

const limitSubject = "WebAssembly SIMD, 1 thread";

export async function limitsSuite(bench: Bench): Promise<Row[]> {
  const values = await ratesOf(bench, limitNames);
  return limitNames.map((name) =>
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

export async function kernelSuite(bench: Bench): Promise<Row[]> {
  if (kernelCases.length === 0) {
    bench.alert("kernel: there are no kernels to measure");
    return [];
  }
  const limits = [...new Set(kernelCases.map((each): LimitName => each.limit))];
  const values = await ratesOf(bench, [...limits, ...kernelCases.map(({ name }) => name)]);
  return kernelCases.map(({ name, limit, note }) =>
    rowOf({
      suite: "kernel",
      case: name,
      metric: `${limit} per second`,
      better: "higher",
      subject: { name: ourName(bench.settings), values: values.get(name) ?? [] },
      baseline: { name: limitSubject, values: values.get(limit) ?? [] },
      note,
    }),
  );
}

/** Work per second of each name, round by round, after a round that compiles and does not count. */
async function ratesOf(
  { settings, status }: Bench,
  names: readonly string[],
): Promise<Map<string, number[]>> {
  const values = new Map(names.map((name): [string, number[]] => [name, []]));
  await withContestants(async (start) => {
    const machine: Contestant = await start("the machine", { role: "machine" });
    for (let round = -1; round < settings.rounds; round++) {
      for (const name of names) {
        status(`${name}, round ${round + 1} of ${settings.rounds}`);
        const seconds = settings.seconds;
        const rate = await machine.measure({ mode: "machine", seconds, name });
        if (round >= 0) values.get(name)?.push(rate);
      }
    }
  });
  return values;
}
