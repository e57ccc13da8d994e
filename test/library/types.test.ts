/**
 * Networks that are not float32: every pipeline converts them near what the model itself says, or
 * refuses them with a diagnostic.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { Budget } from "../../calibrate/data/budget.ts";
import { parseNpy } from "../../calibrate/data/formats/npy.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { DiagnosticError, known } from "../../ir/diagnostic.ts";
import type { SampleSource } from "../../ir/executable.ts";
import { interpret } from "../../ir/interpret.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { convert } from "../../library/convert.ts";
import { shared } from "../models/shared.ts";

const running = { engine: singleThreadEngine, threads: 1 };

const cases = join(shared, "cases");

const mostSamples = 16;

interface Case {
  readonly module: Module;
  readonly samples: SampleSource;
  readonly expected: readonly Float64Array[];
}

/** A model with samples for it and what they are to give, sample by sample. */
function readCase(name: string): Case {
  const read = (file: string): Uint8Array => readFileSync(join(cases, file));
  const { module } = importOnnx(read(`${name}.onnx`), { file: `${name}.onnx` });
  const first = (file: string): Tensor => {
    const [member] = Object.values(unzipSync(read(file)));
    return parseNpy(known(member, "an array"), file, new Budget());
  };
  const x = first(`${name}.npz`);
  const y = first(`${name}.expected.npz`);
  const [input] = inputsOf(known(module, "a module"));
  const { dtype, shape } = known(input, "an input").type;
  const size = elementCount(shape);
  const all = x.data.length / size;
  const rows = y.data.length / all;
  const count = Math.min(all, mostSamples);
  return {
    module: known(module, "a module"),
    samples: {
      count,
      get: (i) => [tensorOf(dtype, shape, x.data.subarray(i * size, (i + 1) * size))],
    },
    expected: Array.from({ length: count }, (_, i) =>
      Float64Array.from(y.data.subarray(i * rows, (i + 1) * rows)),
    ),
  };
}

/** The root mean square of what is off, relative to that of what is expected. */
function deviation({ samples, expected }: Case, module: Module): number {
  let off = 0;
  let all = 0;
  for (const [i, wanted] of expected.entries()) {
    const options = { timesteps: module.timesteps };
    const [found] = interpret(module, samples.get(i), options).outputs;
    wanted.forEach((y, k) => {
      off += (y - (found?.[k] ?? NaN)) ** 2;
      all += y ** 2;
    });
  }
  return Math.sqrt(off / all);
}

const present = existsSync(join(cases, "half.onnx"));
if (!present) process.stderr.write(`NOT TESTED on networks of other types: none in ${cases}\n`);

/** How near pipelines come: those that only round, and those that also clip or have few timesteps. */
const near = { exact: 0.02, "few-spikes": 0.02, default: 0.3, burst: 0.3 };

describe.runIf(present)("a network of another type than float32", () => {
  it.each(["half", "double", "dynamic-quantised-conv", "static-quantised-conv"])(
    "%s converts near what it was, or is refused for its quantisers",
    async (name) => {
      const one = readCase(name);
      const refused: string[] = [];
      for (const [pipeline, tolerance] of Object.entries(near)) {
        try {
          const { module } = await convert(one.module, one.samples, running, {
            pipeline,
            timesteps: 8,
          });
          expect(deviation(one, module), pipeline).toBeLessThan(tolerance);
        } catch (error) {
          if (!(error instanceof DiagnosticError)) throw error;
          refused.push(pipeline);
        }
      }
      const mayRefuse = name.endsWith("quantised-conv") ? ["burst"] : [];
      expect(mayRefuse).toEqual(expect.arrayContaining(refused));
    },
  );
});
