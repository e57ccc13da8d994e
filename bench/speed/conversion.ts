/** How spiking networks of the benchmark are converted: a pipeline, with options as `snnc convert` takes them. */
import { diagnose } from "../../cli/diagnostics.ts";
import { fail } from "../../ir/diagnostic.ts";
import { type ConvertOptions, stepsOf } from "../../library/convert.ts";

export type Conversion = Pick<ConvertOptions, "pipeline" | "bits" | "integer" | "weightBits">;

/**
 * What "default --integer --weight-bits 4" means. Fails with a diagnostic where it means nothing, before
 * anything is measured.
 */
export function conversionOf(text: string): Conversion {
  const [pipeline = "", ...words] = text.trim().split(/\s+(?=--)/);
  let made: Conversion = { pipeline };
  for (const word of words) {
    const weightBits = /^--weight-bits\s+(\d+)$/.exec(word)?.[1];
    const bits = /^--bits\s+(\d+)$/.exec(word)?.[1];
    if (word === "--integer") made = { ...made, integer: true };
    else if (weightBits !== undefined) made = { ...made, weightBits: Number(weightBits) };
    else if (bits !== undefined) made = { ...made, bits: Number(bits) };
    else fail(diagnose("usage", null, { text: `--pipeline: "${word}" is not known here` }));
  }
  stepsOf(pipeline, made);
  return made;
}
