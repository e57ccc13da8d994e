/**
 * The table of tensors in text → tensors: elements that are written out are read, hashes are
 * looked up among the tensors at hand and checked. A tensor with a fault is there, as null, so that
 * the ops that use it are not reported too.
 */
import { formatRef } from "../op/attribute.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { diagnose } from "../diagnostics.ts";
import type { Token } from "./lex.ts";
import type { Loc } from "../loc.ts";
import { formatNumber } from "./number.ts";
import { holds, rangeOf } from "../analysis/range.ts";
import { type WrittenTensor, numberOf } from "./syntax.ts";
import { type Storage, isStorage } from "../packed.ts";
import {
  type Tensor,
  type TensorRef,
  hashTensor,
  packTensor,
  roundTo,
  storedAs,
  tensorOf,
} from "../tensor.ts";
import { type DType, type Shape, elementCount, isFloat } from "../type.ts";

/** Collects what is wrong, each at a place in the text. */
export interface Faults {
  add(where: Token, make: (loc: Loc, notes: readonly string[]) => Diagnostic): void;
}

/** The tensors of a table by name; `available` are those that came with the text. */
export function readTensors(
  table: readonly WrittenTensor[],
  available: ReadonlyMap<TensorRef, Tensor>,
  faults: Faults,
): ReadonlyMap<TensorRef, Tensor | null> {
  const tensors = new Map<TensorRef, Tensor | null>();
  for (const written of table) {
    const name = written.name.content;
    if (tensors.has(name)) {
      const tensor = written.name.text;
      faults.add(written.name, (loc, notes) =>
        diagnose("ir-tensor-repeated", loc, { tensor }, notes),
      );
      continue;
    }
    const there = available.get(name) ?? null;
    const inline = written.content.kind === "elements";
    const value = inline ? readElements(written, faults) : there;
    if (value === null && !inline) {
      const tensor = formatRef(name);
      faults.add(written.name, (loc, notes) => diagnose("ir-tensor-data", loc, { tensor }, notes));
    }
    const sound =
      value !== null && there !== null ? agrees(written, value, there, faults) : value !== null;
    tensors.set(name, sound ? value : null);
  }
  return tensors;
}

/** Reports where the tensor at hand is not the one that the text describes. */
function agrees(written: WrittenTensor, value: Tensor, there: Tensor, faults: Faults): boolean {
  const tensor = formatRef(written.name.content);
  const differs = (where: Token, what: string, says: string, found: string): boolean => {
    if (says === found) return true;
    const params = { tensor, what, written: says, found };
    faults.add(where, (loc, notes) => diagnose("ir-tensor-differs", loc, params, notes));
    return false;
  };
  const typeOf = (stored: DType | Storage, shape: Shape): string =>
    `${stored}[${shape.join(", ")}]`;
  const [says, is] = [typeOf(written.stored, written.shape), typeOf(storedAs(there), there.shape)];
  if (!differs(written.name, "the type", says, is)) return false;
  const hash = hashTensor(there);
  const { content } = written;
  if (content.kind === "elements") {
    return differs(content.start, "the hash", hashTensor(value), hash);
  }
  if (!differs(content.hash, "the hash", content.digits, hash.slice(0, content.digits.length))) {
    return false;
  }
  const range = rangeOf(there);
  const bound = (token: Token | null, what: string, found: number): boolean =>
    token === null || differs(token, what, token.text, formatNumber(found, there.dtype));
  return (
    bound(content.min, "the least element", range.min) &&
    bound(content.max, "the largest element", range.max)
  );
}

function readElements(written: WrittenTensor, faults: Faults): Tensor | null {
  const { content, stored, shape } = written;
  if (content.kind !== "elements") return null;
  const tensor = formatRef(written.name.content);
  const wanted = elementCount(shape);
  const found = content.items.length;
  if (found !== wanted) {
    faults.add(content.start, (loc, notes) =>
      diagnose("ir-tensor-elements", loc, { tensor, wanted, found }, notes),
    );
    return null;
  }
  const values: number[] = [];
  for (const item of content.items) {
    const value = numberOf(item) ?? NaN;
    if (!isWrittenAs(stored, item.text, value)) {
      const isWide = stored === "f64" || stored === "i64" || stored === "u64";
      const type = isWide ? `${stored} that is exact as a double` : stored;
      faults.add(item, (loc, notes) =>
        diagnose("ir-tensor-element", loc, { tensor, value: item.text, type }, notes),
      );
      return null;
    }
    values.push(value);
  }
  return isStorage(stored)
    ? packTensor(stored, tensorOf("i8", shape, values))
    : tensorOf(stored, shape, values);
}

/**
 * Floats are rounded to their type, as the text is short, but not to infinity; integers are written
 * digit by digit and exact.
 */
function isWrittenAs(stored: DType | Storage, text: string, value: number): boolean {
  if (!isStorage(stored) && isFloat(stored))
    return Number.isFinite(value) === Number.isFinite(roundTo(stored, value));
  return /^-?[0-9]+$/.test(text) && holds(stored, value) && BigInt(text) === BigInt(value);
}
