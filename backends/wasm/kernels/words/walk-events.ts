/**
 * Sums over a window of what its events are worth: each event adds its word times a row of weights. A row
 * of outputs is walked column by column of its inputs: the events of a column in the window's rows are one
 * run of its list, and add to all outputs that see the column, whose sums are in registers. So a pixel costs one
 * loop whose end no branch predictor foresees, however large the window is.
 *
 * Sums have 16 bits. Products wrap, and so do partial sums, which changes nothing as long as the whole sum fits;
 * that it does is known at run time, from the sum of the words' magnitudes. Where it might not, sums
 * are first added to others of 32 bits in memory.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import {
  type EventLists,
  columnBytes,
  entryBytes,
  magnitudeOffset,
  placesOffset,
} from "../../memory/event-lists.ts";
import type { Buffer } from "../../memory/view.ts";
import { smaller } from "./list-events.ts";

type Pair = readonly [number, number];

/** A window of events that slides over a grid, and its weights. */
export interface EventWalk {
  readonly lists: EventLists;
  readonly inputs: number;
  readonly kernel: Pair;
  readonly stride: Pair;
  /** Pixels of a row of outputs. */
  readonly columns: number;
  /** Vectors of eight outputs to a block; see `blockingOf`. */
  readonly vectors: number;
  /** Rows of outputs that are walked together, so that fewer loops end; their windows' rows are joined. */
  readonly together: number;
  /**
   * i16: for each phase of a column [block, row of the joined windows, input, row of outputs, output that it
   * reaches, lane]; the newest output first.
   */
  readonly weights: readonly Buffer[];
  /** The largest magnitude of a weight, and of a word. The product of both fits 16 bits. */
  readonly mostWeight: number;
  readonly mostWord: number;
  /** Zero at first and in the end: a row of outputs and some around, in i32. */
  readonly spill: Buffer;
}

/** What becomes of the sums. */
export interface SumSink {
  /** Rows of outputs that are walked together begin. */
  rows(): void;
  /** The next pixel's sums of one of these rows, four channels each. */
  pixel(row: number, sums: readonly (() => Expr)[]): void;
}

/** Vectors of sums that stay in registers beside a word and what is being added. */
const vectorsInRegisters = 12;

/**
 * Vectors to a block, as equal as can be, and rows that are walked together. Two rows of a window of three
 * have four rows of inputs, so a third of the additions is of zeros; where few channels leave loops
 * short, that is less than the end of a loop that is not foreseen.
 */
export function blockingOf(
  { kernel, stride }: Pick<EventWalk, "kernel" | "stride">,
  outputs: number,
): Pick<EventWalk, "vectors" | "together"> & { readonly blocks: number } {
  const reach = reachOf(kernel, stride);
  const needed = Math.ceil(outputs / 8);
  const blocks = Math.ceil(needed / Math.max(1, Math.floor(vectorsInRegisters / reach)));
  const vectors = Math.ceil(needed / blocks);
  const fits = 2 * reach * vectors <= vectorsInRegisters;
  return { blocks, vectors, together: fits && kernel[0] >= 3 * stride[0] ? 2 : 1 };
}

/** Rows of inputs that rows of outputs see which are walked together. */
export function joinedRows({
  kernel,
  stride,
  together,
}: Pick<EventWalk, "kernel" | "stride" | "together">): number {
  return kernel[0] + (together - 1) * stride[0];
}

/** How many outputs see a column of inputs, for each of the columns that one output moves on by. */
export function reachesOf(kernel: Pair, stride: Pair): number[] {
  return Array.from({ length: stride[1] }, (_, phase) =>
    Math.max(0, Math.ceil((kernel[1] - phase) / stride[1])),
  );
}

function reachOf(kernel: Pair, stride: Pair): number {
  return known(reachesOf(kernel, stride)[0], "a phase");
}

/** Columns of inputs that a row of outputs walks over. */
export function walkedColumns({
  kernel,
  stride,
  columns,
}: Pick<EventWalk, "kernel" | "stride" | "columns">): number {
  return (columns + reachOf(kernel, stride) - 1) * stride[1];
}

/** Bytes of a vector of sums in i32. */
const wideBytes = 32;

export function spillBytes(
  walk: Pick<EventWalk, "kernel" | "stride" | "columns" | "vectors" | "together">,
): number {
  const margin = reachOf(walk.kernel, walk.stride) - 1;
  return (walk.columns + 2 * margin) * walk.together * walk.vectors * wideBytes;
}

/** Where a walk is. */
export interface WalkPlace {
  /** Where this thread's lists begin. */
  readonly lists: Local;
  readonly block: Local;
  /** The first of the rows, counted from that whose window begins with the lists' first row; how many there are. */
  readonly row: Local;
  readonly rows: () => Expr;
  readonly spill: Local;
}

/** One block of rows of outputs that are walked together; the last of them need not be there. */
export function walkRows(
  code: FunctionWriter,
  walk: EventWalk,
  at: WalkPlace,
  sink: SumSink,
): void {
  const { i32, v128, i16x8, i32x4 } = code.wasm;
  const { kernel, stride, vectors, inputs, together } = walk;
  const reaches = reachesOf(kernel, stride);
  const reach = reachOf(kernel, stride);
  const zero = (): Expr => v128.const(new Array<number>(16).fill(0));
  // By age, the newest output that sees a column first, then by row.
  const sums = Array.from({ length: reach }, () => code.several(together * vectors, "v128"));
  for (const sum of sums.flat()) sum.set(zero());
  const entries = code.define(
    "i32",
    i32.add(at.lists.get(), i32.mul(at.row.get(), code.int(stride[0] * entryBytes))),
  );
  const spill = code.define("i32", at.spill.get());
  // The weights of each phase, moved back by the rows before the window.
  const bases = reaches.map((reached, phase) => {
    if (reached === 0) return null;
    const bytes = reached * together * vectors * 16;
    const block = i32.mul(at.block.get(), code.int(joinedRows(walk) * inputs * bytes));
    const above = i32.mul(at.row.get(), code.int(stride[0] * inputs * bytes));
    const first = known(walk.weights[phase], "weights").address;
    return code.define("i32", i32.add(i32.sub(block, above), code.int(first)));
  });
  const limit = Math.floor(32_767 / Math.max(1, walk.mostWeight));
  const safe = Math.max(1, Math.floor(limit / Math.max(1, walk.mostWord)));
  // Magnitudes that the sums have taken in: of this group of columns, and of those before.
  const now = code.define("i32", code.int(0));
  const before = code.several(reach - 1, "i32");
  for (const each of before) each.set(code.int(0));
  const next = code.local("i32");
  const end = code.local("i32");
  const magnitude = code.local("i32");
  const weights = code.local("i32");
  const word = code.local("v128");
  const isSpilled = code.define("i32", code.int(0));

  const spillOf = (age: number, vector: number, half: number): number =>
    ((reach - 1 - age) * together * vectors + vector) * wideBytes + 16 * half;
  const widen = (sum: Local, half: number): Expr =>
    half === 0 ? i32x4.extend_low_i16x8_s(sum.get()) : i32x4.extend_high_i16x8_s(sum.get());
  const flush = (): void => {
    sums.forEach((each, age) => {
      each.forEach((sum, k) => {
        for (const half of [0, 1]) {
          const offset = spillOf(age, k, half);
          const old = v128.load(offset, 4, spill.get());
          code.push(v128.store(offset, 4, spill.get(), i32x4.add(old, widen(sum, half))));
        }
        sum.set(zero());
      });
    });
    for (const each of before) each.set(code.int(0));
    isSpilled.set(code.int(1));
  };
  const walkTo = (stop: Local, phase: number, reached: number): void => {
    code.while(
      () => i32.lt_u(next.get(), stop.get()),
      () => {
        const place = i32.load16_u(placesOffset(walk.lists), 2, next.get());
        const base = known(bases[phase], "weights").get();
        weights.set(i32.add(base, i32.mul(place, code.int(reached * together * vectors * 16))));
        word.set(v128.load16_splat(0, 2, next.get()));
        next.step(2);
        sums.slice(0, reached).forEach((each, age) => {
          each.forEach((sum, k) => {
            const weight = v128.load(16 * (age * together * vectors + k), 16, weights.get());
            sum.set(i16x8.add(sum.get(), i16x8.mul(word.get(), weight)));
          });
        });
      },
    );
  };

  sink.rows();
  const column = code.define("i32", code.int(0));
  code.upTo(
    column,
    () => code.int(walk.columns + reach - 1),
    1,
    () => {
      now.set(code.int(0));
      reaches.forEach((reached, phase) => {
        if (reached === 0) return;
        const offset = phase * columnBytes(walk.lists);
        const below = offset + joinedRows(walk) * entryBytes;
        next.set(i32.load(offset, 4, entries.get()));
        end.set(i32.load(below, 4, entries.get()));
        const since = i32.load(offset + magnitudeOffset, 4, entries.get());
        magnitude.set(i32.sub(i32.load(below + magnitudeOffset, 4, entries.get()), since));
        now.advance(magnitude.get());
        const total = before.reduce((sum, each) => i32.add(sum, each.get()), now.get());
        code.when(i32.gt_s(total, code.int(limit)), () => {
          flush();
          now.set(magnitude.get());
          code.when(i32.gt_s(magnitude.get(), code.int(limit)), () => {
            const stop = code.local("i32");
            code.while(
              () => i32.lt_u(next.get(), end.get()),
              () => {
                stop.set(smaller(code, end.get(), i32.add(next.get(), code.int(2 * safe))));
                walkTo(stop, phase, reached);
                flush();
              },
            );
            now.set(code.int(0));
          });
        });
        walkTo(end, phase, reached);
      });
      const oldest = known(sums[reach - 1], "sums");
      const give = (): void => {
        const wide = oldest.map((sum, k) =>
          [0, 1].map(
            (half) => () =>
              i32x4.add(widen(sum, half), v128.load(spillOf(reach - 1, k, half), 4, spill.get())),
          ),
        );
        for (let row = 0; row < together; row++) {
          const own = wide.slice(row * vectors, (row + 1) * vectors).flat();
          const pixel = (): void => {
            sink.pixel(row, own);
          };
          if (row === 0) pixel();
          else code.when(i32.lt_s(i32.add(at.row.get(), code.int(row)), at.rows()), pixel);
        }
      };
      if (reach === 1) give();
      else code.when(i32.ge_s(column.get(), code.int(reach - 1)), give);
      for (let age = reach - 1; age > 0; age--) {
        known(sums[age], "sums").forEach((sum, k) => {
          sum.set(known(sums[age - 1]?.[k], "a sum").get());
        });
      }
      for (const sum of sums[0] ?? []) sum.set(zero());
      for (let age = reach - 2; age >= 0; age--) {
        known(before[age], "magnitudes").set(
          (age === 0 ? now : known(before[age - 1], "magnitudes")).get(),
        );
      }
      entries.step(stride[1] * columnBytes(walk.lists));
      spill.step(together * vectors * wideBytes);
    },
  );
  code.when(isSpilled.get(), () => {
    code.push(code.wasm.memory.fill(at.spill.get(), code.int(0), code.int(spillBytes(walk))));
  });
}

/** Weights of one phase as `EventWalk` has them; `weightOf` by output, row and column of the window, and input. */
export function packForEvents(
  walk: Pick<EventWalk, "kernel" | "stride" | "inputs" | "vectors" | "together">,
  outputs: number,
  phase: number,
  weightOf: (output: number, row: number, column: number, input: number) => number,
): Int16Array {
  const { kernel, stride, inputs, vectors, together } = walk;
  const reached = known(reachesOf(kernel, stride)[phase], "a phase");
  const width = 8 * vectors;
  const blocks = Math.ceil(outputs / width);
  const packed = new Int16Array(blocks * joinedRows(walk) * inputs * reached * together * width);
  let at = 0;
  for (let block = 0; block < blocks; block++) {
    for (let joined = 0; joined < joinedRows(walk); joined++) {
      for (let input = 0; input < inputs; input++) {
        for (let age = 0; age < reached; age++) {
          for (let below = 0; below < together; below++) {
            const row = joined - below * stride[0];
            for (let lane = 0; lane < width; lane++, at++) {
              const output = block * width + lane;
              if (row < 0 || row >= kernel[0] || output >= outputs) continue;
              packed[at] = weightOf(output, row, age * stride[1] + phase, input);
            }
          }
        }
      }
    }
  }
  return packed;
}
