/**
 * Elementwise ops with a state: for a few vectors of elements the state stays in registers while all
 * timesteps of a chunk pass, and lies in memory from chunk to chunk. What happens in a timestep is
 * handed in; it sees four elements at a time, of which only the first counts at the end of a row.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf } from "../../assembler/memory.ts";
import { type View, elementBytes } from "../../memory/view.ts";
import { type LoopAxis, type Lanes, axesOf, nest } from "../nest.ts";

/** What is kept from one timestep to the next. */
export interface State {
  /** Where it lies from chunk to chunk; null where there is one chunk. */
  readonly kept: View | null;
  /** What it is before the first timestep; null for zero. */
  readonly start: View | null;
  readonly element: View["element"];
}

/** A row of values for each timestep, the last one for all that follow; the view's lead is a row. */
export interface RowTable {
  readonly view: View;
  readonly rows: number;
}

export interface Process {
  /** Written at each timestep; the order of the first is followed. */
  readonly outputs: readonly View[];
  /** Read at each timestep. */
  readonly input: View;
  readonly tables: readonly RowTable[];
  /** Read once. All views have the shape of the first output. */
  readonly parameters: readonly View[];
  readonly states: readonly State[];
  readonly steps: number;
  /** Vectors that are worked on at the same time; as many as registers allow. */
  readonly together: number;
}

/** Four elements in registers: one vector of 32-bit elements, or two of doubles. */
export type Lane = readonly Local[];

/** One timestep of four elements. */
export interface Moment {
  readonly x: Local;
  readonly rows: readonly Local[];
  readonly parameters: readonly Local[];
  /** To be set to what they are after the timestep. */
  readonly states: readonly Lane[];
}

/** Code for one timestep, with what all elements share in it. */
export interface Update {
  /** Sets what is shared for the first timestep of the chunk; before any `step`. */
  begin(): void;
  /** Gives the values of the outputs, each to be stored at once. */
  step(moment: Moment): readonly (() => Expr)[];
  /** Goes on to the next timestep. */
  tick(): void;
}

/** Emits the loops. `update` is asked anew for each loop that is written. */
export function overTime(
  code: FunctionWriter,
  process: Process,
  update: (code: FunctionWriter) => Update,
): void {
  const { outputs, input, tables, parameters, states, steps } = process;
  const kept = states.flatMap((state) => [state.start, state.kept]).filter((view) => view !== null);
  const read = [input, ...tables.map(({ view }) => view), ...parameters];
  const seen = [...new Set([...outputs, ...read, ...kept])];
  const body = (
    lanes: Lanes,
    pointers: readonly Local[],
    inner: LoopAxis,
    vectors: number,
  ): void => {
    const place = (view: View): ViewCursor => {
      const i = seen.indexOf(view);
      return { view, pointer: known(pointers[i], "a pointer"), stride: inner.strides[i] ?? 0 };
    };
    emitPlaces(code, process, lanes, vectors, place, update(code));
  };
  nest(code, seen, axesOf(seen, Math.min(1, steps)), true, body, process.together);
}

/** A view at the place that a nest has come to. */
interface ViewCursor {
  readonly view: View;
  readonly pointer: Local;
  /** Elements to the next one along the innermost axis: 0 or 1 where there are vectors. */
  readonly stride: number;
}

function emitPlaces(
  code: FunctionWriter,
  process: Process,
  lanes: Lanes,
  vectors: number,
  place: (view: View) => ViewCursor,
  update: Update,
): void {
  const { i32 } = code.wasm;
  const each = Array.from({ length: vectors }, (_, k) => k);
  const moving = (view: View): ViewCursor => ({
    ...place(view),
    pointer: code.define("i32", place(view).pointer.get()),
  });
  const parameters = each.map((k) =>
    process.parameters.map((view) => code.define("v128", load(code, place(view), lanes, k))),
  );
  const states = each.map((k) =>
    process.states.map((state) => openState(code, state, place, lanes, k)),
  );
  const outputs = process.outputs.map(moving);
  const input = moving(process.input);
  const elapsed = code.parameter(2);
  const tables = process.tables.map(({ view, rows }) => {
    const at = moving(view);
    const time = code.define("i32", elapsed.get());
    const last = code.int(rows - 1);
    const row = code.wasm.select(i32.lt_s(time.get(), code.int(rows - 1)), time.get(), last);
    at.pointer.advance(i32.mul(row, code.int(4 * view.lead)));
    return { at, time, rows };
  });
  const xs = each.map(() => code.local("v128"));
  const rowsOf = each.map(() => tables.map(() => code.local("v128")));
  update.begin();
  code.times(process.steps, () => {
    for (const k of each) {
      const x = known(xs[k], "x");
      x.set(load(code, input, lanes, k));
      const rows = known(rowsOf[k], "rows");
      rows.forEach((row, i) => {
        row.set(load(code, known(tables[i], "a table").at, lanes, k));
      });
      const moment = {
        x,
        rows,
        parameters: known(parameters[k], "parameters"),
        states: known(states[k], "states"),
      };
      update.step(moment).forEach((value, i) => {
        store(code, known(outputs[i], "an output"), lanes, k, value());
      });
    }
    for (const { pointer, view } of [input, ...outputs]) {
      pointer.step(elementBytes(view.element) * view.lead);
    }
    for (const { at, time, rows } of tables) {
      time.step(1);
      code.when(i32.lt_s(time.get(), code.int(rows)), () => {
        at.pointer.step(4 * at.view.lead);
      });
    }
    update.tick();
  });
  process.states.forEach(({ kept }, i) => {
    if (kept === null) return;
    for (const k of each) {
      const registers = known(states[k]?.[i], "a state");
      registers.forEach((register, half) => {
        const value = register.get();
        store(code, place(kept), lanes, k, value, half);
      });
    }
  });
}

/** A state as the chunk before left it, or as it starts. */
function openState(
  code: FunctionWriter,
  state: State,
  place: (view: View) => ViewCursor,
  lanes: Lanes,
  vector: number,
): Lane {
  const { i32, v128 } = code.wasm;
  const halves = state.element === "f64" ? 2 : 1;
  const registers = code.several(halves, "v128");
  const { start, kept } = state;
  registers.forEach((register, half) => {
    const begin = (): void => {
      const first =
        start === null
          ? v128.const(new Array<number>(16).fill(0))
          : load(code, place(start), lanes, vector, half);
      register.set(first);
    };
    if (kept === null) begin();
    else {
      code.when(i32.eqz(code.parameter(2).get()), begin, () => {
        register.set(load(code, place(kept), lanes, vector, half));
      });
    }
  });
  return registers;
}

/** Elements in vector `k` from a place; one in all lanes where it is alone. */
function load(code: FunctionWriter, at: ViewCursor, lanes: Lanes, k: number, half = 0): Expr {
  const { v128 } = code.wasm;
  const { view, pointer, stride } = at;
  if (view.element === "f64") {
    const offset = placeOf(view, stride * (4 * k + 2 * half));
    const alone = lanes === "scalar" || stride === 0;
    return alone
      ? v128.load64_splat(offset, 8, pointer.get())
      : v128.load(offset, 8, pointer.get());
  }
  const offset = placeOf(view, stride * 4 * k);
  const alone = lanes === "scalar" || stride === 0;
  return alone ? v128.load32_splat(offset, 4, pointer.get()) : v128.load(offset, 4, pointer.get());
}

function store(
  code: FunctionWriter,
  at: ViewCursor,
  lanes: Lanes,
  k: number,
  value: Expr,
  half = 0,
): void {
  const { v128 } = code.wasm;
  const { view, pointer, stride } = at;
  const wide = view.element === "f64";
  const offset = placeOf(view, stride * (4 * k + 2 * half));
  if (lanes === "vector") code.push(v128.store(offset, 4, pointer.get(), value));
  else if (half > 0) code.push(code.wasm.drop(value));
  else if (wide) code.push(v128.store64_lane(offset, 4, 0, pointer.get(), value));
  else code.push(v128.store32_lane(offset, 4, 0, pointer.get(), value));
}
