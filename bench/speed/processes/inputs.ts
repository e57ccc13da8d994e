/** Samples in a file that every process reads: all of them are fed the very same numbers. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { invariant, known } from "../../../ir/diagnostic.ts";
import type { SampleSource } from "../../../ir/executable.ts";
import { type Tensor, f32 } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import type { InputFile } from "./protocol.ts";

/** Writes the first samples of a network of one float32 input. */
export async function writeInputs(
  file: string,
  samples: SampleSource,
  most: number,
): Promise<InputFile> {
  const count = Math.min(most, samples.count);
  const all = Array.from({ length: count }, (_, i) => known(samples.get(i)[0], "an input"));
  const { shape } = known(all[0], "a sample");
  const size = elementCount(shape);
  const data = new Float32Array(count * size);
  for (const [i, { data: values }] of all.entries()) data.set(values, i * size);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, new Uint8Array(data.buffer));
  return { file, count, shape };
}

/** The samples, each a view of one array. */
export async function readInputs(inputs: InputFile): Promise<Tensor[]> {
  const bytes = await readFile(inputs.file);
  const size = elementCount(inputs.shape);
  invariant(bytes.length === inputs.count * size * 4, `inputs of another size: ${inputs.file}`);
  // Copied: the file's bytes may begin anywhere in a larger buffer.
  const data = new Float32Array(new Uint8Array(bytes).buffer);
  return Array.from({ length: inputs.count }, (_, i) =>
    f32(inputs.shape, data.subarray(i * size, (i + 1) * size)),
  );
}

/** `count` samples that begin with sample `first` and start over behind the last. */
export function cycled(all: readonly Tensor[], first: number, count: number): SampleSource {
  return {
    count,
    get: (index) => [known(all[(first + index) % all.length], "a sample")],
  };
}
