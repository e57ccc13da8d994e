/** The read-out of rate code. */
import { onFirstThread } from "../assembler/memory.ts";
import { known } from "../../../ir/diagnostic.ts";
import { type Op, isOp } from "../../../ir/op/op.ts";
import { elementCount } from "../../../ir/type.ts";
import { readOut } from "../kernels/time/read-out.ts";
import { type View, reshapeView, rowMajor } from "../memory/view.ts";
import type { Lowering } from "./lowering.ts";
import { compact } from "./copies.ts";

export function lowerReadOut(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "snn.readout", "snn.rehearsed-readout") || op.type.dtype !== "f32") return null;
  const value = lowering.operandOf(op);
  const given = lowering.dense(value);
  const count = elementCount(op.type.shape);
  const from =
    reshapeView(given, [count]) ??
    known(reshapeView(compact(lowering, value, given), [count]), "a flat view");
  const straight = count === 1 || from.strides[0] === 1 ? from : compact(lowering, value, given);
  const steps = lowering.options.steps;
  const lead = count;
  const to = rowMajor(
    lowering.buffer("scratch", `%${op.result}`, 4 * count * steps),
    "f32",
    op.type.shape,
    lead,
  );
  const sums = rowMajor(lowering.buffer("state", `%${op.result} sums`, 16 * count), "f64", [
    count,
    2,
  ]);
  lowering.emit({
    name: `%${op.result} start`,
    phase: "begin",
    reads: [],
    writes: [sums.buffer],
    emit(code) {
      const { wasm } = code;
      onFirstThread(code, () => {
        const arena = wasm.global.get("arena", code.assembler.typeOf("i32"));
        const at = wasm.i32.add(arena, code.int(sums.buffer.address));
        code.push(wasm.memory.fill(at, code.int(0), code.int(sums.buffer.bytes)));
      });
    },
  });
  lowering.emit({
    name: `%${op.result} ${op.kind}`,
    phase: "each",
    reads: [straight.buffer],
    writes: [to.buffer, sums.buffer],
    emit(code) {
      readOut(code, straight, to, sums, { rehearsal: 0, ...op.attrs, count, steps });
    },
  });
  return to;
}
