/** A small network and its spiking form, with samples for both. */
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { SampleSource } from "../../../ir/executable.ts";
import { type Module, inputsOf } from "../../../ir/module.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import { convert } from "../../../library/convert.ts";
import { networks, pseudoRandom } from "../../frontend/build-model.ts";
import { moduleOf } from "../../frontend/run.ts";

export function samplesFor(module: Module, count: number): SampleSource {
  const [input] = inputsOf(module);
  const { dtype, shape } = known(input, "an input").type;
  return {
    count,
    get: (i) => [tensorOf(dtype, shape, pseudoRandom(elementCount(shape), `sample ${i}`))],
  };
}

export function networkNamed(name: string): Module {
  return moduleOf(known(networks[name], name)());
}

/** `name` is of a network of build-model.ts. */
export async function spikingTwin(name: string): Promise<{
  readonly module: Module;
  readonly reference: Module;
  readonly samples: (count: number) => SampleSource;
}> {
  const reference = networkNamed(name);
  const running = { engine: singleThreadEngine, threads: 1 };
  const { module } = await convert(reference, samplesFor(reference, 4), running, {
    timesteps: 24,
    pipeline: "mmse",
  });
  return { module, reference, samples: (count) => samplesFor(module, count) };
}
