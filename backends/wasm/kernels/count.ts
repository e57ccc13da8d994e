/** Counting what spikes cause, for reports: apart from the kernels, and only where it is asked for. */
import type { Code } from "../assembler/code.ts";
import { onFirstThread, placeOf, pointerTo } from "../assembler/memory.ts";
import { type SpikeMasks, pixelBytes, pixelOffset, rowBytes } from "../memory/spikes.ts";
import type { Buffer, View } from "../memory/view.ts";

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
          const base = masks.buffer.address + pixelOffset(masks, 0, 0);
          let total = null;
          for (let bit = 0; bit < grid.channels; bit += 64) {
            const bits = Math.min(64, grid.channels - bit);
            const word = i64.load(base + bit / 8, 1, mask.get());
            const cut = bits === 64 ? word : i64.and(word, i64.const(2n ** BigInt(bits) - 1n));
            const ones = i32.wrap(i64.popcnt(cut));
            total = total === null ? ones : i32.add(total, ones);
          }
          spikes.set(total ?? code.int(0));
          code.when(spikes.get(), () => {
            add(row, () => f64.convert_s.i32(spikes.get()));
            if (connections === null) return;
            add(costs, () =>
              f64.convert_s.i32(i32.mul(spikes.get(), i32.load(0, 4, degree.get()))),
            );
          });
          mask.step(masks.maskBytes);
          out.step(8);

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

/** Adds the connections (f64, as the value lies row-major) of non-zero elements to row `costs`. */
export function countActive(
  code: Code,
  value: View,
  connections: Buffer,
  counts: View,
  costs: number,
  steps: number,
): void {
  const { i32, f64, f32 } = code.wasm;
  const axes = value.shape.map((extent, axis) => ({ extent, stride: value.strides[axis] ?? 0 }));
  onFirstThread(code, () => {
    const start = pointerTo(code, value.buffer);
    const out = pointerTo(code, counts.buffer);
    const place = placeOf(counts, costs * steps);
    code.times(steps, () => {
      const degree = code.define("i32", code.int(connections.address));
      const sum = code.define("f64", f64.const(0));
      const visit = (axis: number, at: () => number): void => {
        const each = axes[axis];
        const pointer = code.define("i32", at());
        if (each === undefined) {
          const isZero =
            value.element === "f32"
              ? f32.eq(f32.load(placeOf(value), 4, pointer.get()), f32.const(0))
              : i32.eqz(i32.load(placeOf(value), 4, pointer.get()));
          code.when(i32.eqz(isZero), () => {
            sum.set(f64.add(sum.get(), f64.load(0, 8, degree.get())));
          });
          degree.step(8);
          return;
        }
        code.times(each.extent, () => {
          visit(axis + 1, () => pointer.get());
          pointer.step(4 * each.stride);
        });
      };
      visit(0, () => start.get());
      code.push(f64.store(place, 8, out.get(), f64.add(f64.load(place, 8, out.get()), sum.get())));
      start.step(4 * value.lead);
      out.step(8);
    });
  });
}
