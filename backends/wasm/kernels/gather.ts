/**
 * Elements picked along one axis, each alone or as a weighted sum of several, from a table of where
 * they lie: interpolation, padding by what is there, repetition, and picking by constant indices.
 */
import { known } from "../../../ir/diagnostic.ts";
import type { Expr } from "../assembler/types.ts";
import type { FunctionWriter } from "../assembler/code.ts";
import { placeOf } from "../assembler/memory.ts";
import type { Buffer, View } from "../memory/view.ts";
import { axesOf, nest } from "./nest.ts";

/** What one element of the result is made of. */
export interface Tap {
  readonly index: number;
  readonly weight: number;
}

/** Bytes of a tap in the table: where it lies (bytes, i32) and its weight (f32). */
const tapBytes = 8;

export interface Gather {
  readonly input: View;
  /** Of the input's shape but along `axis`. */
  readonly output: View;
  readonly axis: number;
  readonly steps: number;
  /** As `tapTable` packs it. */
  readonly table: Buffer;
  readonly tapsEach: number;
  /** False where there is one tap each, of weight 1. */
  readonly weighted: boolean;
}

/** The most taps that an element has; one at least. */
export function tapsForEach(taps: readonly (readonly Tap[])[]): number {
  return taps.reduce((most, list) => Math.max(most, list.length), 1);
}

/**
 * Taps for each element along the axis, all as many: where some are missing the last one is taken twice
 * at half its weight. A tap of weight 0 on any other element would make NaN where that is infinite.
 */
export function tapTable(taps: readonly (readonly Tap[])[], stride: number): Int32Array {
  const each = tapsForEach(taps);
  const table = new Int32Array(2 * each * taps.length);
  const weights = new Float32Array(table.buffer);
  taps.forEach((given, k) => {
    const list = filled(given, each);
    list.forEach(({ index, weight }, t) => {
      table[2 * (k * each + t)] = 4 * stride * index;
      weights[2 * (k * each + t) + 1] = weight;
    });
  });
  return table;
}

function filled(taps: readonly Tap[], count: number): readonly Tap[] {
  const last = taps.at(-1);
  if (last === undefined || taps.length >= count) return taps;
  const half = { index: last.index, weight: last.weight / 2 };
  return filled([...taps.slice(0, -1), half, half], count);
}

export function gather(code: FunctionWriter, job: Gather): void {
  const { i32, v128, f32x4, f32 } = code.wasm;
  const { input, output, axis } = job;
  const views = [output, input];
  const count = output.shape[axis] ?? 1;
  const stride = output.strides[axis] ?? 0;
  nest(code, views, axesOf(views, job.steps, [axis]), true, (lanes, [to, from], inner) => {
    const y = code.define("i32", known(to, "y").get());
    const x = known(from, "x");
    const tap = code.define("i32", code.int(job.table.address));
    const at = (offset: number): Expr => i32.add(x.get(), i32.load(offset, 4, tap.get()));
    const wide = lanes === "vector";
    const splat = !wide || inner.strides[1] === 0;
    const load = (offset: number): Expr => {
      const place = placeOf(input);
      if (splat) return v128.load32_splat(place, 4, at(offset));
      return v128.load(place, 4, at(offset));
    };
    code.times(count, () => {
      const value = code.define("v128", load(0));
      if (job.weighted) {
        const weight = (offset: number): Expr => f32x4.splat(f32.load(offset + 4, 4, tap.get()));
        value.set(f32x4.mul(value.get(), weight(0)));
        for (let t = 1; t < job.tapsEach; t++) {
          const term = f32x4.mul(load(t * tapBytes), weight(t * tapBytes));
          value.set(f32x4.add(value.get(), term));
        }
      }
      if (wide) code.push(v128.store(placeOf(output), 4, y.get(), value.get()));
      else code.push(v128.store32_lane(placeOf(output), 4, 0, y.get(), value.get()));
      y.step(4 * stride);
      tap.step(tapBytes * job.tapsEach);
    });
  });
}
