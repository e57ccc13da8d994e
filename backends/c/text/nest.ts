/**
 * Loops over the elements of several views at once: one loop for each axis that has to have one, in the
 * order of the first view's memory. Axes that lie behind each other in every view are one loop.
 */
import { known } from "../../../ir/diagnostic.ts";
import type { View } from "../lower/views.ts";
import { type Code, loop, scaled, sumOf } from "./code.ts";

export interface Nest {
  /** Where an element of a view is, in the indices of the loops. */
  index(view: View): string;
  /** The element of a view. */
  at(view: View): string;
  /** The loops with `body` in the innermost. */
  around(body: Code): Code;
}

interface Axis {
  name: string;
  extent: number;
  /** By view: what the index is multiplied by. */
  readonly strides: number[];
}

const names: Readonly<Record<number, readonly string[]>> = {
  2: ["n", "i"],
  3: ["n", "c", "x"],
  4: ["n", "c", "y", "x"],
  5: ["n", "c", "z", "y", "x"],
};

/** A nest over `views`, which have one shape; the first one's memory says which loop is outside. */
export function nestOver(views: readonly View[]): Nest {
  const first = known(views[0], "a view");
  const rank = first.shape.length;
  const all: Axis[] = first.shape.map((extent, axis) => ({
    name: names[rank]?.[axis] ?? `i${axis}`,
    extent,
    strides: views.map(({ strides }) => strides[axis] ?? 0),
  }));
  const axes: Axis[] = [];
  const sorted = all
    .filter(({ extent }) => extent > 1)
    .toSorted((a, b) => (b.strides[0] ?? 0) - (a.strides[0] ?? 0));
  for (const axis of sorted) {
    const outer = axes.at(-1);
    const isBehind = outer?.strides.every(
      (stride, i) => stride === (axis.strides[i] ?? 0) * axis.extent,
    );
    if (outer === undefined || isBehind !== true) axes.push({ ...axis });
    else {
      outer.extent *= axis.extent;
      outer.name = "i";
      outer.strides.splice(0, outer.strides.length, ...axis.strides);
    }
  }
  for (const [i, axis] of axes.entries()) {
    if (axes.some(({ name }, k) => k < i && name === axis.name)) axis.name = `${axis.name}${i}`;
  }
  const index = (view: View): string => {
    const own = views.indexOf(view);
    const terms = axes.map(({ name, strides }) => scaled(name, strides[own] ?? 0));
    return sumOf([view.offset === 0 ? "" : String(view.offset), ...terms]);
  };
  return {
    index,
    at: (view) => `${view.array.name}[${index(view)}]`,
    around: (body) =>
      axes.reduceRight<Code>((inner, { name, extent }) => loop(name, extent, inner), body),
  };
}
