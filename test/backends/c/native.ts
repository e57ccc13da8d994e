/**
 * Programs in C, compiled with the machine's compiler and run: every word and every potential at each
 * timestep, and the outputs, to be compared with the interpreter's.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { sourceOf } from "../../../backends/c/files/source.ts";
import { headerOf } from "../../../backends/c/files/header.ts";
import { headOf } from "../../../backends/c/files/about.ts";
import { horizonOf } from "../../../backends/c/horizon.ts";
import {
  type Program,
  type ProgramOptions,
  lowerProgram,
} from "../../../backends/c/lower/program.ts";
import { interpret } from "../../../ir/interpret.ts";
import { known } from "../../../ir/diagnostic.ts";
import { answersOf, type Module } from "../../../ir/module.ts";
import { shortName } from "../../../ir/loc.ts";
import type { Probe } from "../../../ir/executable.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";

/** Whether there is a compiler of this name. */
export function hasTool(name: string): boolean {
  return spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0;
}

/** What all of our C has to compile with, in silence. */
export const strict = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"];

const bytes = { int8_t: 1, uint8_t: 1, int16_t: 2, int32_t: 4, int64_t: 8, float: 4 } as const;

/** A program that reads samples and writes all that it does. */
function watched(program: Program, prefix: string): string {
  const { lowering, inputs, outputs, isFramed } = program;
  const layers = lowering.neurons.map(({ type }) => elementCount(type.shape));
  const total = Math.max(
    1,
    layers.reduce((sum, size) => sum + size, 0),
  );
  const starts = layers.map((_, i) => layers.slice(0, i).reduce((sum, size) => sum + size, 0));
  const names = (ports: readonly { readonly identifier: string }[]): string =>
    ports.map(({ identifier }) => identifier).join(", ");
  const declared = [...inputs, ...outputs].map(
    ({ type, identifier, shape }) => `static ${type} ${identifier}[${elementCount(shape)}];`,
  );
  const write = [
    `fwrite(words, 4, ${total}, stdout); fwrite(potentials, 4, ${total}, stdout);`,
    ...outputs.map(({ identifier }) => `fwrite(${identifier}, sizeof ${identifier}, 1, stdout);`),
  ].join("\n      ");
  const steps = isFramed
    ? `if (${prefix}_run(${[names(inputs), "timesteps", names(outputs)].join(", ")}) != 0) return 3;
      ${write}`
    : `${prefix}_begin(${names(inputs)});
    for (int32_t i = 0; i < timesteps; i++) {
      if (${prefix}_step() != 0) return 3;
      ${prefix}_output(${names(outputs)});
      ${write}
    }`;
  return `#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static int32_t words[${total}], potentials[${total}];
static const int32_t starts[] = {${[...starts, 0].join(", ")}};
static void observe(int32_t layer, int32_t i, int32_t spike, int32_t potential) {
  words[starts[layer] + i] = spike;
  potentials[starts[layer] + i] = potential;
}
#define OBSERVE(layer, i, spike, potential) observe(layer, i, spike, potential)
#include "${prefix}.c"
${declared.join("\n")}
int main(int count, char **arguments) {
  (void)observe;
  if (count != 2) return 2;
  const int32_t timesteps = (int32_t)atoi(arguments[1]);
  for (;;) {
    ${inputs
      .map(({ identifier }, i) => {
        const read = `fread(${identifier}, sizeof ${identifier}, 1, stdin) != 1`;
        return i === 0 ? `if (${read}) return 0;` : `if (${read}) return 4;`;
      })
      .join("\n    ")}
    ${steps}
  }
}
`;
}

/** What a network did at each timestep: words and potentials of each layer, and outputs. */
export interface Course {
  readonly words: readonly (readonly Int32Array[])[];
  readonly potentials: readonly (readonly Int32Array[])[];
  readonly outputs: readonly (readonly number[][])[];
}

export interface Compiled {
  readonly program: Program;
  /** Runs samples for so many timesteps. */
  run(samples: readonly (readonly Tensor[])[], timesteps: number): readonly Course[];
  remove(): void;
}

export function compiled(
  module: Module,
  options: Partial<ProgramOptions> = {},
  { compiler = "cc", flags = ["-O2"] }: { compiler?: string; flags?: readonly string[] } = {},
): Compiled {
  const all: ProgramOptions = {
    timesteps: horizonOf(module, module.timesteps),
    synapses: "auto",
    input: "floats",
    output: "floats",
    ...options,
  };
  const program = lowerProgram(module, all);
  const prefix = "net";
  const { timesteps } = module;
  const head = headOf(module, timesteps, null);
  const about = { prefix, head, timesteps, maxTimesteps: all.timesteps };
  const folder = mkdtempSync(path.join(tmpdir(), "snnc-c-"));
  writeFileSync(path.join(folder, "net.h"), headerOf(program, about));
  writeFileSync(path.join(folder, "net.c"), sourceOf(program, about));
  writeFileSync(path.join(folder, "main.c"), watched(program, prefix));
  // What nothing watches has to compile too.
  execFileSync(compiler, [...strict, ...flags, "-c", "net.c", "-o", "net.o"], {
    cwd: folder,
    stdio: "pipe",
  });
  execFileSync(compiler, [...strict, ...flags, "main.c", "-o", "main"], {
    cwd: folder,
    stdio: "pipe",
  });
  return {
    program,
    run(samples, timesteps) {
      const input = Buffer.concat(
        samples.map((sample) => Buffer.concat(bytesOf(program, module, sample))),
      );
      const out = execFileSync(path.join(folder, "main"), [String(timesteps)], {
        input,
        maxBuffer: 2 ** 31 - 1,
        stdio: ["pipe", "pipe", "pipe"],
      });
      return coursesIn(program, out, samples.length, answersOf(module, timesteps));
    },
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The bytes of a sample as the program takes it. */
function bytesOf(program: Program, module: Module, sample: readonly Tensor[]): Buffer[] {
  return program.inputs.map(({ type, value }, i) => {
    const op = program.lowering.opOf(value);
    const data =
      op.kind === "ann.input"
        ? known(sample[i], "an input").data
        : known(
            interpret(module, sample, { timesteps: 1, probes: [{ value, keep: "trace" }] })
              .probes[0],
            "a probe",
          );
    const from = tensorOf(
      (
        {
          int8_t: "i8",
          uint8_t: "u8",
          int16_t: "i16",
          int32_t: "i32",
          int64_t: "i64",
          float: "f32",
        } as const
      )[type],
      [data.length],
      data,
    ).data;
    return Buffer.from(from.buffer, from.byteOffset, from.byteLength);
  });
}

function coursesIn(program: Program, out: Buffer, samples: number, answers: number): Course[] {
  const layers = program.lowering.neurons.map(({ type }) => elementCount(type.shape));
  const total = Math.max(
    1,
    layers.reduce((sum, size) => sum + size, 0),
  );
  let at = 0;
  const take = (count: number, width: number): DataView => {
    const view = new DataView(out.buffer, out.byteOffset + at, count * width);
    at += count * width;
    return view;
  };
  const integers = (): Int32Array[] => {
    const view = take(total, 4);
    let from = 0;
    return layers.map((size) => {
      const part = Int32Array.from({ length: size }, (_, i) => view.getInt32(4 * (from + i), true));
      from += size;
      return part;
    });
  };
  const courses = Array.from({ length: samples }, () => {
    const [words, potentials, outputs]: [Int32Array[][], Int32Array[][], number[][][]] = [
      [],
      [],
      [],
    ];
    for (let t = 0; t < answers; t++) {
      words.push(integers());
      potentials.push(integers());
      outputs.push(
        program.outputs.map(({ type, shape }) => {
          const count = elementCount(shape);
          const view = take(count, bytes[type]);
          return Array.from({ length: count }, (_, i) =>
            type === "float"
              ? view.getFloat32(4 * i, true)
              : type === "int64_t"
                ? Number(view.getBigInt64(8 * i, true))
                : view.getInt32(4 * i, true),
          );
        }),
      );
    }
    return { words, potentials, outputs };
  });
  if (at !== out.length) throw new TypeError(`${out.length} bytes instead of ${at}`);
  return courses;
}

/** The first difference between what a program did and what the interpreter does; null where there is none. */
export function differenceFrom(
  module: Module,
  sample: readonly Tensor[],
  timesteps: number,
  { program }: Pick<Compiled, "program">,
  course: Course,
  tolerance = 0,
): string | null {
  const { lowering } = program;
  const probes = lowering.neurons.flatMap(({ result: value }): Probe[] => [
    { value, keep: "trace" },
    { value, keep: "state" },
  ]);
  const wanted = interpret(module, sample, { timesteps, probes });
  const answers = answersOf(module, timesteps);
  for (let t = 0; t < answers; t++) {
    for (const [layer, op] of lowering.neurons.entries()) {
      const { places } = known(lowering.watched.get(op.result), "places of potentials");
      for (const [k, found] of [course.words, course.potentials].entries()) {
        const trace = known(wanted.probes[2 * layer + k], "a probe");
        for (const [i, place] of places.entries()) {
          const [a, b] = [trace[t * places.length + i], found[t]?.[layer]?.[place]];
          if (a === b) continue;
          return `timestep ${t + 1}, ${op.kind} ${shortName(op.loc)}: ${k === 0 ? "word" : "potential"} ${i} is ${b}, not ${a}`;
        }
      }
    }
    for (const [o, output] of wanted.outputs.entries()) {
      const size = output.length / answers;
      const scale = output.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      for (let i = 0; i < size; i++) {
        const [a = NaN, b = NaN] = [output[t * size + i], course.outputs[t]?.[o]?.[i]];
        if (Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance * scale) continue;
        return `timestep ${t + 1}: element ${i} of output ${o} is ${b}, not ${a}`;
      }
    }
  }
  return null;
}
