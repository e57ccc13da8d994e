/**
 * The files of the loader and the page, which are the same for every network. They are JavaScript as
 * it is shipped, so they are read where they lie, not compiled; who builds hands in a reader.
 */
import type { Assets } from "../../../ir/backend.ts";
import { invariant } from "../../../ir/diagnostic.ts";
import type { Description } from "./loader/description.ts";

/** What a program needs to run the network, besides the network. */
export const runtimeNames = ["model.js", "model-runner.js", "model-pool.js", "model-worker.js"];
/** What the page needs besides. */
export const pageNames = ["demo.html", "demo.js", "demo-draw.js"];

const declarations = "api.ts";

/** The types of the loader, with the names of the network at hand. */
export function declarationsFor(
  assets: Assets,
  { inputs, outputs, layers, probes }: Description,
): string {
  const names = {
    InputName: inputs.map(({ name }) => name),
    OutputName: outputs.map(({ name }) => name),
    LayerName: layers.map(({ name }) => name),
    ProbeName: probes.map(({ name }) => name),
  };
  let text = assets.read(declarations);
  for (const [type, values] of Object.entries(names)) {
    const line = `export type ${type} = string;`;
    invariant(text.split(line).length === 2, `${declarations} says "${line}" once`);
    const union = [...new Set(values)].map((value) => JSON.stringify(value)).join(" | ");
    text = text.replace(line, () => `export type ${type} = ${union === "" ? "never" : union};`);
  }
  return text;
}
