/** Specs of the ops that treat each element by itself, put together from their kinds. */
import type { SpecTable } from "../spec.ts";
import { type BinaryKind, binarySpecs } from "./binary.ts";
import { type CastKind, castSpecs } from "./cast.ts";
import { type ActivationKind, type UnaryKind, activationSpecs, unarySpecs } from "./unary.ts";

export type ElementwiseKind = UnaryKind | BinaryKind | ActivationKind | CastKind | "ann.mod";

export const elementwiseSpecs: SpecTable<ElementwiseKind> = {
  ...unarySpecs,
  ...binarySpecs,
  ...activationSpecs,
  ...castSpecs,
};
