/**
 * A barrier for threads in one arena: none goes on before all have come. Waiting is short as a rule,
 * so threads look again for a while before they sleep. Browsers do not let their main thread sleep:
 * it takes no part.
 */
import type { Buffer } from "../memory/view.ts";
import type { Expr } from "./types.ts";
import type { FunctionWriter } from "./code.ts";
import { pointerTo } from "./memory.ts";

/** Two words a cache line apart (threads that have come, and how often all have), and a free one. */
export const barrierBytes = 128;
/** A word for what one thread tells the others; seen by all after the next barrier. */
export const freeOffset = 96;
const arrivedOffset = 0;
const roundOffset = 64;
/** Looks before sleeping: some 20 µs, about as long as waking up takes. */
const looks = 4000;

/** Writes the body of a function of (part, parts) that returns once all parts have called it. */
export function waitForAll(code: FunctionWriter, buffer: Buffer): void {
  const { i32, i64, memory } = code.wasm;
  const parts = code.parameter(1);
  const at = pointerTo(code, buffer);
  at.step(buffer.address);
  const currentRound = (): Expr => i32.atomic.load(roundOffset, at.get());
  const round = code.define("i32", currentRound());
  const before = code.define("i32", i32.atomic.rmw.add(arrivedOffset, at.get(), code.int(1)));
  code.when(
    i32.eq(i32.add(before.get(), code.int(1)), parts.get()),
    () => {
      code.push(i32.atomic.store(arrivedOffset, at.get(), code.int(0)));
      code.push(code.wasm.drop(i32.atomic.rmw.add(roundOffset, at.get(), code.int(1))));
      const everyone = memory.atomic.notify(i32.add(at.get(), code.int(roundOffset)), parts.get());
      code.push(code.wasm.drop(everyone));
    },
    () => {
      const left = code.define("i32", code.int(looks));
      code.while(
        () => code.wasm.select(i32.eq(currentRound(), round.get()), left.get(), code.int(0)),
        () => {
          left.step(-1);
        },
      );
      code.while(
        () => i32.eq(currentRound(), round.get()),
        () => {
          const address = i32.add(at.get(), code.int(roundOffset));
          const forever = i64.const(-1n);
          code.push(code.wasm.drop(memory.atomic.wait32(address, round.get(), forever)));
        },
      );
    },
  );
}
