/** Counting what spikes cause, for reports: apart from the kernels, and only where it is asked for. */
import { known } from "../../../ir/diagnostic.ts";
import type { Expr } from "../assembler/types.ts";
import type { Code } from "../assembler/code.ts";
import { onFirstThread, placeOf, pointerTo } from "../assembler/memory.ts";
import {
  type SpikeMasks,
  maskBuffers,
  pixelBytes,
  pixelOffset,
  rowBytes,
} from "../memory/spikes.ts";
import type { Buffer, View } from "../memory/view.ts";
import { splat } from "./functions.ts";
import { Clock, type SharedSchedule, highHalf } from "./graded.ts";
import { axesOf, nestAlone } from "./nest.ts";

/**
 * Adds the spikes of each timestep to row `row` of `counts` [row, timestep], and spikes times the
 * connections of their pixel (i32 per pixel, row-major), where they are given, to row `costs`.
 */
export function countSpikes(
  code: Code,
  masks: SpikeMasks,
  connections: Buffer | null,
  counts: View,
  row: number,
  costs: number,
): void {
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
            add(row, () => f64.convert_s.i32(spikes.get()));
            if (connections === null) return;
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
  readonly counts: "non-zero" | "bits" | "number";
  readonly unit: View | null;
  readonly schedule: SharedSchedule;
}

/** What a spike of each element costs: the same everywhere, or a number for each (f32). */
export type Connections = { readonly all: number } | { readonly each: View };

/**
 * Adds the spikes of each timestep to row `spikes` of `counts` [row, timestep], and spikes times
 * connections to row `costs`, each where it is given.
 */
export function countWords(
  code: Code,
  counting: Counting,
  connections: Connections | null,
  counts: View,
  rows: { readonly spikes: number | null; readonly costs: number | null },
  steps: number,
): void {
  const { i32x4, f32x4, f64x2, f64, v128 } = code.wasm;
  const { view, unit } = counting;
  const each = connections !== null && "each" in connections ? connections.each : null;
  const views = [view, ...(unit === null ? [] : [unit]), ...(each === null ? [] : [each])];
  onFirstThread(code, () => {
    const pointers = views.map(({ buffer }) => pointerTo(code, buffer));
    const out = pointerTo(code, counts.buffer);
    const spikes = code.local("v128");
    const costs = code.local("v128");
    const words = code.local("v128");
    const clock = new Clock(code, counting.schedule);
    const none = (): Expr => v128.const(new Array<number>(16).fill(0));
    const first = (): Expr => v128.const([255, 255, 255, 255, ...new Array<number>(12).fill(0)]);
    clock.begin();
    code.times(steps, () => {
      spikes.set(none());
      costs.set(none());
      nestAlone(code, views, axesOf(views, 1), pointers, (lanes, at, inner) => {
        const load = (index: number): Expr => {
          const from = known(views[index], "a view");
          const pointer = known(at[index], "a pointer").get();
          return lanes === "scalar" || inner.strides[index] === 0
            ? v128.load32_splat(placeOf(from), 4, pointer)
            : v128.load(placeOf(from), 4, pointer);
        };
        const counted = spikesIn(code, counting, clock, load);
        words.set(lanes === "scalar" ? v128.and(counted, first()) : counted);
        spikes.set(i32x4.add(spikes.get(), words.get()));
        if (each === null) return;
        const cost = f32x4.mul(f32x4.convert_i32x4_s(words.get()), load(views.length - 1));
        const held = code.define("v128", cost);
        costs.set(f64x2.add(costs.get(), f64x2.promote_low_f32x4(held.get())));
        const upper = highHalf(code, held.get());
        costs.set(f64x2.add(costs.get(), f64x2.promote_low_f32x4(upper)));
      });
      const total = code.define(
        "f64",
        [1, 2, 3].reduce(
          (sum, lane) => f64.add(sum, f64.convert_s.i32(i32x4.extract_lane(spikes.get(), lane))),
          f64.convert_s.i32(i32x4.extract_lane(spikes.get(), 0)),
        ),
      );
      const add = (row: number | null, value: Expr): void => {
        if (row === null) {
          code.push(code.wasm.drop(value));
          return;
        }
        const place = placeOf(counts, row * steps);
        const sum = f64.add(f64.load(place, 8, out.get()), value);
        code.push(f64.store(place, 8, out.get(), sum));
      };
      add(rows.spikes, total.get());
      if (connections !== null) {
        const cost =
          "all" in connections
            ? f64.mul(total.get(), f64.const(connections.all))
            : f64.add(f64x2.extract_lane(costs.get(), 0), f64x2.extract_lane(costs.get(), 1));
        add(rows.costs, cost);
      }
      pointers[0]?.step(4 * view.lead);
      out.step(8);
      clock.tick();
    });
  });
}

/** How many spikes each of four elements is, as integers. */
function spikesIn(
  code: Code,
  { view, unit, counts }: Counting,
  clock: Clock,
  load: (index: number) => Expr,
): Expr {
  const { i32x4, i16x8, i8x16, f32x4, v128 } = code.wasm;
  const none = (): Expr => v128.const(new Array<number>(16).fill(0));
  const isFloat = view.element === "f32";
  if (counts === "non-zero") {
    const isSpike = isFloat ? f32x4.ne(load(0), none()) : i32x4.ne(load(0), none());
    return i32x4.neg(isSpike);
  }
  const floats = (lanes: Expr): Expr => (isFloat ? lanes : f32x4.convert_i32x4_s(lanes));
  const value = floats(load(0));
  const sizes = unit === null ? value : f32x4.div(clock.unscheduled(value), floats(load(1)));
  // Beside 2^23 a float has its nearest integer in its lowest bits. Words have up to 16 of them.
  const beside = f32x4.add(f32x4.abs(sizes), splat(code, 2 ** 23));
  const words = v128.and(beside, i32x4.splat(code.int(2 ** 16 - 1)));
  if (counts === "number") return words;
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(words)));
}
