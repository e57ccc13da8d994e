/**
 * A population of neurons with the synapses that drive it, over all timesteps at once: for each
 * pixel and block of channels the potentials stay in registers, or near, while timesteps pass, spikes
 * of the window are walked bit by bit, and each adds one row of weights. Float32, or integers with
 * int32 sums, or with int16 sums within a timestep where a bound proves that they cannot overflow.
 * The equations are those of `snn.if` and `snn.graded` in ir/op/attrs/neurons.ts.
 */
import { openMembranes, type Membranes } from "./membranes.ts";
import {
  type DriveSource,
  blockWidth,
  type GridView,
  type PopulationForm,
  type SinkPointers,
  paddedBytes,
  blockCount,
  type PixelPointers,
} from "./population-form.ts";
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf, pointerTo, shareOf } from "../../assembler/memory.ts";
import {
  type SpikeMasks,
  pixelBytes,
  pixelOffset,
  rowBytes,
  signsOf,
} from "../../memory/spikes.ts";
import type { Buffer } from "../../memory/view.ts";
import { emitEvents } from "../synapses/events.ts";
import { type Parameters } from "./firing.ts";
import { lanesPerVector } from "../lanes.ts";
import { emitLookUps } from "../synapses/lookups.ts";

/** Emits the loops; threads share rows of pixels, or blocks where there is one row. */
export function populate(code: FunctionWriter, population: PopulationForm): void {
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

function emitRow(
  code: FunctionWriter,
  population: PopulationForm,
  block: Local,
  row: Local,
  lanes: number,
): void {
  const { grid, sink, sources } = population;
  const { i32 } = code.wasm;
  const width = blockWidth(population);
  const start = (
    buffer: Buffer,
    perRow: number,
    perBlock: number,
    pixel: number,
  ): PixelPointers => {
    const local = pointerTo(code, buffer);
    if (perRow !== 0) local.advance(i32.mul(row.get(), code.int(perRow)));
    if (perBlock !== 0) local.advance(i32.mul(block.get(), code.int(perBlock)));
    return { local, pixel };
  };
  const ofGrid = (view: GridView): PixelPointers =>
    start(view.view.buffer, 4 * view.rowStride, 4 * width, 4 * view.columnStride);
  const ofParameters = (parameters: Parameters): PixelPointers =>
    start(
      parameters.buffer,
      parameters.pixelStride * grid.columns,
      4 * width,
      parameters.pixelStride,
    );
  const ofState = (state: Buffer | null): PixelPointers | null =>
    state === null
      ? null
      : start(state, grid.columns * paddedBytes(grid, width), 4 * width, paddedBytes(grid, width));
  const maskPointer = (masks: SpikeMasks, strideRow: number, strideColumn: number): PixelPointers =>
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

function emitPixel(
  code: FunctionWriter,
  population: PopulationForm,
  block: Local,
  perSource: readonly PixelPointers[],
  pointers: SinkPointers,
  lanes: number,
): void {
  const { sources, steps } = population;
  const cell = openMembranes(code, population, block, pointers, lanes);
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

/** Adds each neuron's own weight where it fired: bits become lanes, no branch. */
function emitAligned(
  code: FunctionWriter,
  source: Extract<DriveSource, { readonly kind: "aligned" }>,
  pointer: Local,
  block: Local,
  cell: Membranes,
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
