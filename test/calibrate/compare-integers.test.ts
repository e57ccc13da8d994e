/** Layers of integers count in units that nobody keeps: they are left out, and that is said. */
import { expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { compare } from "../../calibrate/compare.ts";
import { known } from "../../ir/diagnostic.ts";
import { convert } from "../../library/convert.ts";
import { type Layer, network, samplesOf } from "./networks.ts";

it("does not compare layers of integers with the ANN's", async () => {
  const layer: Layer = { weight: [[1], [0.5]], threshold: [1], vInit: [0] };
  const samples = samplesOf([[1], [0.5]]);
  const conversion = await convert(
    network("ann", [layer], [[1, 1]]),
    samples,
    { engine: interpretEngine, threads: 1 },
    { timesteps: 4, pipeline: "canonical,convert-activations,balance-max,quantise" },
  );
  const ann = await interpretEngine.load(known(conversion.reference, "the ANN"), { threads: 1 });
  const snn = await interpretEngine.load(conversion.module, { threads: 1 });
  const { layers, diagnostics } = await compare(ann, snn, samples, { timesteps: 4 });
  expect(layers).toEqual([]);
  expect(diagnostics.map(({ code }) => code)).toEqual(["neurons-of-integers"]);
});
