/**
 * The sums of a window by events, for those timesteps of a chunk at which few enough words are sent: they are in
 * memory before the layer's tiles are computed, which then read them instead of multiplying all words. How
 * many words a timestep has is counted at run time; sums are the same integers either way.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import type { Expr } from "../../assembler/types.ts";
import { pointerTo } from "../../assembler/memory.ts";
import { listsBytes } from "../../memory/event-lists.ts";
import type { Buffer } from "../../memory/view.ts";
import { type WordRaster, countEvents, larger, listEvents, smaller } from "./list-events.ts";
import { type EventWalk, type SumSink, joinedRows, spillBytes, walkRows } from "./walk-events.ts";

export interface EventSums {
  readonly walk: EventWalk;
  readonly raster: WordRaster;
  /** The words, bytes to pixel (0, 0) of the first timestep, and from timestep to timestep. */
  readonly words: Buffer;
  readonly offset: number;
  readonly planeBytes: number;
  /** A bit for each timestep at which a pixel sends anything, and how those of pixels lie; null where nobody notes it. */
  readonly activity: ActivityRows | null;
  /** Row and column of the first window's first tap. */
  readonly origin: readonly [number, number];
  readonly compaction: Buffer;
  /** Rows of outputs, and blocks of their channels. */
  readonly rows: number;
  readonly blocks: number;
  /** Planes of sums in i32 [row, column, channel of all blocks], for as many timesteps. */
  readonly sums: Buffer;
  readonly slots: number;
  /** For each thread and timestep: the address of its sums, or one of the following. */
  readonly table: Buffer;
  /** Words for each row of outputs up to which events are faster. */
  readonly mostPerRow: number;
}

/** Activity of the pixels of rows, 64 bits each. */
export interface ActivityRows {
  readonly buffer: Buffer;
  /** Bytes to the first pixel of the first row, of a row's pixels, and from row to row. */
  readonly offset: number;
  readonly pixels: number;
  readonly rowBytes: number;
}

/** What the table says where there are no sums in memory: multiply all words, or there are none. */
const asDense = 0;
/** Bytes of 1, as a table is filled with them. */
const asSilent = 0x01010101;

/** How sums of pixels lie. */
interface SumsShape extends Pick<EventSums, "blocks"> {
  readonly walk: Pick<EventWalk, "columns" | "vectors">;
}

/** Bytes of a pixel's sums, of a row's and of a timestep's. */
export function sumsPixelBytes({ walk, blocks }: SumsShape): number {
  return 32 * walk.vectors * blocks;
}

export function sumsRowBytes(events: SumsShape): number {
  return events.walk.columns * sumsPixelBytes(events);
}

export function sumsPlaneBytes(events: SumsShape & Pick<EventSums, "rows">): number {
  return events.rows * sumsRowBytes(events);
}

/** A share of the rows of outputs: what it reads, and where its sums go. */
interface Share {
  /** Rows of outputs: the first, and how many. */
  readonly from: Local;
  readonly outputs: Local;
  /** Rows of inputs that these see, the first of which may lie above the grid. */
  readonly firstRow: Local;
  readonly rows: Local;
  /** Those of them that are in the grid. */
  readonly first: Local;
  readonly inGrid: Local;
  readonly lists: Local;
  readonly spill: Local;
  /** Where the next sums go, and how many there is still room for. */
  readonly sums: Local;
  readonly left: Local;
}

/**
 * Fills this thread's part of the table, and the sums that it says are there, for rows [from, to). `together`: timesteps that
 * are one turn, which multiplies all words where it has to at any of them, so that others need no sums.
 */
export function sumEvents(
  code: FunctionWriter,
  events: EventSums,
  steps: number,
  rows: { readonly from: Local; readonly to: Local },
  together: number,
): void {
  const { i32, i64, memory } = code.wasm;
  const share = openShare(code, events, rows);
  const table = tableOf(code, events.table, steps);
  const plane = pointerTo(code, events.words);
  plane.step(events.words.address + events.offset);
  if (events.activity === null) {
    code.times(steps, () => {
      sumTimestep(code, events, share, plane, table);
      table.step(4);
      plane.step(events.planeBytes);
    });
    return;
  }
  code.push(memory.fill(table.get(), code.int(asSilent), code.int(4 * steps)));
  const mask = activeSteps(code, events.activity, share);
  const [entry, words] = [code.local("i32"), code.local("i32")];
  code.while(
    () => i64.ne(mask.get(), i64.const(0n)),
    () => {
      const time = code.define("i32", i32.wrap(i64.ctz(mask.get())));
      mask.set(i64.and(mask.get(), i64.sub(mask.get(), i64.const(1n))));
      entry.set(i32.add(table.get(), i32.shl(time.get(), code.int(2))));
      words.set(i32.add(plane.get(), i32.mul(time.get(), code.int(events.planeBytes))));
      sumTimestep(code, events, share, words, entry);
      if (together === 1) return;
      code.when(i32.eq(i32.load(0, 4, entry.get()), code.int(asDense)), () => {
        const turn = i32.mul(i32.div_u(time.get(), code.int(together)), code.int(together));
        const all = i64.const((1n << BigInt(together)) - 1n);
        const done = i64.shl(all, i64.extend_u(turn));
        mask.set(i64.and(mask.get(), i64.xor(done, i64.const(-1n))));
      });
    },
  );
}

function openShare(
  code: FunctionWriter,
  events: EventSums,
  { from, to }: { readonly from: Local; readonly to: Local },
): Share {
  const { i32, memory } = code.wasm;
  const { walk, raster, origin } = events;
  const { together, stride } = walk;
  const ofPart = (buffer: Buffer, bytes: number): Local => {
    const at = pointerTo(code, buffer);
    at.advance(i32.mul(code.parameter(0).get(), code.int(bytes)));
    at.step(buffer.address);
    return at;
  };
  const spill = ofPart(walk.spill, spillBytes(walk));
  code.push(memory.fill(spill.get(), code.int(0), code.int(spillBytes(walk))));
  const sums = pointerTo(code, events.sums);
  sums.step(events.sums.address);
  const outputs = code.define("i32", i32.sub(to.get(), from.get()));
  const firstRow = code.define("i32", i32.mul(from.get(), code.int(stride[0])));
  firstRow.step(origin[0]);
  const groups = i32.div_s(i32.add(outputs.get(), code.int(together - 1)), code.int(together));
  const rows = code.define("i32", i32.mul(groups, code.int(together * stride[0])));
  rows.step(joinedRows(walk) - together * stride[0]);
  const first = code.define("i32", larger(code, firstRow.get(), code.int(0)));
  const last = smaller(code, i32.add(firstRow.get(), rows.get()), code.int(raster.grid.rows));
  const inGrid = code.define("i32", larger(code, i32.sub(last, first.get()), code.int(0)));
  const left = code.define("i32", code.int(events.slots));
  const lists = ofPart(walk.lists.buffer, listsBytes(walk.lists));
  return { from, outputs, firstRow, rows, first, inGrid, lists, spill, sums, left };
}

/** Timesteps at which any pixel of the share sends something, as bits. */
function activeSteps(code: FunctionWriter, rows: ActivityRows, { first, inGrid }: Share): Local {
  const { i32, i64 } = code.wasm;
  const mask = code.define("i64", i64.const(0n));
  const at = pointerTo(code, rows.buffer);
  at.advance(i32.mul(first.get(), code.int(rows.rowBytes)));
  at.step(rows.buffer.address + rows.offset);
  const row = code.define("i32", code.int(0));
  code.upTo(
    row,
    () => inGrid.get(),
    1,
    () => {
      const pixel = code.define("i32", at.get());
      code.times(rows.pixels, () => {
        mask.set(i64.or(mask.get(), i64.load(0, 8, pixel.get())));
        pixel.step(8);
      });
      at.step(rows.rowBytes);
    },
  );
  return mask;
}

/** One timestep, whose words begin at `plane`: sums are made where it is worth it, and `entry` says where they are. */
function sumTimestep(
  code: FunctionWriter,
  events: EventSums,
  share: Share,
  plane: Local,
  entry: Local,
): void {
  const { i32 } = code.wasm;
  const { raster, walk } = events;
  const { first, inGrid, left, outputs } = share;
  const count = code.local("i32");
  countEvents(
    code,
    raster,
    () => i32.add(plane.get(), i32.mul(first.get(), code.int(raster.rowBytes))),
    () => i32.mul(inGrid.get(), code.int(raster.rowBytes)),
    count,
  );
  const note = (kind: Expr): void => {
    code.push(i32.store(0, 4, entry.get(), kind));
  };
  const most = i32.mul(outputs.get(), code.int(events.mostPerRow));
  const isWorth = i32.and(i32.le_s(count.get(), most), i32.gt_s(left.get(), code.int(0)));
  code.when(
    i32.eqz(count.get()),
    () => {
      note(code.int(asSilent));
    },
    () => {
      code.when(
        isWorth,
        () => {
          const { firstRow, rows } = share;
          const listed = { firstRow, rows, firstColumn: events.origin[1] };
          listEvents(code, raster, walk.lists, listed, plane, share.lists, events.compaction);
          walkShare(code, events, share);
          note(share.sums.get());
          share.sums.step(sumsPlaneBytes(events));
          left.step(-1);
        },
        () => {
          note(code.int(asDense));
        },
      );
    },
  );
}

/** Sums what is listed, block by block, each row by row. */
function walkShare(code: FunctionWriter, events: EventSums, share: Share): void {
  const { i32, v128 } = code.wasm;
  const { walk } = events;
  const { lists, spill, outputs } = share;
  const [block, row] = [code.local("i32"), code.local("i32")];
  const targets = code.several(walk.together, "i32");
  const place = { lists, block, row, rows: () => outputs.get(), spill };
  const sink: SumSink = {
    rows() {
      targets.forEach((target, k) => {
        const own = i32.add(i32.add(share.from.get(), row.get()), code.int(k));
        const inBlock = i32.mul(block.get(), code.int(32 * walk.vectors));
        const inPlane = i32.add(i32.mul(own, code.int(sumsRowBytes(events))), inBlock);
        target.set(i32.add(share.sums.get(), inPlane));
      });
    },
    pixel(k, values) {
      const target = known(targets[k], "a row");
      values.forEach((value, v) => {
        code.push(v128.store(16 * v, 16, target.get(), value()));
      });
      target.step(sumsPixelBytes(events));
    },
  };
  block.set(code.int(0));
  code.upTo(
    block,
    () => code.int(events.blocks),
    1,
    () => {
      row.set(code.int(0));
      code.upTo(
        row,
        () => outputs.get(),
        walk.together,
        () => {
          walkRows(code, walk, place, sink);
        },
      );
    },
  );
}

/** Fills this thread's part of the table where nothing is summed by events. */
export function sumNone(code: FunctionWriter, { table }: EventSums, steps: number): void {
  const at = tableOf(code, table, steps);
  code.push(code.wasm.memory.fill(at.get(), code.int(asDense), code.int(4 * steps)));
}

/** This thread's part of the table. */
function tableOf(code: FunctionWriter, table: Buffer, steps: number): Local {
  const at = pointerTo(code, table);
  at.advance(code.wasm.i32.mul(code.parameter(0).get(), code.int(4 * steps)));
  at.step(table.address);
  return at;
}

/** Where a tile reads its sums: `at` is beside what the table says. */
export interface SumsPlace {
  readonly at: Local;
  /** Bytes from position to position; 0 where positions are timesteps. */
  readonly stride: number;
  /** Vectors of a position. */
  readonly vectors: number;
  /** Whether positions are timesteps. */
  readonly alongTime: boolean;
  /** From the start of the chunk, and how many there are. */
  readonly time: Local;
  readonly steps: number;
}

/** Sets the sums of a tile to those that are in memory, where they are there; else by `dense`. */
export function readSums(
  code: FunctionWriter,
  events: EventSums,
  { at, stride, vectors, alongTime, time, steps }: SumsPlace,
  sums: readonly Local[],
  dense: () => void,
): void {
  const { i32, v128 } = code.wasm;
  const positions = sums.length / vectors;
  const table = tableOf(code, events.table, steps);
  table.advance(i32.shl(time.get(), code.int(2)));
  const kinds = Array.from({ length: alongTime ? positions : 1 }, (_, p) =>
    code.define("i32", i32.load(4 * p, 4, table.get())),
  );
  const areThere = kinds.map((kind) => i32.ne(kind.get(), code.int(asDense)));
  const read = (): void => {
    kinds.forEach((kind, p) => {
      const own = alongTime ? sums.slice(p * vectors, (p + 1) * vectors) : sums;
      code.when(
        i32.eq(kind.get(), code.int(asSilent)),
        () => {
          for (const sum of own) sum.set(v128.const(new Array<number>(16).fill(0)));
        },
        () => {
          kind.advance(at.get());
          own.forEach((sum, i) => {
            const offset = Math.floor(i / vectors) * stride + 16 * (i % vectors);
            sum.set(v128.load(offset, 16, kind.get()));
          });
        },
      );
    });
  };
  code.when(
    areThere.reduce((a, b) => i32.and(a, b)),
    read,
    dense,
  );
}

/** Entries of the lists that a share of rows needs at most. */
export function listedRows(
  walk: Pick<EventWalk, "kernel" | "stride" | "together">,
  rows: number,
): number {
  const { together, stride } = walk;
  return (
    Math.ceil(rows / together) * together * stride[0] + joinedRows(walk) - together * stride[0]
  );
}
