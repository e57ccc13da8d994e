/** Where values come from: the caller's inputs and the module's own tensors. */
import { no, ok } from "../../diagnostic.ts";
import type { SpecTable } from "../spec.ts";
import { source } from "../traits.ts";
import { real } from "../../type.ts";

export type SourceKind = "ann.input" | "ann.constant" | "snn.input";

export const sourceSpecs: SpecTable<SourceKind> = {
  "ann.input": {
    summary: "a value that the caller gives, the same at every timestep",
    arity: 0,
    exactness: "exact",
    traits: source,
    attributes: { name: "string" },
    infer: () => no("an input carries its own type, which nothing else determines"),
  },
  "ann.constant": {
    summary: "a tensor of the module",
    arity: 0,
    exactness: "exact",
    traits: { ...source, sign: (_attrs, _operands, tensors) => tensors() },
    attributes: { value: "tensor" },
    infer: (attrs, _inputs, tensors) => {
      const { dtype, shape } = tensors(attrs.value);
      return ok(real(dtype, shape));
    },
  },
  "snn.input": {
    summary: "a value that the caller gives for each timestep",
    arity: 0,
    exactness: "exact",
    traits: { ...source, time: "given" },
    attributes: { name: "string" },
    infer: () => no("an input carries its own type, which nothing else determines"),
  },
};
