/** `--check-numerics`: do outputs stay where a pass claims to keep them? */
import { known } from "../../ir/diagnostic.ts";
import type { SampleSource } from "../../ir/executable.ts";
import { interpret } from "../../ir/interpret.ts";
import type { Module } from "../../ir/module.ts";
import type { PassRecord } from "../../passes/manager.ts";

/** Largest difference of outputs, relative to their range, that is put down to rounding. */
const tolerance = 1e-4;

/** Compares the interpreter's outputs before and after a pass on the first `count` samples. */
export function numericsCheck(
  samples: SampleSource,
  count: number,
): (networks: Pick<PassRecord, "before" | "after">) => Promise<string | null> {
  return ({ before, after }) => {
    for (let index = 0; index < Math.min(count, samples.count); index++) {
      const left = outputsOf(before, samples, index);
      const right = outputsOf(after, samples, index);
      for (const [o, expected] of left.entries()) {
        const found = known(right[o], "the same outputs");
        const range = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-12);
        const off = expected.reduce((m, x, i) => Math.max(m, Math.abs(x - (found[i] ?? NaN))), 0);
        if (!(off <= tolerance * range)) {
          const name = before.outputs[o]?.name ?? "";
          return Promise.resolve(
            `output "${name}" of sample ${index} moved by ${(off / range).toExponential(2)} of its range`,
          );
        }
      }
    }
    return Promise.resolve(null);
  };
}

function outputsOf(module: Module, samples: SampleSource, index: number): readonly Float32Array[] {
  return interpret(module, samples.get(index), { timesteps: module.timesteps }).outputs;
}
