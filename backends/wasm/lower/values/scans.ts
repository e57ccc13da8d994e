/** Ops that are neither elementwise nor folds: triangles, and sums along an axis. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import { stridesOf } from "../../../../ir/type.ts";
import { placeOf } from "../../assembler/memory.ts";
import { splat } from "../../kernels/functions.ts";
import { axesOf, nest } from "../../kernels/nest.ts";
import type { View } from "../../memory/view.ts";
import { valuesLike } from "./constants.ts";
import { emitForm } from "./elementwise.ts";
import { type Lowering, elementOf } from "../lowering.ts";

export function lowerScan(lowering: Lowering, op: Op): View | null {
  if (elementOf(op.type.dtype) === null) return null;
  if (isOp(op, "ann.trilu")) return lowerTriangle(lowering, op);
  if (isOp(op, "ann.cumsum") && (op.type.dtype === "f32" || op.type.dtype === "i32")) {
    return lowerSums(lowering, op);
  }
  return null;
}

function lowerTriangle(lowering: Lowering, op: OpOf<"ann.trilu">): View {
  const { upper, diagonal } = op.attrs;
  const input = lowering.dense(lowering.operandOf(op));
  const shape = input.shape.slice(-2);
  const [columns = 1] = stridesOf(shape);
  const kept = Array.from({ length: (shape[0] ?? 1) * columns }, (_, i) => {
    const above = (i % columns) - Math.floor(i / columns) - diagonal;
    return (upper ? above >= 0 : above <= 0) ? 1 : 0;
  });
  const mask = valuesLike(lowering, `%${op.result} triangle`, shape, kept, input);
  // By bits, so that what is left out is 0 even where it is not a number.
  return emitForm(lowering, op, [input, mask], (code, [x, m]) => {
    const { v128, i32x4 } = code.wasm;
    const isZero = i32x4.eq(known(m, "a mask").get(), splat(code, 0));
    return v128.andnot(known(x, "x").get(), isZero);
  });
}

/** The sums so far along an axis, in double precision or in wrapping integers. */
function lowerSums(lowering: Lowering, op: OpOf<"ann.cumsum">): View | null {
  const { axis, exclusive, reverse } = op.attrs;
  const input = lowering.dense(lowering.operandOf(op));
  const output = lowering.place(op.result);
  const steps = lowering.stepsOf(op.result);
  const extent = input.shape[axis] ?? 1;
  const [from, to] = [input.strides[axis] ?? 0, output.strides[axis] ?? 0];
  const last = reverse ? extent - 1 : 0;
  const direction = reverse ? -1 : 1;
  const float = output.element === "f32";
  lowering.emit({
    name: `%${op.result} ${op.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: [input.buffer],
    writes: [output.buffer],
    emit(code) {
      const { f32, f64, i32 } = code.wasm;
      nest(code, [output, input], axesOf([output, input], steps, [axis]), false, (_, pointers) => {
        const [y, x] = pointers.map((pointer, i) => {
          const first = 4 * last * (i === 0 ? to : from);
          return code.define("i32", i32.add(pointer.get(), code.int(first)));
        });
        const [target, source] = [known(y, "y"), known(x, "x")];
        const sum = code.define(float ? "f64" : "i32", float ? f64.const(0) : code.int(0));
        const store = (): void => {
          const place = placeOf(output);
          if (float) code.push(f32.store(place, 4, target.get(), f32.demote(sum.get())));
          else code.push(i32.store(place, 4, target.get(), sum.get()));
        };
        code.times(extent, () => {
          if (exclusive) store();
          const value = (float ? f32 : i32).load(placeOf(input), 4, source.get());
          sum.set(float ? f64.add(sum.get(), f64.promote(value)) : i32.add(sum.get(), value));
          if (!exclusive) store();
          target.step(4 * direction * to);
          source.step(4 * direction * from);
        });
      });
    },
  });
  return output;
}
