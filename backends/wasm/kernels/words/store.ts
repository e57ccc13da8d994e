/** Words from registers to memory: four of 32 bits a vector become bytes, or two bytes each. */
import { known } from "../../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import type { Expr } from "../../assembler/types.ts";
import type { WordPlanes } from "../../memory/words.ts";
import type { Place } from "./places.ts";

/**
 * Stores a tile of words, which are used up: positions by an even number of vectors. `within` puts them within bounds
 * if they are not yet.
 */
export function storeWords(
  code: FunctionWriter,
  words: Pick<WordPlanes, "bytes" | "bias">,
  { at, offset, stride }: Place,
  sums: readonly Local[],
  vectors: number,
  within: ((eight: Expr) => Expr) | null,
): void {
  const { i16x8, i8x16, v128 } = code.wasm;
  const positions = sums.length / vectors;
  const bias = words.bias === 0 ? null : code.define("v128", i16x8.splat(code.int(words.bias)));
  const eights: Local[][] = [];
  for (let p = 0; p < positions; p++) {
    const row: Local[] = [];
    for (let v = 0; v < vectors; v += 2) {
      const [first, second] = [sums[p * vectors + v], sums[p * vectors + v + 1]];
      const into = known(first, "words");
      const narrow = i16x8.narrow_i32x4_s(into.get(), known(second, "words").get());
      const eight = within === null ? narrow : within(narrow);
      into.set(bias === null ? eight : i16x8.add(eight, bias.get()));
      row.push(into);
    }
    eights.push(row);
  }
  const bytesOf = (a: Local, b: Local): Expr => i8x16.narrow_i16x8_u(a.get(), b.get());
  eights.forEach((row, p) => {
    const to = offset + p * stride;
    if (words.bytes === 2) {
      row.forEach((eight, i) => {
        code.push(v128.store(to + 16 * i, 1, at.get(), eight.get()));
      });
      return;
    }
    for (let i = 0; i + 1 < row.length; i += 2) {
      const [a, b] = [known(row[i], "words"), known(row[i + 1], "words")];
      code.push(v128.store(to + 8 * i, 1, at.get(), bytesOf(a, b)));
    }
    if (row.length !== 1 || p % 2 === 1) return;
    // Two positions of eight bytes each at once.
    const [own] = row;
    const next = eights[p + 1]?.[0];
    const first = known(own, "words");
    first.set(bytesOf(first, next ?? first));
    code.push(v128.store64_lane(to, 1, 0, at.get(), first.get()));
    if (next !== undefined) {
      code.push(v128.store64_lane(to + stride, 1, 1, at.get(), first.get()));
    }
  });
}

/** The first lanes of a vector, others as 0; null where there are none. */
export function withinLanes(code: FunctionWriter, value: Expr, lanes: number): Expr | null {
  if (lanes <= 0) return null;
  if (lanes >= 4) return value;
  const mask = [0, 1, 2, 3].flatMap((lane) => new Array<number>(4).fill(lane < lanes ? 255 : 0));
  return code.wasm.v128.and(value, code.wasm.v128.const(mask));
}
