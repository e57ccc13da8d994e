/**
 * Windows on words as kernels take them: runs of groups of words, weights in the order in which they are met,
 * and where sums of 16 bits have to go on to 32.
 */
import type { Run, WordWindow } from "../../kernels/words/form.ts";
import { wordOffset } from "../../memory/words.ts";
import type { PixelGrid } from "../../memory/spikes.ts";
import type { Lowering } from "../lowering.ts";
import type { WindowDrive } from "./drive.ts";
import { eventSumsOf } from "./events.ts";
import { insideOf } from "./inside.ts";
import { worthOfShares } from "./worth.ts";

/** Bytes of words that one splat of 32 bits holds. */
const groupBytes = 4;

/** A run, with the tap that its first group is of. */
interface TapRun {
  readonly row: number;
  readonly column: number;
  /** Taps that follow each other in it. */
  readonly columns: number;
  /** Groups of the tap row before it, where a row was cut. */
  readonly from: number;
  readonly groups: number;
}

export function packWindow(
  lowering: Lowering,
  drive: WindowDrive,
  name: string,
  grid: PixelGrid,
  vectors: number,
): WordWindow {
  const { channels } = grid;
  const { planes, kernel, dilation, stride, origin } = drive;
  const width = 4 * vectors;
  const blocks = Math.ceil(channels / width);
  const weights = groupWeights(drive, channels);
  const chunks = planes.bytes === 1 ? chunksOf(drive, weights, channels) : [wholeRuns(drive)];
  const bytes = planes.bytes;
  const perGroup = groupBytes / bytes;
  const groups = chunks.flat().reduce((sum, { groups: own }) => sum + own, 0);
  const packed = lowering.constant(`${name} words ${bytes} ${width}`, () => {
    const length = blocks * groups * width * perGroup;
    const all = bytes === 1 ? new Int8Array(length) : new Int16Array(length);
    let at = 0;
    for (let block = 0; block < blocks; block++) {
      for (const run of chunks.flat()) {
        for (let group = 0; group < run.groups; group++) {
          for (let lane = 0; lane < width; lane++) {
            for (let word = 0; word < perGroup; word++) {
              all[at++] = weights(block * width + lane, run, group, word);
            }
          }
        }
      }
    }
    return all;
  });
  const inside = insideOf(lowering, drive, name, grid.rows, 4 * blocks * chunks.length * width);
  const starts =
    planes.bias === 0
      ? null
      : lowering.constant(`${name} starts ${width}`, () => {
          const all = new Int16Array(2 * inside.rowSets.length * blocks * chunks.length * width);
          let at = 0;
          for (const rows of inside.rowSets) {
            const seen = chunks.map((runs) => runs.filter(({ row }) => rows[row] === true));
            for (let block = 0; block < blocks; block++) {
              for (const runs of seen) {
                for (let half = 0; half < 2 * width; half++, at++) {
                  const output = block * width + Math.floor(half / 2);
                  const sum = sumOfHalf(runs, half % 2, (run, group, word) =>
                    weights(output, run, group, word),
                  );
                  // What the bias of the words adds; it may wrap, as the sums do.
                  all[at] = -planes.bias * sum;
                }
              }
            }
          }
          return all;
        });
  const first = wordOffset(planes, ...origin);
  const placed = chunks.map((runs) =>
    runs.map(({ row, column, from, groups: count }): Run => {
      const tap = wordOffset(
        planes,
        origin[0] + row * dilation[0],
        origin[1] + column * dilation[1],
      );
      return { offset: tap - first + groupBytes * from, groups: count, row };
    }),
  );
  const worth = worthOfShares(lowering, drive.shares);
  return {
    ...{ words: planes, kernel, dilation, stride, origin, starts, inside, worth },
    events: eventSumsOf(lowering, drive, name, { ...grid, channels }, blocks * width),
    chunks: placed,
    weights: packed,
  };
}

type GroupWeights = (output: number, run: TapRun, group: number, word: number) => number;

/** The weight of a word of a group of a run; 0 beyond the last channel, of words and of outputs. */
function groupWeights(drive: WindowDrive, channels: number): GroupWeights {
  const { planes } = drive;
  const perGroup = groupBytes / planes.bytes;
  return (output, { row, column, columns, from }, group, word) => {
    const element = (from + group) * perGroup + word;
    const tap = Math.floor(element / planes.lanes);
    const channel = element % planes.lanes;
    if (output >= channels || tap >= columns || channel >= planes.grid.channels) return 0;
    return drive.weightOf(output, row, column + tap, channel);
  };
}

/** Rows of taps that follow each other in memory as one run each, others tap by tap. */
function wholeRuns({ planes, kernel, dilation }: WindowDrive): TapRun[] {
  const [rows, columns] = kernel;
  const groupsFor = (words: number): number => Math.ceil((words * planes.bytes) / groupBytes);
  const perTap = groupsFor(planes.grid.channels);
  const isDense = dilation[1] === 1 || columns === 1;
  const joined = groupsFor((columns - 1) * planes.lanes + planes.grid.channels);
  const joins = isDense && joined <= columns * perTap;
  const runs: TapRun[] = [];
  for (let row = 0; row < rows; row++) {
    if (joins) runs.push({ row, column: 0, columns, from: 0, groups: joined });
    else {
      for (let column = 0; column < columns; column++) {
        runs.push({ row, column, columns: 1, from: 0, groups: perTap });
      }
    }
  }
  return runs;
}

/** Groups that a chunk grows by, where a run is a multiple of it: kernels unroll so many. */
const together = 4;

/**
 * Runs in chunks none of which can come to a sum beyond 16 bits, whatever the words; as few as there can be. Two
 * products fit always: 2 · 127 · 128.
 */
function chunksOf(drive: WindowDrive, weights: GroupWeights, channels: number): TapRun[][] {
  const chunks: TapRun[][] = [];
  let sums = new HalfSums(drive, weights, channels);
  for (const run of wholeRuns(drive)) {
    const isFit = (part: TapRun): boolean => new HalfSums(drive, weights, channels).take(part);
    const parts = cut(run, run.groups % together === 0 ? together : 1);
    for (const part of parts.flatMap((each) => (isFit(each) ? [each] : cut(each, 1)))) {
      const chunk = chunks.at(-1);
      if (chunk === undefined || !sums.take(part)) {
        chunks.push([part]);
        sums = new HalfSums(drive, weights, channels);
        sums.take(part);
        continue;
      }
      const last = chunk.at(-1);
      const follows =
        last?.row === part.row &&
        last.column === part.column &&
        last.from + last.groups === part.from;
      if (last !== undefined && follows) {
        chunk[chunk.length - 1] = { ...last, groups: last.groups + part.groups };
      } else chunk.push(part);
    }
  }
  return chunks;
}

function cut(run: TapRun, size: number): TapRun[] {
  return Array.from({ length: Math.ceil(run.groups / size) }, (_, i) => ({
    ...run,
    from: run.from + i * size,
    groups: Math.min(size, run.groups - i * size),
  }));
}

/** The largest magnitudes that sums of each half of each output's words can come to. */
class HalfSums {
  private readonly drive: WindowDrive;
  private readonly weights: GroupWeights;
  private readonly up: Float64Array;
  private readonly down: Float64Array;

  constructor(drive: WindowDrive, weights: GroupWeights, channels: number) {
    this.drive = drive;
    this.weights = weights;
    this.up = new Float64Array(2 * channels);
    this.down = new Float64Array(2 * channels);
  }

  /** Adds a run, and gives whether all still fit; where they do not, these sums are of no use any more. */
  take(run: TapRun): boolean {
    const { planes } = this.drive;
    let most = 0;
    for (const half of this.up.keys()) {
      let [up, down] = [this.up[half] ?? 0, this.down[half] ?? 0];
      sumOfHalf([run], half % 2, (of, group, word) => {
        const weight = this.weights(Math.floor(half / 2), of, group, word);
        if (weight > 0) up += weight;
        else down -= weight;
        return weight;
      });
      this.up[half] = up;
      this.down[half] = down;
      most = Math.max(most, planes.bias === 0 ? Math.max(up, down) : up + down);
    }
    return most * planes.most < 2 ** 15;
  }
}

/** A pair of words of each group is summed to one number of 16 bits, the other to another. */
function sumOfHalf(
  runs: readonly TapRun[],
  half: number,
  of: (run: TapRun, group: number, word: number) => number,
): number {
  let sum = 0;
  for (const run of runs) {
    for (let group = 0; group < run.groups; group++) {
      sum += of(run, group, 2 * half) + of(run, group, 2 * half + 1);
    }
  }
  return sum;
}
