/**
 * Samples that change over time, several in one file: arrays of all rows joined, and where each sample
 * begins. Here is what makes an archive one of these, and its samples as they are stored; frames are
 * made of them in `frames.ts`.
 */
import { fail, known } from "../../../ir/diagnostic.ts";
import { type Tensor, allocate, tensor } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import type { ArchivedArray } from "../archive/archive.ts";
import type { Budget } from "../budget.ts";
import type { Field } from "../dataset.ts";
import type { RecordingKind } from "./kind.ts";
import { diagnose } from "../../diagnostics.ts";

/** The arrays of each kind; an archive that holds all of one is such a recording. */
const arraysOf: Readonly<Record<RecordingKind, readonly string[]>> = {
  events: ["xyp", "t", "offset"],
  audio: ["audio", "offset"],
};

/** What an archive of these arrays records, or null where it is none. */
export function recordingIn(names: readonly string[]): RecordingKind | null {
  if (arraysOf.events.every((name) => names.includes(name))) return "events";
  return arraysOf.audio.every((name) => names.includes(name)) ? "audio" : null;
}

/** The array that is the samples, for the choice of labels beside it. */
export function mainArray(kind: RecordingKind): string {
  return kind === "events" ? "xyp" : "audio";
}

/**
 * Reads a recording. Fails where `offset` is not a list of places in order, and where arrays of events are
 * not those of as many events. Rows are not copied until a sample is asked for.
 */
export async function readRecording(
  kind: RecordingKind,
  arrays: readonly ArchivedArray[],
  file: string,
  budget: Budget,
): Promise<Field> {
  const read = async (name: string): Promise<Tensor> =>
    known(
      arrays.find((array) => array.name === name),
      `the array ${name}`,
    ).read();
  const rows = await read(mainArray(kind));
  const times = kind === "events" ? await read("t") : null;
  const [count = 0, ...rest] = rows.shape;
  if (times !== null) requireEvents(rows, times, file);
  if (rows.shape.length === 0) fault(file, `its "audio" is a single number`);
  const starts = startsOf(await read("offset"), count, file);
  const size = elementCount(rest);
  // A sample is made one at a time; the longest is the most that it takes.
  const bytesPerRow = times === null ? 0 : 2 * 8 * 4;
  budget.check(longestOf(starts) * bytesPerRow, file);
  return {
    name: "x",
    count: starts.length - 1,
    storedShape: [starts.length - 1, ...(times === null ? rest : [4])],
    sampleShape: times === null ? rest : [4],
    dtype: times === null ? rows.dtype : "f64",
    recording: kind,
    sample(index) {
      const from = known(starts[index], "a start");
      const to = known(starts[index + 1], "an end");
      if (times !== null) return eventsBetween(rows, times, from, to, index, file);
      const data = rows.data.subarray(from * size, to * size);
      return tensor(rows.dtype, [to - from, ...rest], data);
    },
  };
}

function requireEvents(xyp: Tensor, times: Tensor, file: string): void {
  const [count = 0, columns = 0, ...more] = xyp.shape;
  if (columns !== 3 || more.length > 0) {
    fault(file, `its "xyp" has shape [${xyp.shape.join(", ")}], not [events, 3]`);
  }
  if (times.shape.length !== 1 || times.shape[0] !== count) {
    const shape = `[${times.shape.join(", ")}]`;
    fault(file, `its "t" has shape ${shape}, and its "xyp" holds ${count} events`);
  }
}

/**
 * Where samples begin, and behind them where the last one ends. An array whose last element is the number
 * of rows has that end already; of any other, each element is a start.
 */
function startsOf(offset: Tensor, rows: number, file: string): Float64Array {
  const [count = 0] = offset.shape;
  if (offset.shape.length !== 1 || count === 0) {
    fault(file, `its "offset" has shape [${offset.shape.join(", ")}], not [samples + 1]`);
  }
  const given = Float64Array.from(offset.data);
  let before = 0;
  given.forEach((start, i) => {
    if (!Number.isInteger(start) || start < before || start > rows) {
      const place = `element ${i} of its "offset" is ${start}`;
      fault(file, `${place}, and places in ${rows} rows go from ${before} to ${rows} there`);
    }
    before = start;
  });
  if (given[0] !== 0) fault(file, `its "offset" begins with ${given[0] ?? ""}, not with 0`);
  return before === rows && count > 1 ? given : Float64Array.of(...given, rows);
}

function longestOf(starts: Float64Array): number {
  let longest = 0;
  for (let i = 1; i < starts.length; i++) {
    longest = Math.max(longest, (starts[i] ?? 0) - (starts[i - 1] ?? 0));
  }
  return longest;
}

/** Events `from` to `to` as [n, 4], by time; those of one time stay in the order of the file. */
function eventsBetween(
  xyp: Tensor,
  times: Tensor,
  from: number,
  to: number,
  index: number,
  file: string,
): Tensor {
  const data = allocate("f64", 4 * (to - from));
  const order = Float64Array.from({ length: to - from }, (_, k) => from + k);
  const timeOf = (k: number): number => times.data[k] ?? 0;
  if (order.some((k) => k > from && timeOf(k) < timeOf(k - 1))) {
    order.sort((a, b) => timeOf(a) - timeOf(b) || a - b);
  }
  order.forEach((k, i) => {
    const [x = 0, y = 0, p = 0] = xyp.data.subarray(3 * k, 3 * k + 3);
    const t = timeOf(k);
    for (const [what, value, least] of [
      ["x", x, 0],
      ["y", y, 0],
      ["polarity", p, -1],
      ["time", t, -Infinity],
    ] as const) {
      const fits = Number.isSafeInteger(value) && value >= least && (what !== "polarity" || p <= 1);
      if (fits) continue;
      fail(diagnose("event-value", null, { file, index, event: k - from, what, value }));
    }
    // Off is 0 in some files and −1 in others.
    data.set([x, y, Math.max(0, p), t], 4 * i);
  });
  return tensor("f64", [to - from, 4], data);
}

function fault(file: string, reason: string): never {
  return fail(diagnose("recording-header", null, { file, reason }));
}
