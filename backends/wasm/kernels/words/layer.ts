/**
 * A layer on words, over all timesteps of a chunk: for a tile of pixels by a block of channels, products of
 * words and weights are summed in registers, shortcuts and currents are added, neurons fire, and their
 * words are stored. The current between synapses and neurons is never in memory.
 */
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import type { Expr } from "../../assembler/types.ts";
import { shareOf } from "../../assembler/memory.ts";
import { type WordLayer, isAlongTime, unitsOf, wordBlock, wordBlocks } from "./form.ts";
import { type EventSums, sumEvents, sumNone } from "./event-sums.ts";
import { noteStored, receivedAt } from "./due.ts";
import { openRow } from "./places.ts";
import { emitTile } from "./tile.ts";
import type { TileShape } from "./turn.ts";

/** Emits the loops; threads share rows of pixels, or blocks where there is one row. */
export function runWordLayer(code: FunctionWriter, layer: WordLayer): void {
  const { grid } = layer;
  const width = wordBlock(layer);
  const blocks = wordBlocks(layer);
  const byRows = grid.rows > 1;
  const share = shareOf(code, unitsOf(layer));
  for (const { events } of layer.windows) {
    if (events !== null) sumEventsFirst(code, layer, events, share);
  }
  const { sink } = layer;
  if (sink.kind === "sums" && sink.when !== null) noteStored(code, layer, sink.when, share);
  const received = isAlongTime(layer) ? receivedAt(code, layer) : null;
  const lastLanes = grid.channels - (blocks - 1) * width;
  const block = code.local("i32");
  const row = code.local("i32");
  const emitBlocks = (from: () => Expr, to: () => Expr, lanes: number): void => {
    block.set(from());
    code.upTo(block, to, 1, () => {
      row.set(byRows ? share.from.get() : code.int(0));
      const end = (): Expr => (byRows ? share.to.get() : code.int(grid.rows));
      code.upTo(row, end, 1, () => {
        emitRow(code, layer, row, { block, lanes, received });
      });
    });
  };
  const first = (): Expr => (byRows ? code.int(0) : share.from.get());
  const end = (): Expr => (byRows ? code.int(blocks) : share.to.get());
  if (lastLanes === width || !touchesLanes(layer)) {
    emitBlocks(first, end, width);
    return;
  }
  // What is read or stored channel by channel stops at the last one: the last block is another loop.
  const { i32 } = code.wasm;
  const whole = code.define("i32", end());
  code.when(i32.gt_s(whole.get(), code.int(blocks - 1)), () => {
    whole.set(code.int(blocks - 1));
  });
  emitBlocks(first, () => whole.get(), width);
  code.when(i32.eq(end(), code.int(blocks)), () => {
    emitBlocks(
      () => code.int(blocks - 1),
      () => code.int(blocks),
      lastLanes,
    );
  });
}

/** What is summed by events is there before any tile: rows by the thread that they are a share of, one row by one alone. */
function sumEventsFirst(
  code: FunctionWriter,
  layer: WordLayer,
  events: EventSums,
  share: { readonly from: Local; readonly to: Local },
): void {
  const { grid, steps } = layer;
  const together = isAlongTime(layer) ? layer.together : 1;
  if (grid.rows > 1) {
    sumEvents(code, events, steps, share, together);
    return;
  }
  const alone = { from: code.define("i32", code.int(0)), to: code.define("i32", code.int(1)) };
  code.when(
    code.wasm.i32.eq(code.parameter(1).get(), code.int(1)),
    () => {
      sumEvents(code, events, steps, alone, together);
    },
    () => {
      sumNone(code, events, steps);
    },
  );
}

/** Whether there is anything without padding beyond the last channel. */
function touchesLanes({ currents, sink }: WordLayer): boolean {
  return currents.length > 0 || sink.kind === "sums" || sink.trace !== null;
}

function emitRow(
  code: FunctionWriter,
  layer: WordLayer,
  row: Local,
  tile: Omit<TileShape, "positions">,
): void {
  const places = openRow(code, layer, tile.block, row);
  const { together, grid } = layer;
  if (isAlongTime(layer)) {
    emitTile(code, layer, places, { ...tile, positions: together });
    return;
  }
  const tiles = Math.floor(grid.columns / together);
  code.times(tiles, () => {
    emitTile(code, layer, places, { ...tile, positions: together });
    places.advance(together);
  });
  const rest = grid.columns % together;
  if (rest > 0) emitTile(code, layer, places, { ...tile, positions: rest });
}
