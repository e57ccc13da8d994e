/** One timestep of a tile of a layer on words: sums, shortcuts and currents, and what becomes of them. */
import { known } from "../../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { storeLanes } from "../../assembler/memory.ts";
import type { Expr } from "../../assembler/types.ts";
import { type Moment, type StepRows, fireTile, withinWords } from "./cells.ts";
import { sumWindow, timesKnown, timesLoaded } from "./dots.ts";
import {
  type Rows,
  type WordCells,
  type WordLayer,
  type WordTaps,
  type Worth,
  isAlongTime,
  tileBytes,
} from "./form.ts";
import type { CellPlaces, LayerPlaces, Place } from "./places.ts";
import { readSums } from "./event-sums.ts";
import { storeWords, withinLanes } from "./store.ts";
import { addTaps } from "./taps.ts";

/** The tile at hand. */
export interface TileShape {
  readonly block: Local;
  /** Channels of the block that there are. */
  readonly lanes: number;
  readonly positions: number;
  /** Where positions are timesteps: those of a chunk at which anything is received, as bits; null where it may be at all. */
  readonly received: Local | null;
}

/** When a turn begins, from the start of the chunk. */
export interface TurnTime {
  readonly local: Local;
  /** Where that is known when code is written, and is the timestep of the run as well. */
  readonly known: number | null;
}

/** A turn of a tile: one timestep of some pixels, or some timesteps of one. */
export class Turn {
  private readonly code: FunctionWriter;
  private readonly layer: WordLayer;
  private readonly places: LayerPlaces;
  private readonly tile: TileShape;
  private readonly time: TurnTime;
  private readonly alongTime: boolean;
  private readonly rows = new Map<string, readonly Local[]>();

  constructor(
    code: FunctionWriter,
    layer: WordLayer,
    places: LayerPlaces,
    tile: TileShape,
    time: TurnTime,
  ) {
    this.code = code;
    this.layer = layer;
    this.places = places;
    this.tile = tile;
    this.time = time;
    this.alongTime = isAlongTime(layer);
  }

  /** Gives for each position whether anything was fired, where that is asked for. */
  run(moment: Moment): readonly Local[] {
    const { code, layer, tile } = this;
    const count = tile.positions * layer.vectors;
    const fired: Local[] = [];
    code.borrow("v128", count, (sums) => {
      this.sumWindows(sums);
      this.addTaps(sums);
      this.addCurrents(sums, moment);
      if (layer.sink.kind === "sums") this.storeSums(sums);
      else {
        const cells = known(this.places.cells, "neurons");
        fired.push(...this.fire(sums, layer.sink, cells, moment));
      }
    });
    return fired;
  }

  /** Where a place is at this timestep. */
  private at({ at, plane }: Place): Local {
    const { i32 } = this.code.wasm;
    const { local, known: time } = this.time;
    if (plane === 0 || this.layer.steps === 1 || time === 0) return at;
    const moved =
      time === null ? i32.mul(local.get(), this.code.int(plane)) : this.code.int(time * plane);
    return this.code.define("i32", i32.add(at.get(), moved));
  }

  /** The row of a table for each position, to which the block's bytes are added; tables of a shape share it. */
  private rowsAt({ rows, bytesPerRow }: Rows, perBlock: number): readonly Local[] {
    const { code, tile } = this;
    const { i32 } = code.wasm;
    const key = `${rows} ${bytesPerRow} ${perBlock}`;
    const ready = this.rows.get(key);
    if (ready !== undefined) return ready;
    const made = Array.from({ length: this.alongTime ? tile.positions : 1 }, (_, p) => {
      const at = code.define("i32", i32.mul(tile.block.get(), code.int(perBlock)));
      if (rows === 1) return at;
      const { local, known: time } = this.time;
      if (time !== null) {
        at.step(Math.min(time + p, rows - 1) * bytesPerRow);
        return at;
      }
      const when = i32.add(code.parameter(2).get(), i32.add(local.get(), code.int(p)));
      const row = code.define("i32", when);
      code.when(i32.gt_s(row.get(), code.int(rows - 1)), () => {
        row.set(code.int(rows - 1));
      });
      at.advance(i32.mul(row.get(), code.int(bytesPerRow)));
      return at;
    });
    this.rows.set(key, made);
    return made;
  }

  private rowOf(rows: readonly Local[], position: number): Local | null {
    return rows[this.alongTime ? position : 0] ?? null;
  }

  /** How the sum of a position's words becomes what they are worth. */
  private worthAt(worth: Worth | null): (position: number, sum: Expr) => Expr {
    const { code, alongTime } = this;
    if (worth === null) return (_position, sum) => sum;
    const { known: time } = this.time;
    if (time !== null) {
      const rows = worth.table.rows;
      return (position, sum) => {
        const row = Math.min(time + (alongTime ? position : 0), rows - 1);
        return timesKnown(code, known(worth.factors[row], "a factor"), worth.isShift, sum);
      };
    }
    const rows = this.rowsAt(worth.table, 0);
    return (position, sum) => timesLoaded(code, worth, this.rowOf(rows, position), sum);
  }

  private sumWindows(sums: readonly Local[]): void {
    const { code, layer, places, tile, alongTime, time } = this;
    const { v128, i32, i32x4 } = code.wasm;
    const { windows, vectors, steps } = layer;
    if (windows.length === 0 && !this.beginsWithTaps()) {
      for (const sum of sums) sum.set(v128.const(new Array<number>(16).fill(0)));
    }
    windows.forEach((window, i) => {
      const { words: place, inside } = known(places.windows[i], "a window");
      const groups = window.chunks.flat().reduce((sum, run) => sum + run.groups, 0);
      const weights = code.define(
        "i32",
        i32.mul(tile.block.get(), code.int(16 * vectors * groups)),
      );
      const { starts } = window;
      const perBlock = 16 * vectors * window.chunks.length;
      const startAt =
        starts === null ? null : code.define("i32", i32.mul(tile.block.get(), code.int(perBlock)));
      if (inside !== null) startAt?.advance(inside.starts.get());
      const spare = places.spare;
      const dense = (): void => {
        sumWindow(
          code,
          window,
          {
            words: this.at(place),
            wordsOffset: place.offset,
            weights,
            inside,
            starts: startAt,
            spare: spare?.at ?? null,
            spareOffset: spare?.offset ?? 0,
          },
          { sums, positions: tile.positions, vectors, stride: place.stride },
        );
      };
      const ready = places.windows[i]?.sums ?? null;
      if (window.events === null || ready === null) dense();
      else {
        const at = { ...ready, vectors, alongTime, time: time.local, steps };
        readSums(code, window.events, at, sums, dense);
      }
      const worth = this.worthAt(window.worth);
      const total = (index: number): number => (spare?.offset ?? 0) + tileBytes(layer) + 16 * index;
      sums.forEach((sum, index) => {
        const own = worth(Math.floor(index / vectors), sum.get());
        const before = (): Expr => v128.load(total(index), 16, known(spare, "room").at.get());
        const all = i === 0 ? own : i32x4.add(own, before());
        if (i === windows.length - 1) {
          if (i > 0 || window.worth !== null) sum.set(all);
        } else code.push(v128.store(total(index), 16, known(spare, "room").at.get(), all));
      });
    });
  }

  /** Words through a weight each: shortcuts, depthwise windows and pools. */
  private addTaps(sums: readonly Local[]): void {
    const { code, layer, places, tile } = this;
    const { i32 } = code.wasm;
    const { vectors } = layer;
    layer.taps.forEach((source, i) => {
      const place = known(places.taps[i], "taps").words;
      const worth = this.worthAt(source.worth);
      const at = this.at(place);
      const weights = code.define("i32", i32.mul(tile.block.get(), code.int(8 * vectors)));
      const isFirst = i === 0 && this.beginsWithTaps();
      const add = (): void => {
        addTaps(
          code,
          source,
          { at, stride: place.stride },
          { sums, positions: tile.positions, vectors, weights, worth, isFirst },
        );
      };
      if (this.isForAll(source)) add();
      else {
        const inside = i32.and(
          i32.ge_s(tile.block.get(), code.int(source.blocks[0])),
          i32.lt_s(tile.block.get(), code.int(source.blocks[1])),
        );
        code.when(inside, add);
      }
    });
  }

  /** Whether all blocks have words of these taps. */
  private isForAll({ blocks }: WordTaps): boolean {
    const { vectors, grid } = this.layer;
    return blocks[0] === 0 && blocks[1] * 4 * vectors >= grid.channels;
  }

  /** Whether the first taps are the first that is summed. */
  private beginsWithTaps(): boolean {
    const { windows, taps } = this.layer;
    const [first] = taps;
    return windows.length === 0 && first !== undefined && this.isForAll(first);
  }

  private addCurrents(sums: readonly Local[], moment: Moment): void {
    const { code, layer, places, tile } = this;
    const { v128, i32, i64, i32x4 } = code.wasm;
    const { vectors, bias, currents } = layer;
    if (bias !== null) {
      const at = code.define("i32", i32.mul(tile.block.get(), code.int(16 * vectors)));
      sums.forEach((sum, index) => {
        const each = v128.load(bias.address + 16 * (index % vectors), 16, at.get());
        sum.set(i32x4.add(sum.get(), each));
      });
    }
    currents.forEach(({ atFirst }, i) => {
      if (atFirst && !moment.isFirst) return;
      const { place, when } = known(places.currents[i], "a current");
      const add = (): void => {
        const at = this.at(place);
        sums.forEach((sum, index) => {
          const [p, v] = [Math.floor(index / vectors), index % vectors];
          const loaded = v128.load(place.offset + p * place.stride + 16 * v, 4, at.get());
          const x = withinLanes(code, loaded, tile.lanes - 4 * v);
          if (x !== null) sum.set(i32x4.add(sum.get(), x));
        });
      };
      if (when === null) add();
      else {
        const bit = i64.shr_u(when.get(), i64.extend_u(this.time.local.get()));
        code.when(i32.and(i32.wrap(bit), code.int(1)), add);
      }
    });
  }

  private storeSums(sums: readonly Local[]): void {
    const { code, layer, places, tile } = this;
    const { place } = known(places.sums, "a target");
    const at = this.at(place);
    sums.forEach((sum, index) => {
      const [p, v] = [Math.floor(index / layer.vectors), index % layer.vectors];
      storeLanes(
        code,
        place.offset + p * place.stride + 16 * v,
        () => at.get(),
        () => sum.get(),
        Math.min(4, tile.lanes - 4 * v),
      );
    });
  }

  private fire(
    sums: readonly Local[],
    sink: WordCells,
    cells: CellPlaces,
    moment: Moment,
  ): readonly Local[] {
    const { code, layer, tile } = this;
    const { vectors } = layer;
    const perBlock = 16 * vectors;
    const each = Array.from({ length: tile.positions }, (_, p) => p);
    const rows = (table: Rows | null): readonly Local[] =>
      table === null ? [] : this.rowsAt(table, perBlock);
    const [steps, inverses, slacks] = [rows(sink.steps), rows(sink.inverses), rows(sink.slacks)];
    // Timesteps follow each other; pixels do not mind.
    const groups = this.alongTime ? each.map((p) => [p]) : [each];
    for (const positions of groups) {
      const [first = 0] = positions;
      const rowsHere: StepRows = {
        steps: known(this.rowOf(steps, first) ?? undefined, "a row of steps"),
        inverses: this.rowOf(inverses, first),
        slacks: this.rowOf(slacks, first),
      };
      fireTile(code, sink, cells, rowsHere, sums, vectors, positions, moment);
      for (const p of positions) this.storeTrace(cells, p);
    }
    const fired = sink.words.activity !== null ? each.map((p) => this.anyOf(sums, p)) : [];
    const within = sink.once === null ? null : withinWords(code, sink);
    const to = { ...cells.words, at: this.at(cells.words) };
    storeWords(code, sink.words, to, sums, vectors, within);
    return fired;
  }

  private anyOf(sums: readonly Local[], position: number): Local {
    const { v128 } = this.code.wasm;
    const { vectors } = this.layer;
    const own = sums.slice(position * vectors, (position + 1) * vectors);
    const all = own.map((sum) => sum.get()).reduce((a, b) => v128.or(a, b));
    return this.code.define("i32", v128.any_true(all));
  }

  /** Stores the potentials of one position after it fired. */
  private storeTrace(cells: CellPlaces, position: number): void {
    const { code, layer, tile } = this;
    const { trace, potentials } = cells;
    if (trace === null) return;
    const at = this.at(trace);
    for (let v = 0; v < layer.vectors; v++) {
      storeLanes(
        code,
        trace.offset + position * trace.stride + 16 * v,
        () => at.get(),
        () =>
          code.wasm.v128.load(
            potentials.offset + position * potentials.stride + 16 * v,
            4,
            potentials.at.get(),
          ),
        Math.min(4, tile.lanes - 4 * v),
      );
    }
  }
}
