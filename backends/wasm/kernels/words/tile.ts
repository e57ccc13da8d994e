/** One tile of a layer on words: a few positions by a block of channels, over all timesteps. */
import { known } from "../../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import type { Expr } from "../../assembler/types.ts";
import type { Moment } from "./cells.ts";
import { type Due, allSteps, dueOf } from "./due.ts";
import { type WordCells, type WordLayer, isAlongTime } from "./form.ts";
import type { LayerPlaces, Place } from "./places.ts";
import { forEachStep } from "../time/row-steps.ts";
import { withinLanes } from "./store.ts";
import { type TileShape, Turn } from "./turn.ts";

export function emitTile(
  code: FunctionWriter,
  layer: WordLayer,
  places: LayerPlaces,
  tile: TileShape,
): void {
  const { steps, sink, isWhole } = layer;
  const time = code.define("i32", code.int(0));
  const run = (when: number | null, moment: Moment, each = tile): readonly Local[] =>
    new Turn(code, layer, places, each, { local: time, known: when }).run(moment);
  // Few timesteps are code of their own, with all addresses and shifts known.
  const runAll = (from: number, to: number): void => {
    if (isWhole && steps <= mostUnrolled) {
      for (let when = from; when < to; when++) {
        time.set(code.int(when));
        run(when, within);
      }
      return;
    }
    time.set(code.int(from));
    code.times(to - from, () => {
      run(null, within);
      time.step(1);
    });
  };
  if (isAlongTime(layer)) {
    beginCells(code, layer, places, tile);
    const { positions } = tile;
    const due = dueOf(code, layer, places, tile);
    if (due !== null) {
      runDueTurns(code, layer, places, tile, due, time, (each) => run(null, within, each));
      return;
    }
    const turns = Math.floor(steps / positions);
    code.times(turns, () => {
      run(isWhole && turns === 1 ? 0 : null, within);
      time.step(positions);
    });
    const rest = steps % positions;
    if (rest > 0) run(null, within, { ...tile, positions: rest });
    return;
  }
  if (sink.kind === "cells" && beginsAnew(layer, sink)) {
    // Potentials that are asked for are those in memory.
    const isLast = sink.trace === null;
    run(0, { isFirst: true, isLast: isLast && steps === 1 });
    runAll(1, steps - 1);
    if (steps === 1) return;
    time.set(code.int(steps - 1));
    run(steps - 1, { isFirst: false, isLast });
    return;
  }
  const stored = places.sums?.when ?? null;
  if (stored !== null) {
    forEachStep(code, stored, time, () => run(null, within));
    return;
  }
  beginCells(code, layer, places, tile);
  const due = dueOf(code, layer, places, tile);
  if (due === null) {
    runAll(0, steps);
    return;
  }
  const { i64, i32 } = code.wasm;
  const { mask, sent } = due;
  code.while(
    () => i64.ne(mask.get(), i64.const(0n)),
    () => {
      time.set(i32.wrap(i64.ctz(mask.get())));
      mask.set(i64.and(mask.get(), i64.sub(mask.get(), i64.const(1n))));
      const fired = run(null, within);
      const bit = code.define("i64", i64.shl(i64.const(1n), i64.extend_u(time.get())));
      const any = code.define("i32", code.int(0));
      fired.forEach((isFired, p) => {
        code.when(isFired.get(), () => {
          const own = known(sent[p], "activity");
          own.set(i64.or(own.get(), bit.get()));
          any.set(code.int(1));
        });
      });
      // What fired may fire again, whatever comes.
      code.when(any.get(), () => {
        const next = i64.shl(bit.get(), i64.const(1n));
        mask.set(i64.and(i64.or(mask.get(), next), i64.const(allSteps(steps))));
      });
    },
  );
  const { activity } = known(places.cells, "neurons");
  sent.forEach((own, p) => {
    if (activity === null) return;
    const { at, offset, stride } = activity;
    const before = i64.load(offset + p * stride, 8, at.get());
    code.push(i64.store(offset + p * stride, 8, at.get(), i64.or(before, own.get())));
  });
}

/** The turns of a pixel that is alone, some timesteps each, in which any is due. */
function runDueTurns(
  code: FunctionWriter,
  { steps }: WordLayer,
  { cells }: LayerPlaces,
  tile: TileShape,
  { mask, sent }: Due,
  time: Local,
  run: (tile: TileShape) => readonly Local[],
): void {
  const { i32, i64 } = code.wasm;
  const { positions } = tile;
  const own = known(sent[0], "activity");
  const rest = steps % positions;
  const whole = steps - rest;
  const turn = (each: TileShape): void => {
    const fired = run(each);
    const bits = fired
      .map((isFired, p) => i32.shl(isFired.get(), code.int(p)))
      .reduce((a, b) => i32.or(a, b));
    own.set(i64.or(own.get(), i64.shl(i64.extend_u(bits), i64.extend_u(time.get()))));
    if (each.positions < positions) return;
    // What fired last may fire again, whatever comes.
    const next = i64.shl(
      i64.extend_u(known(fired.at(-1), "a position").get()),
      i64.extend_u(time.get()),
    );
    const after = i64.shl(next, i64.const(BigInt(positions)));
    mask.set(i64.and(i64.or(mask.get(), after), i64.const(allSteps(steps))));
  };
  code.while(
    () => i64.ne(mask.get(), i64.const(0n)),
    () => {
      const first = i32.wrap(i64.ctz(mask.get()));
      time.set(i32.mul(i32.div_u(first, code.int(positions)), code.int(positions)));
      const done = i64.shl(i64.const(allSteps(positions)), i64.extend_u(time.get()));
      mask.set(i64.and(mask.get(), i64.xor(done, i64.const(-1n))));
      const turnOfAll = (): void => turn(tile);
      if (rest === 0) turnOfAll();
      else {
        code.when(i32.lt_s(time.get(), code.int(whole)), turnOfAll, () =>
          turn({ ...tile, positions: rest }),
        );
      }
    },
  );
  const { activity } = known(cells, "neurons");
  if (activity === null) return;
  code.push(i64.store(activity.offset, 8, activity.at.get(), own.get()));
}

/** Timesteps of which each may be code of its own. */
const mostUnrolled = 4;

/** Any timestep. */
const within: Moment = { isFirst: false, isLast: false };

/** Whether a tile begins at the first timestep of a run, and computes all of them one after the other. */
function beginsAnew(layer: WordLayer, { words, resumes }: WordCells): boolean {
  return !resumes && words.activity === null && !isAlongTime(layer);
}

/** Sets potentials to what they begin at. */
function beginCells(
  code: FunctionWriter,
  { sink, vectors, currents }: WordLayer,
  places: LayerPlaces,
  { positions, lanes }: TileShape,
): void {
  const { cells } = places;
  if (sink.kind !== "cells" || cells === null) return;
  const { v128, i32, i32x4 } = code.wasm;
  const each = isOne(cells.potentials) ? 1 : positions;
  const load = ({ at, offset, stride }: Place, p: number, v: number): Expr =>
    v128.load(offset + p * stride + 16 * v, 4, at.get());
  const forEach = (of: (p: number, v: number) => void): void => {
    for (let p = 0; p < each; p++) for (let v = 0; v < vectors; v++) of(p, v);
  };
  const store = ({ at, offset, stride }: Place, p: number, v: number, value: Expr): void => {
    code.push(v128.store(offset + p * stride + 16 * v, 16, at.get(), value));
  };
  const none = (): Expr => v128.const(new Array<number>(16).fill(0));
  if (!sink.resumes) {
    forEach((p, v) => {
      store(cells.potentials, p, v, load(cells.vInit, p, v));
      if (cells.sent !== null) store(cells.sent, p, v, none());
    });
  }
  currents.forEach(({ atFirst }, i) => {
    if (!atFirst) return;
    const { place: current } = known(places.currents[i], "a current");
    const add = (): void => {
      forEach((p, v) => {
        const x = withinLanes(code, load(current, p, v), lanes - 4 * v);
        if (x !== null) store(cells.potentials, p, v, i32x4.add(load(cells.potentials, p, v), x));
      });
    };
    code.when(i32.eqz(code.parameter(2).get()), add);
  });
}

/** Whether all positions of a tile share one state. */
function isOne({ stride }: Place): boolean {
  return stride === 0;
}
