/** What a constant is. An input has no meaning of its own: whoever runs the module gives it. */
import type { SemanticsTable } from "./semantics.ts";

export const sourceSemantics: SemanticsTable<"ann.constant"> = {
  "ann.constant": (op, _inputs, tensors) => tensors(op.attrs.value),
};
