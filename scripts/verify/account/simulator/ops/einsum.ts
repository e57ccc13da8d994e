/**
 * Einstein sums: labels of axes, and a sum over those that the result does not have.
 */
import type { Cost, Formula, Site } from "../operation.ts";
import { refuse } from "../refusal.ts";
import { at, type Shape, sizeOf, stridesOf } from "../types.ts";

/** A label for each axis; those of "..." count from the last one. */
function labelsOf(term: string, axes: number): string[] {
  const [before = "", after] = term.split("...");
  if (after === undefined) return [...before];
  const many = axes - before.length - after.length;
  return [...before, ...Array.from({ length: many }, (_, i) => `.${String(many - i)}`), ...after];
}

export function einsum({ op, types }: Site): Formula | undefined {
  if (op.kind !== "ann.einsum") return undefined;
  const [left = "", right] = op.attributes.text("equation").replaceAll(" ", "").split("->");
  const terms = left.split(",").map((term, i) => labelsOf(term, at(types, i).shape.length));
  const extents = new Map<string, number>();
  terms.forEach((term, i) =>
    term.forEach((label, axis) => {
      const extent = at(types, i).shape[axis] ?? 1;
      extents.set(label, Math.max(extent, extents.get(label) ?? 1));
    }),
  );
  const all = [...extents.keys()];
  const dots = all.filter((label) => label.startsWith("."));
  const spread = dots.toSorted((a, b) => Number(b.slice(1)) - Number(a.slice(1)));
  const times = (label: string): number => terms.flat().filter((each) => each === label).length;
  const free = all.filter((label) => !label.startsWith(".") && times(label) === 1).toSorted();
  const result =
    right === undefined ? [...spread, ...free] : labelsOf(right, right.length - 3 + dots.length);
  if (new Set(result).size !== result.length) return refuse("A label twice in a result.");
  const summed = all.filter((label) => !result.includes(label));
  const order = [...result, ...summed];
  const shape: Shape = order.map((label) => extents.get(label) ?? 1);
  const steps = terms.map((term, i) => {
    const source = at(types, i).shape;
    const strides = stridesOf(source);
    return order.map((label) =>
      term.reduce(
        (sum, each, axis) =>
          each === label && source[axis] !== 1 ? sum + (strides[axis] ?? 0) : sum,
        0,
      ),
    );
  });
  const size = sizeOf(op.type.shape);
  const products = sizeOf(shape);
  const inner = products / size;
  const strides = stridesOf(shape);
  const compute = (operands: readonly Float64Array[]): Float64Array =>
    new Float64Array(size).map((_, i) => {
      let sum = 0;
      for (let k = 0; k < inner; k += 1) {
        let term = 1;
        operands.forEach((x, which) => {
          let place = 0;
          order.forEach((_, axis) => {
            const index = Math.floor((i * inner + k) / (strides[axis] ?? 1)) % (shape[axis] ?? 1);
            place += index * (steps[which]?.[axis] ?? 0);
          });
          term *= x[place] ?? 0;
        });
        sum += term;
      }
      return sum;
    });
  return { compute, cost: costOf(terms.length, products, inner > 1) };
}

function costOf(operands: number, products: number, sums: boolean): Cost {
  if (operands === 1) return { additions: sums ? products : 0 };
  const further = (operands - 2) * products;
  return sums
    ? { multiplyAccumulates: products, multiplications: further }
    : { multiplications: products + further };
}
