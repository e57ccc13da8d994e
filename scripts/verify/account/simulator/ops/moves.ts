/**
 * Moves: ops whose result holds elements of their operands and nothing else. Each is a table of
 * where its elements come from, which moves values and words alike.
 */
import { broadcastIndex, walk } from "../numbers.ts";
import type { Move, Site } from "../operation.ts";
import { refuse } from "../refusal.ts";
import { at, type Op, type Shape, sizeOf, stridesOf } from "../types.ts";

export function moveOf(site: Site): Move | undefined {
  const { op, types } = site;
  const size = sizeOf(op.type.shape);
  const of = (element: Int32Array, filler = 0): Move => ({
    ...{ operand: new Int32Array(size), element, filler },
  });
  const source = types[0]?.shape ?? [];
  switch (op.kind) {
    case "ann.identity":
    case "ann.reshape":
      return of(Int32Array.from({ length: size }, (_, i) => i));
    case "ann.transpose": {
      const strides = stridesOf(source);
      const steps = op.attributes.numbers("perm").map((axis) => strides[axis] ?? 0);
      return of(walk(op.type.shape, steps, 0));
    }
    case "ann.concat":
      return concat(site);
    case "ann.slice": {
      const strides = stridesOf(source);
      const starts = op.attributes.numbers("starts");
      const steps = op.attributes.numbers("steps").map((step, i) => step * (strides[i] ?? 0));
      const start = starts.reduce((sum, place, i) => sum + place * (strides[i] ?? 0), 0);
      return of(walk(op.type.shape, steps, start));
    }
    case "ann.expand":
      return of(broadcastIndex(source, op.type.shape));
    case "ann.tile":
      return of(perAxis(op.type.shape, source, (i, axis) => i % (source[axis] ?? 1)));
    case "ann.pad":
      return of(pad(op, source), op.attributes.number("value"));
    case "ann.trilu": {
      const upper = op.attributes.flag("upper");
      const diagonal = op.attributes.number("diagonal");
      const [rows = 1, columns = 1] = op.type.shape.slice(-2);
      return of(
        Int32Array.from({ length: size }, (_, i) => {
          const away = (i % columns) - (Math.floor(i / columns) % rows) - diagonal;
          return (upper ? away >= 0 : away <= 0) ? i : -1;
        }),
      );
    }
    case "ann.gather":
      return of(gather(site, source));
    default:
      return undefined;
  }
}

/** Each axis by itself: which place of the source, or −1, an index of the result is from. */
function perAxis(
  shape: Shape,
  source: Shape,
  from: (index: number, axis: number) => number,
): Int32Array {
  const strides = stridesOf(shape);
  const steps = stridesOf(source);
  return new Int32Array(sizeOf(shape)).map((_, i) => {
    let place = 0;
    for (let axis = 0; axis < shape.length; axis += 1) {
      const index = from(Math.floor(i / (strides[axis] ?? 1)) % (shape[axis] ?? 1), axis);
      if (index < 0) return -1;
      place += index * (steps[axis] ?? 0);
    }
    return place;
  });
}

function concat({ op, types }: Site): Move {
  const axis = op.attributes.number("axis");
  const size = sizeOf(op.type.shape);
  const operand = new Int32Array(size);
  const element = new Int32Array(size);
  const outer = sizeOf(op.type.shape.slice(0, axis));
  let place = 0;
  for (let i = 0; i < outer; i += 1) {
    types.forEach(({ shape }, which) => {
      const run = sizeOf(shape.slice(axis));
      for (let k = 0; k < run; k += 1, place += 1) {
        operand[place] = which;
        element[place] = i * run + k;
      }
    });
  }
  return { operand, element, filler: 0 };
}

function pad(op: Op, source: Shape): Int32Array {
  const mode = op.attributes.text("mode");
  const begin = op.attributes.numbers("begin");
  return perAxis(op.type.shape, source, (index, axis) => {
    const extent = source[axis] ?? 1;
    const place = index - (begin[axis] ?? 0);
    if (place >= 0 && place < extent) return place;
    const around = (n: number): number => ((place % n) + n) % n;
    if (mode === "constant") return -1;
    if (mode === "edge") return Math.min(Math.max(place, 0), extent - 1);
    if (mode === "wrap") return around(extent);
    if (mode !== "reflect") return refuse(`No mode of ann.pad: ${mode}`);
    if (extent === 1) return 0;
    const back = around(2 * (extent - 1));
    return back < extent ? back : 2 * (extent - 1) - back;
  });
}

function gather({ op, types, constants }: Site, source: Shape): Int32Array {
  const indices = constants[1];
  if (indices === undefined) return refuse("ann.gather: only constant indices are known here.");
  const axis = op.attributes.number("axis");
  const extent = at(source, axis);
  const inner = sizeOf(source.slice(axis + 1));
  const many = sizeOf(at(types, 1).shape);
  return new Int32Array(sizeOf(op.type.shape)).map((_, i) => {
    const which = indices.values[Math.floor(i / inner) % many] ?? 0;
    const row = Math.floor(i / (inner * many)) * extent + (which < 0 ? which + extent : which);
    return row * inner + (i % inner);
  });
}

/** Carries out a move; fillers are put where nothing comes from. */
export function carry(
  move: Move,
  operands: readonly (Float64Array | undefined)[],
  filler: number,
): Float64Array {
  const { operand, element } = move;
  return new Float64Array(operand.length).map((_, i) => {
    const place = element[i] ?? -1;
    return place < 0 ? filler : (operands[operand[i] ?? 0]?.[place] ?? 0);
  });
}
