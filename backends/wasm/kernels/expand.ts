/** Spikes as numbers: what one is worth where its bit is set, zero elsewhere. */
import { invariant } from "../../../ir/diagnostic.ts";
import type { Code } from "../assembler/code.ts";
import { placeOf, pointerTo, shareOf } from "../assembler/memory.ts";
import { type SpikeMasks, pixelBytes, pixelOffset, rowBytes } from "../memory/spikes.ts";
import type { GridView, Parameters } from "./population.ts";

/** Writes every timestep of `masks` into `target`; amplitudes are not padded. Threads share rows. */
export function expandSpikes(
  code: Code,
  masks: SpikeMasks,
  amplitude: Parameters,
  target: GridView,
): void {
  const { i32 } = code.wasm;
  const { element } = target.view;
  invariant(element !== "f64", "spikes as doubles");
  const unit = code.wasm[element];
  const { grid } = masks;
  const share = shareOf(code, grid.rows);
  const row = code.define("i32", share.from.get());
  code.upTo(
    row,
    () => share.to.get(),
    1,
    () => {
      const from = pointerTo(code, masks.buffer);
      from.advance(i32.mul(row.get(), code.int(rowBytes(masks))));
      const to = pointerTo(code, target.view.buffer);
      to.advance(i32.mul(row.get(), code.int(4 * target.rowStride)));
      const worth = pointerTo(code, amplitude.buffer);
      worth.advance(i32.mul(row.get(), code.int(amplitude.pixelStride * grid.columns)));
      code.times(grid.columns, () => {
        const out = code.define("i32", to.get());
        const bits = code.define("i32", from.get());
        code.times(masks.steps, () => {
          const at = code.define("i32", out.get());
          const a = code.define("i32", worth.get());
          const channel = code.define("i32", code.int(0));
          code.upTo(
            channel,
            () => code.int(grid.channels),
            1,
            () => {
              const byte = i32.load8_u(
                masks.buffer.address + pixelOffset(masks, 0, 0),
                1,
                i32.add(bits.get(), i32.shr_u(channel.get(), code.int(3))),
              );
              const bit = i32.and(
                i32.shr_u(byte, i32.and(channel.get(), code.int(7))),
                code.int(1),
              );
              const value = code.wasm.select(
                bit,
                unit.load(amplitude.buffer.address, 4, a.get()),
                element === "f32" ? code.wasm.f32.const(0) : code.int(0),
              );
              code.push(unit.store(placeOf(target.view), 4, at.get(), value));
              at.step(4);
              a.step(4);
            },
          );
          out.step(4 * target.view.lead);
          bits.step(masks.maskBytes);
        });
        to.step(4 * target.columnStride);
        worth.step(amplitude.pixelStride);
        from.step(pixelBytes(masks));
      });
    },
  );
}
