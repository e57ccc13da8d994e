/** Windows on words that may be summed by events: what the kernel needs beside the dense form. */
import { type EventLists, listsBytes } from "../../memory/event-lists.ts";
import type { PixelGrid } from "../../memory/spikes.ts";
import {
  activityOffset,
  activityRowBytes,
  wordOffset,
  wordPixelBytes,
  wordPlaneBytes,
  wordRowBytes,
} from "../../memory/words.ts";
import { type EventSums, listedRows, sumsPlaneBytes } from "../../kernels/words/event-sums.ts";
import { compactionTable } from "../../kernels/words/list-events.ts";
import {
  blockingOf,
  packForEvents,
  reachesOf,
  spillBytes,
  walkedColumns,
} from "../../kernels/words/walk-events.ts";
import type { Lowering } from "../lowering.ts";
import type { WindowDrive } from "./drive.ts";
import { mostEvents } from "./event-cost.ts";

/** Sums of all timesteps of a chunk are kept as long as they take no more than this. */
const mostSumBytes = 2 ** 21;

/** Columns of a window that are code of their own, where it is as large as the grid. */
const mostPhases = 16;

/**
 * What it takes to sum a window by events, for a layer of `grid` whose channels are padded to `outputs`; null where
 * there is no such form, or all words are faster to multiply at any number of events.
 */
export function eventSumsOf(
  lowering: Lowering,
  drive: WindowDrive,
  name: string,
  grid: PixelGrid,
  outputs: number,
): EventSums | null {
  const { planes, kernel, origin } = drive;
  const { windows, steps, parts } = lowering.options;
  if (windows === "tables") return null;
  // Taps that are apart are no run of a list.
  if (drive.dilation.some((gap, axis) => gap !== 1 && kernel[axis] !== 1)) return null;
  // A window that does not move is one phase for each of its columns, and reaches one output.
  const isOne = grid.rows * grid.columns === 1;
  const stride = isOne ? kernel : drive.stride;
  if (stride[1] > mostPhases) return null;
  const mostWeight = mostOf(drive, grid.channels);
  if (mostWeight * planes.most > 32_767) return null;
  const { blocks, vectors, together } = blockingOf({ kernel, stride }, outputs);
  const { channels: inputs } = planes.grid;
  const form = { kernel, stride, inputs, columns: grid.columns, vectors, together };
  const rows = listedRows(form, grid.rows);
  // Places have 16 bits.
  if (rows * inputs > 2 ** 16) return null;
  const shape = { walk: form, blocks, rows: grid.rows, outputs, bytes: planes.bytes };
  const all = planes.grid.rows * planes.grid.columns * inputs;
  const most = windows === "events" ? all : Math.min(all, mostEvents(shape));
  const mostPerRow = Math.ceil(most / grid.rows);
  if (most <= 0 || (windows === null && isTooDense(lowering, drive, most / all))) return null;
  const listed = { columns: walkedColumns(form), rows, capacity: mostPerRow * grid.rows };
  const scratch = (what: string, bytes: number) =>
    lowering.buffer("scratch", `${name} ${what}`, bytes);
  const lists: EventLists = {
    ...listed,
    buffer: scratch("events", parts * listsBytes(listed)),
  };
  const weights = reachesOf(kernel, stride).map((_, phase) =>
    lowering.constant(`${name} by events ${phase} ${vectors} ${together}`, () =>
      packForEvents(form, grid.channels, phase, drive.weightOf),
    ),
  );
  const walk = {
    ...{ ...form, lists, weights, mostWeight, mostWord: planes.most },
    spill: scratch("spilled sums", parts * spillBytes(form)),
  };
  const plane = sumsPlaneBytes({ walk, blocks, rows: grid.rows });
  const slots = Math.max(1, Math.min(steps, Math.floor(mostSumBytes / plane)));
  return {
    ...{ walk, origin, blocks, mostPerRow, slots, rows: grid.rows, words: planes.buffer },
    raster: {
      ...{ grid: planes.grid, bytes: planes.bytes, bias: planes.bias },
      pixelBytes: wordPixelBytes(planes),
      rowBytes: wordRowBytes(planes),
    },
    offset: wordOffset(planes, 0, 0),
    planeBytes: wordPlaneBytes(planes),
    activity:
      planes.activity === null
        ? null
        : {
            buffer: planes.activity,
            offset: activityOffset(planes, 0, 0),
            pixels: planes.grid.columns * planes.noted,
            rowBytes: activityRowBytes(planes),
          },
    compaction: lowering.constant("compaction of eight words", compactionTable),
    sums: scratch("sums by events", slots * plane),
    table: scratch("timesteps by events", 4 * parts * steps),
  };
}

/** Timesteps of a run up to which the mean of their rates is taken to be about that of each. */
const alikeTimesteps = 2;

/** Times the share of words up to which events are faster, at which a sample that gets below it is not looked for. */
const surelyDense = 1.5;

/**
 * Whether words were so many in calibration that nothing needs to be counted and nothing to be there for few of
 * them; `share` of all are the most at which events are faster.
 */
function isTooDense(lowering: Lowering, { sender }: WindowDrive, share: number): boolean {
  const { rates, timesteps } = lowering.options;
  const rate = rates.get(sender);
  return rate !== undefined && timesteps <= alikeTimesteps && rate > surelyDense * share;
}

/** The largest magnitude of a weight. */
function mostOf(drive: WindowDrive, outputs: number): number {
  let most = 0;
  for (let output = 0; output < outputs; output++) {
    for (let row = 0; row < drive.kernel[0]; row++) {
      for (let column = 0; column < drive.kernel[1]; column++) {
        for (let channel = 0; channel < drive.planes.grid.channels; channel++) {
          most = Math.max(most, Math.abs(drive.weightOf(output, row, column, channel)));
        }
      }
    }
  }
  return most;
}

/** Buffers that a step which sums by events reads, and that it writes. */
export function buffersOfEvents(events: EventSums) {
  return {
    reads: [events.compaction, ...events.walk.weights],
    writes: [events.walk.lists.buffer, events.walk.spill, events.sums, events.table],
  };
}
