/** Timesteps of rows of pixels as bits: read, noted, and gone through one by one. */
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { pointerTo } from "../../assembler/memory.ts";
import type { RowSteps } from "../../memory/row-steps.ts";

/** A pointer to a row's bits, which lie at the buffer's address from there. */
function rowAt(code: FunctionWriter, { buffer }: RowSteps, row: Local): Local {
  const at = pointerTo(code, buffer);
  at.advance(code.wasm.i32.shl(row.get(), code.int(3)));
  return at;
}

/** The timesteps of a row that are there. */
export function rowStepsAt(code: FunctionWriter, steps: RowSteps, row: Local): Local {
  const at = rowAt(code, steps, row);
  return code.define("i64", code.wasm.i64.load(steps.buffer.address, 8, at.get()));
}

/** Says which timesteps of a row are there. */
export function noteRowSteps(code: FunctionWriter, steps: RowSteps, row: Local, bits: Local): void {
  const at = rowAt(code, steps, row);
  code.push(code.wasm.i64.store(steps.buffer.address, 8, at.get(), bits.get()));
}

/** Each of the timesteps that are set, from the first on; `time` is the one at hand. */
export function forEachStep(
  code: FunctionWriter,
  bits: Local,
  time: Local,
  body: () => void,
): void {
  const { i32, i64 } = code.wasm;
  const left = code.define("i64", bits.get());
  code.while(
    () => i64.ne(left.get(), i64.const(0n)),
    () => {
      time.set(i32.wrap(i64.ctz(left.get())));
      left.set(i64.and(left.get(), i64.sub(left.get(), i64.const(1n))));
      body();
    },
  );
}
