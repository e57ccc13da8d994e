/**
 * Structural ops as one index per output element, found once: the interpreter moves the numbers
 * 1 … n instead of data, and what arrives where is the index (0 where padding arrives).
 */
import { evaluate } from "../../../ir/run/evaluate.ts";
import { tensorAt } from "../../../ir/module.ts";
import { isOp } from "../../../ir/op/op.ts";
import { type Tensor, tensor } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import type { Kernel, Site } from "../kernel.ts";

/** A kernel for structural ops; null for any other, and for padding with a value other than 0. */
export function compileMove(site: Site): Kernel | null {
  const { op, module, output } = site;
  if (op.kind === "ann.reshape" || op.kind === "ann.identity") {
    const [from] = site.inputs;
    return from === undefined ? null : { run: () => output.set(from) };
  }
  if (
    !isOp(op, "ann.transpose", "ann.slice", "ann.pad", "ann.concat", "ann.expand", "ann.tile") ||
    (op.kind === "ann.pad" && op.attrs.mode === "constant" && op.attrs.value !== 0)
  ) {
    return null;
  }
  let next = 1;
  const numbered: Tensor[] = site.inputOps.map(({ type }) => {
    const count = elementCount(type.shape);
    const ids = Float64Array.from({ length: count }, (_, i) => next + i);
    next += count;
    return tensor("f64", type.shape, ids);
  });
  const moved = evaluate({ ...op, type: { ...op.type, dtype: "f64" } }, numbered, (ref) =>
    tensorAt(module, ref),
  );
  const places = Int32Array.from(moved.data);
  const sources = site.inputs;
  const single = sources.length === 1 ? sources[0] : undefined;
  if (single !== undefined) {
    return {
      run() {
        for (let i = 0; i < places.length; i++) {
          const at = places[i] ?? 0;
          output[i] = at === 0 ? 0 : (single[at - 1] ?? 0);
        }
      },
    };
  }
  const firsts: number[] = [];
  let first = 1;
  for (const source of sources) {
    firsts.push(first);
    first += source.length;
  }
  const from = Int32Array.from(places, (at) => firsts.findLastIndex((f) => f <= at));
  return {
    run() {
      for (let i = 0; i < places.length; i++) {
        const which = from[i] ?? 0;
        output[i] = sources[which]?.[(places[i] ?? 0) - (firsts[which] ?? 0)] ?? 0;
      }
    },
  };
}
