/**
 * A population of neurons with the synapses that drive it, over all timesteps at once: for each
 * pixel and block of channels the potentials stay in registers, or near, while timesteps pass, spikes
 * of the window are walked bit by bit, and each adds one row of weights. Float32, or integers with
 * int32 sums, or with int16 sums within a timestep where a bound proves that they cannot overflow.
 * The equations are those of `snn.if` and `snn.graded` in ir/op/op.ts.
 */
import { invariant, known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { Code, Local } from "../../assembler/code.ts";
import { placeOf, pointerTo, shareOf, storeLanes } from "../../assembler/memory.ts";
import {
  type Grid,
  type SpikeMasks,
  pixelBytes,
  pixelOffset,
  rowBytes,
  signsOf,
} from "../../memory/spikes.ts";
import type { Buffer, View } from "../../memory/view.ts";
import { type EventWindow, emitEvents } from "../synapses/events.ts";
import { type Firing, type Parameters, fire } from "./firing.ts";
import { type LaneMode, type Sums, adderOf, lanesPerVector } from "../lanes.ts";
import { type TableWindow, emitLookUps } from "../synapses/lookups.ts";

/** What a population integrates. */
export type Source =
  /** Spikes through weights. */
  | EventWindow
  | TableWindow
  /** Spikes of the same channel, each through its own weight: no fan-out, no event loop. */
  | {
      readonly kind: "aligned";
      readonly masks: SpikeMasks;
      /** Pixels between the windows of neighbouring outputs. */
      readonly stride: readonly [number, number];
      readonly taps: readonly {
        /** Row and column of this tap for the first output. */
        readonly origin: readonly [number, number];
        /** Per channel, padded to blocks, in 32-bit elements. */
        readonly weights: Buffer;
      }[];
    }
  /** A current that is there already; constant over time where its lead is 0. */
  | { readonly kind: "current"; readonly view: GridView };

/** A view by pixel: channels are neighbours. Strides in elements. */
export interface GridView {
  readonly view: View;
  readonly rowStride: number;
  readonly columnStride: number;
}

export interface NeuronSink {
  readonly kind: "neurons";
  readonly firing: Firing;
  readonly vInit: Parameters;
  readonly masks: SpikeMasks;
  /** Keeps potentials where registers do not: [pixel, padded channel]. */
  readonly potentials: Buffer | null;
  /** Whether state is there from the chunk of timesteps before; else each begins at `vInit`. */
  readonly resumes: boolean;
  /** Receives the potential after each timestep. */
  readonly trace: GridView | null;
}

/** Stores the sums themselves, at each timestep. */
export interface CurrentSink {
  readonly kind: "current";
  readonly target: GridView;
}

export interface Population {
  readonly grid: Grid;
  readonly steps: number;
  readonly mode: LaneMode;
  /** Vectors of output channels to a block. */
  readonly vectors: number;
  readonly sources: readonly Source[];
  /**
   * Added at each timestep, per channel, padded to blocks; in 32-bit elements. A row for each timestep
   * of a run, the last one for all that follow.
   */
  readonly bias: { readonly buffer: Buffer; readonly rows: number } | null;
  readonly sink: NeuronSink | CurrentSink;
}

/** Channels of one block. */
export function blockWidth(population: Pick<Population, "mode" | "vectors">): number {
  return population.vectors * lanesPerVector(population.mode);
}

/**
 * Whether potentials are better kept in memory from timestep to timestep: x64 has 16 vector
 * registers, and where potentials take half of them, the sums that events add to are spilled.
 */
export function crowdsRegisters({ vectors }: Pick<Population, "vectors">): boolean {
  return vectors > 4;
}

/** Whole blocks that hold `channels`. */
export function blockCount(channels: number, width: number): number {
  return Math.ceil(channels / width);
}

/** Emits the loops; threads share rows of pixels, or blocks where there is one row. */
export function populate(code: Code, population: Population): void {
  const { grid } = population;
  const { i32 } = code.wasm;
  const width = blockWidth(population);
  const blocks = blockCount(grid.channels, width);
  const byRows = grid.rows > 1;
  const share = shareOf(code, byRows ? grid.rows : blocks);
  const lastLanes = grid.channels - (blocks - 1) * width;

  const block = code.local("i32");
  const row = code.local("i32");
  const emitBlocks = (from: () => Expr, to: () => Expr, lanes: number): void => {
    block.set(from());
    code.upTo(block, to, 1, () => {
      row.set(byRows ? share.from.get() : code.int(0));
      code.upTo(
        row,
        () => (byRows ? share.to.get() : code.int(grid.rows)),
        1,
        () => {
          emitRow(code, population, block, row, lanes);
        },
      );
    });
  };
  const first = (): Expr => (byRows ? code.int(0) : share.from.get());
  const end = (): Expr => (byRows ? code.int(blocks) : share.to.get());
  if (
    lastLanes === width ||
    (population.sink.kind === "neurons" && population.sink.trace === null)
  ) {
    emitBlocks(first, end, width);
    return;
  }
  // What is stored per lane must stop at the last channel: the last block is another loop.
  const minimum = (a: Expr, b: () => Expr): Expr => {
    const local = code.define("i32", a);
    return code.wasm.select(i32.lt_s(local.get(), b()), local.get(), b());
  };
  emitBlocks(first, () => minimum(end(), () => code.int(blocks - 1)), width);
  code.when(i32.eq(end(), code.int(blocks)), () => {
    emitBlocks(
      () => code.int(blocks - 1),
      () => code.int(blocks),
      lastLanes,
    );
  });
}

/** Where a row of pixels starts in everything that is indexed by pixel. */
interface Pointers {
  readonly local: Local;
  /** Bytes from pixel to pixel. */
  readonly pixel: number;
}

function emitRow(
  code: Code,
  population: Population,
  block: Local,
  row: Local,
  lanes: number,
): void {
  const { grid, sink, sources } = population;
  const { i32 } = code.wasm;
  const width = blockWidth(population);
  const start = (buffer: Buffer, perRow: number, perBlock: number, pixel: number): Pointers => {
    const local = pointerTo(code, buffer);
    if (perRow !== 0) local.advance(i32.mul(row.get(), code.int(perRow)));
    if (perBlock !== 0) local.advance(i32.mul(block.get(), code.int(perBlock)));
    return { local, pixel };
  };
  const ofGrid = (view: GridView): Pointers =>
    start(view.view.buffer, 4 * view.rowStride, 4 * width, 4 * view.columnStride);
  const ofParameters = (parameters: Parameters): Pointers =>
    start(
      parameters.buffer,
      parameters.pixelStride * grid.columns,
      4 * width,
      parameters.pixelStride,
    );
  const ofState = (state: Buffer | null): Pointers | null =>
    state === null
      ? null
      : start(state, grid.columns * paddedBytes(grid, width), 4 * width, paddedBytes(grid, width));
  const maskPointer = (masks: SpikeMasks, strideRow: number, strideColumn: number): Pointers =>
    start(masks.buffer, strideRow * rowBytes(masks), 0, strideColumn * pixelBytes(masks));

  const perSource = sources.map((source) =>
    source.kind === "current"
      ? ofGrid(source.view)
      : maskPointer(source.masks, source.stride[0], source.stride[1]),
  );
  const sinkPointers =
    sink.kind === "current"
      ? { target: ofGrid(sink.target) }
      : {
          levels: ofParameters(sink.firing.parameters),
          vInit: ofParameters(sink.vInit),
          masks: start(sink.masks.buffer, rowBytes(sink.masks), width / 8, pixelBytes(sink.masks)),
          potentials: ofState(sink.potentials),
          sent: ofState(sink.firing.sent),
          trace: sink.trace === null ? null : ofGrid(sink.trace),
        };
  const column = code.define("i32", code.int(0));
  code.upTo(
    column,
    () => code.int(grid.columns),
    1,
    () => {
      emitPixel(code, population, block, perSource, sinkPointers, lanes);
      for (const each of [...perSource, ...Object.values(sinkPointers)]) {
        each?.local.step(each.pixel);
      }
    },
  );
}

/** Bytes of one pixel's channels with the padding, in 32-bit elements. */
function paddedBytes(grid: Grid, width: number): number {
  return 4 * width * blockCount(grid.channels, width);
}

type SinkPointers =
  | { readonly target: Pointers }
  | {
      readonly levels: Pointers;
      readonly vInit: Pointers;
      readonly masks: Pointers;
      readonly potentials: Pointers | null;
      readonly sent: Pointers | null;
      readonly trace: Pointers | null;
    };

function emitPixel(
  code: Code,
  population: Population,
  block: Local,
  perSource: readonly Pointers[],
  pointers: SinkPointers,
  lanes: number,
): void {
  const { sources, steps } = population;
  const cell = openCell(code, population, block, pointers, lanes);
  cell.begin();
  const moving = sources.map((source, i) => ({
    source,
    pointer: code.define("i32", known(perSource[i], "a pointer").local.get()),
    bytes: source.kind === "current" ? 4 * source.view.view.lead : source.masks.maskBytes,
  }));
  const time = code.define("i32", code.int(steps));
  code.repeat(
    () => {
      cell.openSums();
      for (const { source, pointer } of moving) {
        if (source.kind === "events") emitEvents(code, source, pointer, block, cell.sums);
        if (source.kind === "tables") emitLookUps(code, source, pointer, block, cell.sums);
      }
      cell.widenSums();
      for (const { source, pointer } of moving) {
        if (source.kind === "current") {
          const { view } = source.view;
          cell.addEach((k) => code.wasm.v128.load(placeOf(view) + 16 * k, 4, pointer.get()));
        }
        if (source.kind === "aligned") emitAligned(code, source, pointer, block, cell);
      }
      cell.close();
      for (const { pointer, bytes } of moving) pointer.step(bytes);
      time.step(-1);
    },
    () => time.get(),
  );
  cell.end();
}

/** The registers of one pixel and block, and what happens to them in a timestep. */
interface Cell {
  /** Where events add to. */
  readonly sums: Sums;
  begin(): void;
  openSums(): void;
  /** From int16 sums to the int32 sums that potentials are kept in. */
  widenSums(): void;
  /** Adds a vector of 32-bit lanes to each quarter of the sums, or subtracts it. */
  addEach(value: (vector: number) => Expr, sign?: 1 | -1): void;
  close(): void;
  end(): void;
}

function openCell(
  code: Code,
  population: Population,
  block: Local,
  pointers: SinkPointers,
  lanes: number,
): Cell {
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

function storeBits(code: Code, offset: number, pointer: Local, bits: Local, width: number): void {
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

/** Adds each neuron's own weight where it fired: bits become lanes, no branch. */
function emitAligned(
  code: Code,
  source: Extract<Source, { readonly kind: "aligned" }>,
  pointer: Local,
  block: Local,
  cell: Cell,
): void {
  const { v128, i32, i32x4 } = code.wasm;
  const width = cell.sums.locals.length * lanesPerVector(cell.sums.mode);
  const at = code.define("i32", i32.add(pointer.get(), i32.mul(block.get(), code.int(width / 8))));
  const weights = code.define("i32", i32.mul(block.get(), code.int(4 * width)));
  const load = (offset: number): Expr => {
    if (width === 8) return i32.load8_u(offset, 1, at.get());
    if (width === 16) return i32.load16_u(offset, 1, at.get());
    return i32.load(offset, 1, at.get());
  };
  const bits = code.local("v128");
  const lane = code.local("v128");
  const all = source.taps.flatMap((tap) =>
    signsOf(source.masks).map(({ buffer, sign }) => ({ tap, buffer, sign })),
  );
  for (const { tap, buffer, sign } of all) {
    const offset = buffer.address + pixelOffset(source.masks, ...tap.origin);
    cell.addEach((k) => {
      // 32 channels' bits at a time.
      if (k % 8 === 0) bits.set(i32x4.splat(load(offset + k / 2)));
      const mask = [0, 1, 2, 3].flatMap((l) => {
        const bit = 2 ** (4 * (k % 8) + l);
        return [0, 8, 16, 24].map((shift) => Math.floor(bit / 2 ** shift) % 256);
      });
      lane.set(v128.const(mask));
      const weight = v128.load(tap.weights.address + 16 * k, 4, weights.get());
      return v128.and(i32x4.eq(v128.and(bits.get(), lane.get()), lane.get()), weight);
    }, sign);
  }
}
