/**
 * Keeps integers in as few bits as they fit into: 4, 2, or 1 where all are ±1.
 *
 * Precondition: none. Result: the same network; a tensor of i8 whose elements fit is stored as `i4`,
 * `i2` or `b1`, which the file has packed. Its elements stay what they are to every op and engine.
 */
import type { Module } from "../../ir/module.ts";
import { type Storage, fits, storages } from "../../ir/packed.ts";
import { type Tensor, packTensor } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { definePass } from "../pass.ts";

export const packWeights = definePass({
  name: "pack-weights",
  role: "store",
  summary: "store integers that fit into 4, 2 or 1 bits with that many bits each",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: packed,
});

function packed(module: Module): Module {
  const narrow = [...module.tensors].flatMap(([ref, value]): [string, Tensor][] => {
    const storage = narrowest(value);
    return storage === null ? [] : [[ref, packTensor(storage, value)]];
  });
  if (narrow.length === 0) return module;
  return { ...module, tensors: new Map([...module.tensors, ...narrow]) };
}

/** The storage of fewest bits that holds all elements; null where the tensor stays as it is. */
function narrowest({ dtype, storage, shape, data }: Tensor): Storage | null {
  if (dtype !== "i8" || storage !== undefined || elementCount(shape) === 0) return null;
  return storages.findLast((each) => data.every((value) => fits(each, value))) ?? null;
}
