/** Where values come from: the caller's inputs and the module's own tensors. */
import { no, ok } from "../../diagnostic.ts";
import type { SpecTable } from "../spec.ts";
import { source } from "../traits.ts";
import { type DType, domains, real } from "../../type.ts";

export type SourceKind = "ann.input" | "ann.constant" | "snn.input" | "snn.previous";

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
    traits: { ...source, time: "given", since: 2 },
    attributes: { name: "string" },
    infer: () => no("an input carries its own type, which nothing else determines"),
  },
  "snn.previous": {
    summary: "the value that another one had a timestep before",
    arity: 0,
    exactness: "exact",
    traits: { ...source, time: "before", since: 2 },
    attributes: { initial: "tensor", domain: { oneOf: domains } },
    infer: ({ initial, domain }, _inputs, tensors) => {
      const { dtype, shape } = tensors(initial);
      return carriedTypes.includes(dtype)
        ? ok({ domain, dtype, shape })
        : no(`snn.previous carries ${carriedTypes.join(", ")}, not ${dtype}`);
    },
  },
};

/** What every engine holds between timesteps. */
const carriedTypes: readonly DType[] = ["f32", "i32", "i16", "i8", "u16", "u8", "bool"];
