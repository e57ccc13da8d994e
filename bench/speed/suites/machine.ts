/** Suites `limits` and `kernel`: what the machine can do at best, and how much of it kernels get. */
import { known } from "../../../ir/diagnostic.ts";
import { type Bench, ourName } from "../context.ts";
import { type Contestant, withContestants } from "../processes/contestant.ts";
import { kernelCasesOf } from "./kernel.ts";
import { type LimitName, limitNames, limitNotes } from "../kernels/limit-modules.ts";
import { type Row, rowOf } from "../rows.ts";
import { median } from "../statistics.ts";

const limitSubject = "WebAssembly SIMD, 1 thread";

export async function limitsSuite(bench: Bench): Promise<Row[]> {
  const { names, values } = await onMachine(bench, async (machine, relaxed) => {
    const names = limitNames.filter((name) => name !== "8-bit products" || relaxed);
    return { names, values: await ratesOf(bench, machine, names) };
  });
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
  const seconds = bench.settings.seconds / partsOfTime;
  const { cases, limits, values } = await onMachine(bench, async (machine, relaxed) => {
    const cases = kernelCasesOf(relaxed);
    const limits = [...new Set<LimitName>(["int16 adds", ...cases.map(({ limit }) => limit)])];
    const names = [...limits, ...cases.map(({ name }) => name)];
    return { cases, limits, values: await ratesOf(bench, machine, names, seconds) };
  });
  const valuesOf = (name: string): number[] => known(values.get(name), name);
  const medians = new Map(limits.map((name) => [name, median(valuesOf(name))]));
  const rows: Row[] = [];
  for (const each of cases) {
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

/** `work` with the process that measures, and whether its Node, which may be another one than this, has relaxed SIMD. */
function onMachine<T>(
  { node }: Bench,
  work: (machine: Contestant, relaxed: boolean) => Promise<T>,
): Promise<T> {
  return withContestants(node, async (start) => {
    const machine = await start("the machine", { role: "machine" });
    return work(machine, known(machine.loaded.relaxed, "what SIMD its Node has"));
  });
}

/** Work per second of each name, round by round, after a round that compiles and does not count. */
async function ratesOf(
  { settings, status }: Bench,
  machine: Contestant,
  names: readonly string[],
  seconds = settings.seconds,
): Promise<Map<string, number[]>> {
  const values = new Map(names.map((name): [string, number[]] => [name, []]));
  for (let round = -1; round < settings.rounds; round++) {
    for (const name of names) {
      status(`${name}, round ${round + 1} of ${settings.rounds}`);
      const rate = await machine.measure({ mode: "machine", seconds, name });
      if (round >= 0) values.get(name)?.push(rate);
    }
  }
  return values;
}
