/**
 * A target small enough to be copied: the network as text, and its tensors as JSON. Everything that
 * docs/adding-a-backend.md asks for is here.
 */
import { defineBackend } from "../../ir/backend.ts";
import { catalogue, known } from "../../ir/diagnostic.ts";
import { tensorRefsOf } from "../../ir/op/table.ts";
import { printModule } from "../../ir/text/print.ts";
import { elementCount } from "../../ir/type.ts";

const diagnose = catalogue({
  "dump-too-large": {
    severity: "error",
    message: (p: { tensor: string; elements: number; most: number }) =>
      `tensor ${p.tensor} has ${p.elements} elements, and at most ${p.most} are written out`,
    help: "give a larger number: --target 'dump{most=N}'",
  },
});

export const dumpBackend = defineBackend({
  name: "dump",
  summary: "the network as text, its tensors as JSON",
  options: {
    most: { kind: "integer", default: 100, min: 1, max: 10_000, help: "elements of a tensor" },
    names: { kind: "flag", default: false, help: "name the source's nodes in the text" },
  },
  takes: ["classes"],
  fileNames: ["network.snnir", "tensors.json"],
  check(module, { options: { most } }) {
    return module.ops.flatMap((op) =>
      tensorRefsOf(op).flatMap(({ ref }) => {
        const elements = elementCount(known(module.tensors.get(ref), ref).shape);
        if (elements <= most) return [];
        return [diagnose("dump-too-large", op.loc, { tensor: `@${ref}`, elements, most })];
      }),
    );
  },
  emit(module, { options: { most, names }, classes }) {
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
    const tensors = [...module.tensors].map(([name, { data }]) => [name, [...data]] as const);
    return {
      files: new Map([
        ["network.snnir", encode(printModule(module, { locs: names ? "short" : "none" }))],
        ["tensors.json", encode(JSON.stringify(Object.fromEntries(tensors)))],
      ]),
      report: { tensors: tensors.length },
      settings: { most, names, classes },
      rows: [["tensors"], [String(tensors.length)]],
    };
  },
});
