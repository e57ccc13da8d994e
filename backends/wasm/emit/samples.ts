/** Samples for the page, ready to be given to the network: float32 numbers and a list of labels. */
import type { BuildSample } from "../../../ir/backend.ts";

/** `samples.json` with the labels, and `samples.bin` with the inputs one sample after the other. */
export function packSamples(samples: readonly BuildSample[]): ReadonlyMap<string, Uint8Array> {
  const listing = { count: samples.length, labels: samples.map(({ label }) => label) };
  const length = samples.reduce(
    (sum, { inputs }) => inputs.reduce((all, input) => all + input.length, sum),
    0,
  );
  const values = new DataView(new ArrayBuffer(4 * length));
  let at = 0;
  for (const { inputs } of samples) {
    for (const input of inputs) {
      for (const value of input) {
        values.setFloat32(at, value, true);
        at += 4;
      }
    }
  }
  return new Map([
    ["samples.json", new TextEncoder().encode(`${JSON.stringify(listing)}\n`)],
    ["samples.bin", new Uint8Array(values.buffer)],
  ]);
}
