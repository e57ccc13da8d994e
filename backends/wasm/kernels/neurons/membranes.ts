/** The registers of the neurons of one pixel and block of channels, and what happens to them in a timestep. */
import {
  crowdsRegisters,
  blockWidth,
  type SinkPointers,
  type PopulationForm,
  paddedBytes,
} from "./population-form.ts";
import { invariant, known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf, storeLanes } from "../../assembler/memory.ts";
import { pixelOffset, signsOf } from "../../memory/spikes.ts";
import type { Buffer } from "../../memory/view.ts";
import { fire } from "./firing.ts";
import { type LaneSums, adderOf } from "../lanes.ts";

/** The registers of one pixel and block, and what happens to them in a timestep. */
export interface Membranes {
  /** Where events add to. */
  readonly sums: LaneSums;
  begin(): void;
  openSums(): void;
  /** From int16 sums to the int32 sums that potentials are kept in. */
  widenSums(): void;
  /** Adds a vector of 32-bit lanes to each quarter of the sums, or subtracts it. */
  addEach(value: (vector: number) => Expr, sign?: 1 | -1): void;
  close(): void;
  end(): void;
}

export function openMembranes(
  code: FunctionWriter,
  population: PopulationForm,
  block: Local,
  pointers: SinkPointers,
  lanes: number,
): Membranes {
  const { wasm } = code;
  const { v128, i32, i32x4 } = wasm;
  const { mode, vectors, bias, sink } = population;
  const width = blockWidth(population);
  const wide = width / 4;
  const wideMode = mode === "f32" ? "f32" : "i32";
  const add = adderOf(code, wideMode, 1);
  const zero = (): Expr => v128.const(new Array<number>(16).fill(0));
  const inMemory = sink.kind === "neurons" && crowdsRegisters(population) ? sink.potentials : null;
  const potentials = inMemory === null ? code.several(wide, "v128") : [];
  const potential = code.local("v128");
  // With 16-bit sums the 32-bit ones are apart; else events add straight into them.
  const narrow = mode === "i16" ? code.several(vectors, "v128") : [];
  const sums = code.several(wide, "v128");
  const biasPointer =
    bias === null ? null : code.define("i32", i32.mul(block.get(), code.int(4 * width)));
  const biasRow = paddedBytes(population.grid, width);
  const biasTime = bias === null || bias.rows === 1 ? null : code.local("i32");
  const signs = sink.kind === "neurons" ? signsOf(sink.masks) : [];
  const fired = { plus: code.local("v128"), minus: code.local("v128"), change: code.local("v128") };
  const bits = signs.map(() => code.local("i32"));
  const sent = sink.kind === "neurons" && sink.firing.sent !== null ? code.local("v128") : null;
  const outs = Object.fromEntries(
    Object.entries(pointers).map(([name, each]) => [
      name,
      each === null ? null : code.define("i32", each.local.get()),
    ]),
  );
  const outOf = (name: string): Local => known(outs[name], `a pointer to ${name}`);

  const store = (to: Buffer, name: "potentials" | "sent", k: number, value: Expr): void => {
    code.push(v128.store(to.address + 16 * k, 4, outOf(name).get(), value));
  };

  return {
    sums: { mode, locals: mode === "i16" ? narrow : sums },
    begin() {
      if (bias !== null && biasTime !== null) {
        biasTime.set(code.parameter(2).get());
        const last = code.int(bias.rows - 1);
        const isBefore = i32.lt_s(biasTime.get(), code.int(bias.rows - 1));
        const row = wasm.select(isBefore, biasTime.get(), last);
        biasPointer?.advance(i32.mul(row, code.int(biasRow)));
      }
      if (sink.kind === "current") return;
      const { sent: total } = sink.firing;
      if (total !== null && !sink.resumes) {
        sums.forEach((_, k) => {
          store(total, "sent", k, zero());
        });
      }
      if (inMemory !== null && sink.resumes) return;
      const kept = sink.resumes ? sink.potentials : null;
      const from = kept ?? sink.vInit.buffer;
      const pointer = outOf(kept === null ? "vInit" : "potentials");
      sums.forEach((_, k) => {
        const loaded = v128.load(from.address + 16 * k, 4, pointer.get());
        if (inMemory === null) known(potentials[k], "a potential").set(loaded);
        else store(inMemory, "potentials", k, loaded);
      });
    },
    openSums() {
      sums.forEach((sum, k) => {
        const biasOf =
          bias === null || biasPointer === null
            ? null
            : v128.load(bias.buffer.address + 16 * k, 4, biasPointer.get());
        sum.set(biasOf ?? zero());
      });
      if (bias !== null && biasTime !== null) {
        biasTime.step(1);
        const isRow = i32.lt_s(biasTime.get(), code.int(bias.rows));
        biasPointer?.advance(wasm.select(isRow, code.int(biasRow), code.int(0)));
      }
      for (const sum of narrow) sum.set(zero());
    },
    widenSums() {
      narrow.forEach((sum, k) => {
        const [low, high] = [known(sums[2 * k], "a sum"), known(sums[2 * k + 1], "a sum")];
        low.set(i32x4.add(low.get(), i32x4.extend_low_i16x8_s(sum.get())));
        high.set(i32x4.add(high.get(), i32x4.extend_high_i16x8_s(sum.get())));
      });
    },
    addEach(value, sign = 1) {
      const combine = adderOf(code, wideMode, sign);
      sums.forEach((sum, k) => {
        sum.set(combine(sum.get(), value(k)));
      });
    },
    close() {
      if (sink.kind === "current") {
        const target = outOf("target");
        sums.forEach((sum, k) => {
          storeLanes(
            code,
            placeOf(sink.target.view) + 16 * k,
            () => target.get(),
            () => sum.get(),
            Math.min(4, lanes - 4 * k),
          );
        });
        target.step(4 * sink.target.view.lead);
        return;
      }
      sums.forEach((u, k) => {
        const v = potentials[k] ?? potential;
        if (inMemory !== null) {
          v.set(v128.load(inMemory.address + 16 * k, 4, outOf("potentials").get()));
        }
        // Last, so that the sums of a timestep need not wait for the one before.
        u.set(add(v.get(), u.get()));
        const { firing, masks } = sink;
        const level = (offset: number): Expr =>
          v128.load(firing.parameters.buffer.address + offset + 16 * k, 4, outOf("levels").get());
        if (firing.sent !== null) {
          sent?.set(v128.load(firing.sent.address + 16 * k, 4, outOf("sent").get()));
        }
        fire(code, firing, wideMode, level, fired, { u, v, sent });
        if (inMemory !== null) store(inMemory, "potentials", k, v.get());
        if (firing.sent !== null && sent !== null) store(firing.sent, "sent", k, sent.get());
        const place = k % 8;
        signs.forEach(({ buffer, sign }, i) => {
          const four = i32x4.bitmask(sign === 1 ? fired.plus.get() : fired.minus.get());
          const word = known(bits[i], "bits");
          word.set(place === 0 ? four : i32.or(word.get(), i32.shl(four, code.int(4 * place))));
          if (place < 7 && k < wide - 1) return;
          const from = buffer.address + pixelOffset(masks, 0, 0);
          storeBits(code, from + 4 * Math.floor(k / 8), outOf("masks"), word, 4 * (place + 1));
        });
      });
      outOf("masks").step(sink.masks.maskBytes);
      if (sink.trace !== null) {
        const { view } = sink.trace;
        const trace = outOf("trace");
        sums.forEach((_, k) => {
          if (inMemory !== null) {
            potential.set(v128.load(inMemory.address + 16 * k, 4, outOf("potentials").get()));
          }
          const v = potentials[k] ?? potential;
          storeLanes(
            code,
            placeOf(view) + 16 * k,
            () => trace.get(),
            () => v.get(),
            Math.min(4, lanes - 4 * k),
          );
        });
        trace.step(4 * view.lead);
      }
    },
    end() {
      if (sink.kind === "current" || sink.potentials === null) return;
      const { potentials: kept } = sink;
      potentials.forEach((v, k) => {
        store(kept, "potentials", k, v.get());
      });
    },
  };
}

function storeBits(
  code: FunctionWriter,
  offset: number,
  pointer: Local,
  bits: Local,
  width: number,
): void {
  const { i32 } = code.wasm;
  switch (width) {
    case 8:
      code.push(i32.store8(offset, 1, pointer.get(), bits.get()));
      return;
    case 16:
      code.push(i32.store16(offset, 1, pointer.get(), bits.get()));
      return;
    case 32:
      code.push(i32.store(offset, 1, pointer.get(), bits.get()));
      return;
    default:
      invariant(false, `a block of ${width} channels`);
  }
}
