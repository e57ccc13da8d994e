/** Weights as constants of the program: in the order in which loops read them, packed as their bits say. */
import { type Storage, pack } from "../../../../ir/packed.ts";
import type { Tensor } from "../../../../ir/tensor.ts";
import { typeFor } from "../../text/types.ts";
import type { ConstantArray } from "../arrays.ts";
import type { Lowering } from "../lowering.ts";

export interface Weights {
  readonly array: ConstantArray;
  readonly bits: number;
  /** The weight at an index, as an expression of int32_t or narrower. */
  at(index: string): string;
}

const bitsOf: Readonly<Record<Storage, number>> = { i4: 4, i2: 2, b1: 1 };

/** The weights of `tensor`, element `order[i]` at index i; 0 for an index of −1. */
export function weightsOf(
  lowering: Lowering,
  name: string,
  { data, storage }: Tensor,
  order: Int32Array,
): Weights {
  const numbers = Float64Array.from(order, (at) => data[at] ?? 0);
  // A bit has no 0 to fill rows up with.
  if (storage !== undefined && !(storage === "b1" && order.includes(-1))) {
    const bits = bitsOf[storage];
    const bytes = pack(storage, numbers);
    const array = lowering.constant(name, "uint8_t", bytes, `weights of ${bits} bits, packed`);
    const helper = `weight${bits}`;
    lowering.helpers.add(helper);
    return { array, bits, at: (index) => `${helper}(${array.name}, ${index})` };
  }
  let [low, high] = [0, 0];
  for (const number of numbers) {
    low = Math.min(low, number);
    high = Math.max(high, number);
  }
  const type = typeFor({ low, high });
  const bits = { int8_t: 8, int16_t: 16 }[String(type)] ?? 32;
  const array = lowering.constant(name, type, numbers, `weights of ${bits} bits`);
  return { array, bits, at: (index) => `${array.name}[${index}]` };
}
