/**
 * Reads an Einstein summation, as NumPy and ONNX write it, against the shapes it is applied to.
 * Computes nothing: the result says which axis of which operand each label walks along.
 */
import { type Result, no, ok } from "../diagnostic.ts";
import { type Shape, stridesOf } from "../type.ts";

export interface Einsum {
  /** Extent of each label: the result's axes in order, then the labels that are summed over. */
  readonly extents: readonly number[];
  /** How many of the labels are axes of the result. */
  readonly outputRank: number;
  /** Per operand and label: elements between neighbours, 0 where the operand does not have it. */
  readonly strides: readonly (readonly number[])[];
}

/** The axes that an ellipsis stands for get labels that no letter is: "0" is the last of them. */
const ellipsis = "...";

/** Axes are labelled by letters; `shapes` has one shape per operand. */
export function parseEinsum(equation: string, shapes: readonly Shape[]): Result<Einsum> {
  const text = equation.replaceAll(" ", "");
  const [left = "", right, ...more] = text.split("->");
  const terms = left.split(",");
  if (more.length > 0) return no(`equation "${equation}" has more than one arrow`);
  if (terms.length !== shapes.length) {
    return no(`equation "${equation}" has ${terms.length} terms for ${shapes.length} operands`);
  }
  for (const term of [...terms, right ?? ""]) {
    if (!/^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/.test(term)) {
      return no(
        `equation "${equation}" has the term "${term}", which is not letters and one "..."`,
      );
    }
  }

  const labelled: string[][] = [];
  for (const [i, term] of terms.entries()) {
    const shape = shapes[i] ?? [];
    const hidden = shape.length - term.replace(ellipsis, "").length;
    if (hidden < 0 || (hidden > 0 && !term.includes(ellipsis))) {
      return no(
        `equation "${equation}" has the term "${term}" for an operand of ${shape.length} axes`,
      );
    }
    labelled.push(labelsOf(term, hidden));
  }

  const extents = new Map<string, number>();
  for (const [i, labels] of labelled.entries()) {
    for (const [axis, label] of labels.entries()) {
      const extent = shapes[i]?.[axis] ?? 0;
      const before = extents.get(label) ?? 1;
      if (before !== extent && before !== 1 && extent !== 1) {
        return no(`equation "${equation}" gives one label the extents ${before} and ${extent}`);
      }
      extents.set(label, extent === 1 ? before : extent);
    }
  }

  const hiddenLabels = [...extents.keys()].filter((label) => /^\d/.test(label));
  const output =
    right === undefined
      ? implicitOutput(labelled, hiddenLabels.length)
      : labelsOf(right, right.includes(ellipsis) ? hiddenLabels.length : 0);
  const unknown = output.find((label) => !extents.has(label));
  if (unknown !== undefined) {
    return no(`equation "${equation}" has "${unknown}" in the result but in no operand`);
  }
  if (new Set(output).size !== output.length) {
    return no(`equation "${equation}" repeats a label in the result`);
  }

  const order = [...output, ...[...extents.keys()].filter((label) => !output.includes(label))];
  return ok({
    extents: order.map((label) => extents.get(label) ?? 1),
    outputRank: output.length,
    strides: labelled.map((labels, i) => {
      const shape = shapes[i] ?? [];
      const strides = stridesOf(shape);
      return order.map((label) =>
        labels.reduce(
          // A label met twice walks along the diagonal; an axis of extent 1 is broadcast.
          (sum, own, axis) =>
            own === label && shape[axis] !== 1 ? sum + (strides[axis] ?? 0) : sum,
          0,
        ),
      );
    }),
  });
}

/** One label per axis; an ellipsis' axes are numbered from the back, as broadcasting aligns them. */
function labelsOf(term: string, hidden: number): string[] {
  const [before = "", after = ""] = term.split(ellipsis);
  const numbered = Array.from({ length: hidden }, (_, k) => String(hidden - 1 - k));
  return [...before, ...numbered, ...after];
}

/** Without an arrow: the ellipsis, then the labels met exactly once, in the order of their codes. */
function implicitOutput(labelled: readonly (readonly string[])[], hidden: number): string[] {
  const all = labelled.flat();
  const once = all.filter(
    (label) => /\D/.test(label) && all.filter((l) => l === label).length === 1,
  );
  return [...labelsOf(ellipsis, hidden), ...once.sort()];
}
