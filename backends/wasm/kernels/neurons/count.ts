/** Counting what spikes cause, for reports: apart from the kernels, and only where it is asked for. */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { onFirstThread, placeOf, pointerTo } from "../../assembler/memory.ts";
import {
  type SpikeMasks,
  maskBuffers,
  pixelBytes,
  pixelOffset,
  rowBytes,
} from "../../memory/spikes.ts";
import type { Buffer, View } from "../../memory/view.ts";
import { splat } from "../functions.ts";
import { Clock, type SharedSchedule, highHalf } from "./graded.ts";
import { axesOf, nestAlone } from "../nest.ts";

/**
 * Adds the spikes of each timestep to row `row` of `counts` [row, timestep], where it is one, and spikes
 * times the connections of their pixel (i32 per pixel, row-major), where they are given, to row `costs`.
 */
export function countSpikes(
  code: FunctionWriter,
  masks: SpikeMasks,
  connections: Buffer | null,
  counts: View,
  row: number | null,
  costs: number | null,
): void {
  if (row === null && (connections === null || costs === null)) return;
  const { i32, i64, f64 } = code.wasm;
  const { grid } = masks;
  onFirstThread(code, () => {
    const rowStart = pointerTo(code, masks.buffer);
    const degree = code.define("i32", code.int(connections?.address ?? 0));
    const spikes = code.local("i32");
    code.times(grid.rows, () => {
      const at = code.define("i32", rowStart.get());
      code.times(grid.columns, () => {
        const mask = code.define("i32", at.get());
        const out = pointerTo(code, counts.buffer);
        code.times(masks.steps, () => {
          const total = maskBuffers(masks)
            .flatMap((buffer) => onesIn(buffer))
            .reduce((a, b) => i32.add(a, b));
          spikes.set(total);
          code.when(spikes.get(), () => {
            if (row !== null) add(row, () => f64.convert_s.i32(spikes.get()));
            if (connections === null || costs === null) return;
            add(costs, () =>
              f64.convert_s.i32(i32.mul(spikes.get(), i32.load(0, 4, degree.get()))),
            );
          });
          mask.step(masks.maskBytes);
          out.step(8);

          function onesIn(buffer: Buffer): readonly Expr[] {
            const base = buffer.address + pixelOffset(masks, 0, 0);
            return Array.from({ length: Math.ceil(grid.channels / 64) }, (_, i) => {
              const bits = Math.min(64, grid.channels - 64 * i);
              const word = i64.load(base + 8 * i, 1, mask.get());
              const cut = bits === 64 ? word : i64.and(word, i64.const(2n ** BigInt(bits) - 1n));
              return i32.wrap(i64.popcnt(cut));
            });
          }

          function add(index: number, value: () => number): void {
            const place = placeOf(counts, index * masks.steps);
            code.push(
              f64.store(place, 8, out.get(), f64.add(f64.load(place, 8, out.get()), value())),
            );
          }
        });
        at.step(pixelBytes(masks));
        degree.step(4);
      });
      rowStart.step(rowBytes(masks));
    });
  });
}

/** What a value's elements count as; see `SpikeWords` in lower/lowering.ts. */
export interface Counting {
  readonly view: View;
  readonly counts: "non-zero" | "bits" | "number" | "word";
  readonly unit: View | null;
  readonly schedule: SharedSchedule;
}

/** What a spike of each element costs: the same everywhere, or a number for each (f32). */
export type Connections = { readonly all: number } | { readonly each: View };

/** Rows of `counts` to add to; null where something is not wanted. */
export interface WordRows {
  readonly spikes: number | null;
  readonly bits: number | null;
  /** Spikes times connections, and their digits times connections. */
  readonly events: number | null;
  readonly eventBits: number | null;
}

/** Adds the spikes of each timestep to rows of `counts` [row, timestep]. */
export function countWords(
  code: FunctionWriter,
  counting: Counting,
  connections: Connections | null,
  counts: View,
  rows: WordRows,
  steps: number,
): void {
  const { view, unit } = counting;
  const each = connections !== null && "each" in connections ? connections.each : null;
  const views = [view, ...(unit === null ? [] : [unit]), ...(each === null ? [] : [each])];
  const all = connections !== null && "all" in connections ? connections.all : null;
  onFirstThread(code, () => {
    const pointers = views.map(({ buffer }) => pointerTo(code, buffer));
    const out = pointerTo(code, counts.buffer);
    const clock = new Clock(code, counting.schedule);
    const sums = [
      new CountSums(code, (read) => spikesIn(code, counting, read), rows.spikes, rows.events),
      new CountSums(
        code,
        (read) => digitsIn(code, counting, clock, read),
        rows.bits,
        rows.eventBits,
      ),
    ].filter(({ isWanted }) => isWanted);
    clock.begin();
    code.times(steps, () => {
      for (const sum of sums) sum.clear();
      nestAlone(code, views, axesOf(views, 1), pointers, (lanes, at, inner) => {
        const load: Load = (index) => {
          const from = known(views[index], "a view");
          const pointer = known(at[index], "a pointer").get();
          return lanes === "scalar" || inner.strides[index] === 0
            ? code.wasm.v128.load32_splat(placeOf(from), 4, pointer)
            : code.wasm.v128.load(placeOf(from), 4, pointer);
        };
        const degrees = each === null ? null : (): Expr => load(views.length - 1);
        for (const sum of sums) sum.add(lanes, load, degrees);
      });
      for (const sum of sums) sum.store(counts, out, steps, all);
      pointers[0]?.step(4 * view.lead);
      out.step(8);
      clock.tick();
    });
  });
}

/** The four elements at hand of view `index`. */
type Load = (index: number) => Expr;

/** Counts of four lanes: how many, and how many times the connections of each. */
class CountSums {
  readonly isWanted: boolean;
  private readonly code: FunctionWriter;
  private readonly countOf: (load: Load) => Expr;
  private readonly row: number | null;
  private readonly costRow: number | null;
  private readonly words: Local;
  private readonly counts: Local;
  private readonly costs: Local;

  constructor(
    code: FunctionWriter,
    countOf: (load: Load) => Expr,
    row: number | null,
    costRow: number | null,
  ) {
    this.code = code;
    this.countOf = countOf;
    this.row = row;
    this.costRow = costRow;
    this.isWanted = row !== null || costRow !== null;
    this.words = code.local("v128");
    this.counts = code.local("v128");
    this.costs = code.local("v128");
  }

  clear(): void {
    const { v128 } = this.code.wasm;
    for (const sum of [this.counts, this.costs]) sum.set(v128.const(new Array<number>(16).fill(0)));
  }

  add(lanes: string, load: Load, degrees: (() => Expr) | null): void {
    const { code, words, counts, costs } = this;
    const { i32x4, f32x4, f64x2, v128 } = code.wasm;
    const first = (): Expr => v128.const([255, 255, 255, 255, ...new Array<number>(12).fill(0)]);
    const counted = this.countOf(load);
    words.set(lanes === "scalar" ? v128.and(counted, first()) : counted);
    counts.set(i32x4.add(counts.get(), words.get()));
    if (degrees === null || this.costRow === null) return;
    const held = code.define("v128", f32x4.mul(f32x4.convert_i32x4_s(words.get()), degrees()));
    costs.set(f64x2.add(costs.get(), f64x2.promote_low_f32x4(held.get())));
    const upper = highHalf(code, held.get());
    costs.set(f64x2.add(costs.get(), f64x2.promote_low_f32x4(upper)));
  }

  /** Adds to the rows at timestep `out`; `all` is what every element is connected to, where it is the same. */
  store(view: View, out: Local, steps: number, all: number | null): void {
    const { code, counts, costs } = this;
    const { i32x4, f64x2, f64 } = code.wasm;
    const lane = (index: number): Expr =>
      f64.convert_s.i32(i32x4.extract_lane(counts.get(), index));
    const total = code.define(
      "f64",
      [1, 2, 3].reduce((sum, index) => f64.add(sum, lane(index)), lane(0)),
    );
    const add = (row: number | null, value: () => Expr): void => {
      if (row === null) return;
      const place = placeOf(view, row * steps);
      const sum = f64.add(f64.load(place, 8, out.get()), value());
      code.push(f64.store(place, 8, out.get(), sum));
    };
    add(this.row, () => total.get());
    add(this.costRow, () =>
      all === null
        ? f64.add(f64x2.extract_lane(costs.get(), 0), f64x2.extract_lane(costs.get(), 1))
        : f64.mul(total.get(), f64.const(all)),
    );
  }
}

/** How many spikes each of four elements is, as integers. */
function spikesIn(code: FunctionWriter, { view, counts }: Counting, load: Load): Expr {
  const { i32x4, f32x4, v128 } = code.wasm;
  if (counts === "number") return load(0);
  const none = (): Expr => v128.const(new Array<number>(16).fill(0));
  const isSpike = view.element === "f32" ? f32x4.ne(load(0), none()) : i32x4.ne(load(0), none());
  return i32x4.neg(isSpike);
}

/** The digits set in each of four elements, as integers. */
function digitsIn(code: FunctionWriter, counting: Counting, clock: Clock, load: Load): Expr {
  const { view, unit, counts } = counting;
  const { i32x4, i16x8, i8x16, f32x4, v128 } = code.wasm;
  const setIn = (words: Expr): Expr =>
    i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(words)));
  if (counts === "word") return setIn(load(0));
  if (counts !== "bits") return spikesIn(code, counting, load);
  const floats = (lanes: Expr): Expr =>
    view.element === "f32" ? lanes : f32x4.convert_i32x4_s(lanes);
  const value = floats(load(0));
  const sizes = unit === null ? value : f32x4.div(clock.unscheduled(value), floats(load(1)));
  // Beside 2^23 a float has its nearest integer in its lowest bits. Words have up to 16 of them.
  const beside = f32x4.add(f32x4.abs(sizes), splat(code, 2 ** 23));
  return setIn(v128.and(beside, i32x4.splat(code.int(2 ** 16 - 1))));
}
