/**
 * A self-test: samples with what the interpreter made of them, recorded when the program was written. Of each
 * layer and timestep it holds the number of spikes and a mark of all words and potentials, so that a
 * single one that differs is found, whatever the machine and the compiler.
 */
import { known } from "../../../ir/diagnostic.ts";
import type { Probe } from "../../../ir/executable.ts";
import { interpret } from "../../../ir/interpret.ts";
import { shortName } from "../../../ir/loc.ts";
import { answersOf, inputsOf } from "../../../ir/module.ts";
import { type Op, isOp } from "../../../ir/op/op.ts";
import { uniform } from "../../../ir/random.ts";
import { dtypeLimits } from "../../../ir/semantics/values/scalar.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import type { BuildSample } from "../../../ir/backend.ts";
import { comment, float, integer } from "../text/code.ts";
import { scaleOfEncoder } from "../lower/inputs.ts";
import type { InputPort, OutputPort, Program } from "../lower/program.ts";
import type { About } from "./about.ts";

/** Timesteps of a recorded run at most: a longer one shows nothing else. */
const longest = 32;

interface Recorded {
  readonly inputs: readonly ArrayLike<number>[];
  /** By timestep and layer: spikes, and the mark of words and potentials. */
  readonly spikes: readonly (readonly number[])[];
  readonly marks: readonly (readonly number[])[];
  /** Outputs after the last timestep. */
  readonly outputs: readonly ArrayLike<number>[];
}

/** A mark of a neuron that sent a word and was left with a potential; marks of a layer are summed. */
function markOf(index: number, word: number, potential: number): number {
  let mark = Math.imul(index + 1, 0x9e3779b1);
  mark ^= Math.imul(word, 0x85ebca6b);
  mark ^= Math.imul(potential, 0xc2b2ae35);
  mark = Math.imul(mark ^ (mark >>> 15), 0x2c1b3c6d);
  return (mark ^ (mark >>> 12)) >>> 0;
}

function recordedTimesteps(program: Program, about: About): number {
  return program.isFramed ? about.timesteps : Math.min(about.timesteps, longest);
}

function record(program: Program, about: About, sample: readonly Tensor[]): Recorded {
  const { lowering } = program;
  const { module } = lowering;
  const timesteps = recordedTimesteps(program, about);
  const answers = answersOf(module, timesteps);
  const ports = program.inputs.map(({ value }): Probe => ({ value, keep: "trace" }));
  const sums = program.outputs.flatMap(({ sums: op }): Probe[] =>
    op === null ? [] : [{ value: lowering.operandOf(op), keep: "trace" }],
  );
  const watched = lowering.neurons.flatMap(({ result: value }): Probe[] => [
    { value, keep: "trace" },
    { value, keep: "state" },
  ]);
  const given = ports.filter(({ value }) => !isOp(lowering.opOf(value), "ann.input"));
  const run = interpret(module, sample, { timesteps, probes: [...watched, ...given, ...sums] });
  const probe = (at: number): ArrayLike<number> => known(run.probes[at], "a probe");
  const layers = lowering.neurons.map((op, layer) => {
    const { places } = known(lowering.watched.get(op.result), "places of a layer");
    const [words, potentials] = [probe(2 * layer), probe(2 * layer + 1)];
    return Array.from({ length: answers }, (_, t) => {
      let [spikes, mark] = [0, 0];
      for (let i = 0; i < places.length; i++) {
        const word = words[t * places.length + i] ?? 0;
        spikes += word === 0 ? 0 : 1;
        const own = markOf(places[i] ?? 0, word, potentials[t * places.length + i] ?? 0);
        mark = (mark + own) >>> 0;
      }
      return { spikes, mark };
    });
  });
  let at = watched.length;
  const inputs = program.inputs.map(({ value }, i) => {
    const op = lowering.opOf(value);
    if (isOp(op, "ann.input")) return known(sample[inputIndex(program, op)], `input ${i}`).data;
    return Array.from(probe(at++)).slice(0, elementCount(op.type.shape));
  });
  const outputs = program.outputs.map((port, i) => {
    const size = elementCount(port.shape);
    if (port.sums === null)
      return Array.from(
        known(run.outputs[i], "an output").slice((answers - 1) * size, answers * size),
      );
    return summed(port, Array.from(probe(at++)), answers);
  });
  const byTimestep = (pick: (each: { spikes: number; mark: number }) => number): number[][] =>
    Array.from({ length: answers }, (_, t) =>
      layers.map((each) => pick(known(each[t], "a timestep"))),
    );
  return {
    inputs,
    outputs,
    spikes: byTimestep(({ spikes }) => spikes),
    marks: byTimestep(({ mark }) => mark),
  };
}

function inputIndex(program: Program, op: Op): number {
  return inputsOf(program.lowering.module).findIndex(({ result }) => result === op.result);
}

/** The sums of a read-out after `timesteps`, of what came at each. */
function summed(
  { sums, shape }: OutputPort,
  comes: readonly number[],
  timesteps: number,
): number[] {
  const size = elementCount(shape);
  const start =
    sums !== null && isOp(sums, "snn.readout") && timesteps >= 2 * sums.attrs.start
      ? sums.attrs.start
      : 0;
  return Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let t = start; t < timesteps; t++) sum += comes[t * size + i] ?? 0;
    return sum;
  });
}

/** Samples to record: those that were given, or one of random numbers. */
function samplesOf(
  program: Program,
  given: readonly BuildSample[],
): readonly (readonly Tensor[])[] {
  const { module } = program.lowering;
  const inputs = inputsOf(module);
  if (given.length > 0) {
    return given.map((sample) =>
      inputs.map((op, i) => tensorOf("f32", op.type.shape, known(sample.inputs[i], "an input"))),
    );
  }
  return [
    inputs.map((op, k) => {
      const encoder = module.ops.find((each) => isOp(each, "ann.quantize-linear"));
      const scale =
        encoder !== undefined && isOp(encoder, "ann.quantize-linear")
          ? scaleOfEncoder(program.lowering, encoder)
          : null;
      const unit = scale?.unit ?? 1 / 128;
      const [low, high] = encoder === undefined ? [-128, 127] : dtypeLimits(encoder.type.dtype);
      const [from, to] = [Math.max(low, -2048), Math.min(high, 2047)];
      const numbers = Array.from({ length: elementCount(op.type.shape) }, (_, i) => {
        const draw = from + Math.floor(uniform(k, i, 0, 0) * (to - from + 1));
        return unit * (draw - (scale?.zero ?? 0));
      });
      return tensorOf("f32", op.type.shape, numbers);
    }),
  ];
}

/** The source of the self-test; it includes the program, to look into it. */
export function selfTestOf(program: Program, about: About, given: readonly BuildSample[]): string {
  const { prefix } = about;
  const recorded = samplesOf(program, given).map((sample) => record(program, about, sample));
  const layers = program.lowering.neurons;
  const count = Math.max(1, layers.length);
  const answers = recorded[0]?.spikes.length ?? 0;
  const isRounded = program.lowering.helpers.has("exponential");
  const table = (name: string, type: string, rows: readonly (readonly number[])[][]): string =>
    `static const ${type} ${name}[SAMPLES][TIMESTEPS][LAYERS] = {\n${rows
      .map(
        (sample) =>
          `  {${sample.map((row) => `{${(row.length === 0 ? [0] : row).map((n) => `${n}${type === "uint32_t" ? "u" : ""}`).join(", ")}}`).join(",\n   ")}},`,
      )
      .join("\n")}\n};`;
  const data = (
    port: InputPort | OutputPort,
    name: string,
    rows: readonly ArrayLike<number>[],
  ): string =>
    `static const ${port.type} ${name}[SAMPLES][${elementCount(port.shape)}] = {\n${rows
      .map(
        (row) =>
          `  {${wrapped(Array.from(row, (x) => (port.type === "float" ? float(x) : integer(x))))}},`,
      )
      .join("\n")}\n};`;
  const inputs = program.inputs.map((port, i) =>
    data(
      port,
      `given_${port.identifier}`,
      recorded.map((each) => known(each.inputs[i], "an input")),
    ),
  );
  const outputs = program.outputs.map((port, i) =>
    data(
      port,
      `wanted_${port.identifier}`,
      recorded.map((each) => known(each.outputs[i], "an output")),
    ),
  );
  const got = program.outputs.map(
    ({ type, identifier, shape }) => `static ${type} got_${identifier}[${elementCount(shape)}];`,
  );
  const givenNames = program.inputs
    .map(({ identifier }) => `given_${identifier}[sample]`)
    .join(", ");
  const gotNames = program.outputs.map(({ identifier }) => `got_${identifier}`).join(", ");
  const run = program.isFramed
    ? `    if (${prefix}_run(${givenNames}, TIMESTEPS_OF_RUN, ${gotNames}) != 0) return fails(sample, 0, "it did not run");
    if (!is_as_recorded(sample, 0)) return 1;`
    : `    ${prefix}_begin(${givenNames});
    for (int32_t i = 0; i < TIMESTEPS; i++) {
      for (int32_t layer = 0; layer < LAYERS; layer++) spikes[layer] = 0, marks[layer] = 0;
      if (${prefix}_step() != 0) return fails(sample, i, "it did not run");
      if (!is_as_recorded(sample, i)) return 1;
    }
    ${prefix}_output(${gotNames});`;
  const compare = program.outputs
    .map(({ type, identifier, shape }) => {
      const differs =
        type === "float" && isRounded
          ? "differs(got, wanted)"
          : "got != wanted && (got == got || wanted == wanted)";
      return `    for (int32_t i = 0; i < ${elementCount(shape)}; i++) {
      const ${type} got = got_${identifier}[i], wanted = wanted_${identifier}[sample][i];
      if (${differs}) return fails(sample, TIMESTEPS - 1, "an output");
    }`;
    })
    .join("\n");
  return `${comment([
    ...about.head,
    "Its self-test: recorded samples, with the spikes, potentials and outputs that the reference computed.",
    "0 is returned where all are the same. Compile it alone: it includes the program.",
  ])}

#include <stdint.h>
#include <stdio.h>

enum { SAMPLES = ${recorded.length}, TIMESTEPS = ${answers}, LAYERS = ${count}, TIMESTEPS_OF_RUN = ${recordedTimesteps(program, about)} };

static int32_t spikes[LAYERS];
static uint32_t marks[LAYERS];

/* Watches one neuron: counts its spike, and adds a mark of what it sent and kept. */
static void observe(int32_t layer, int32_t i, int32_t spike, int32_t potential) {
  uint32_t mark = (uint32_t)(i + 1) * 0x9e3779b1u;
  mark ^= (uint32_t)spike * 0x85ebca6bu;
  mark ^= (uint32_t)potential * 0xc2b2ae35u;
  mark = (mark ^ (mark >> 15)) * 0x2c1b3c6du;
  spikes[layer] += spike != 0;
  marks[layer] += mark ^ (mark >> 12);
}

#define OBSERVE(layer, i, spike, potential) observe(layer, i, spike, potential)
#include "${prefix}.c"

${comment(layers.map((op, i) => `Layer ${i}: ${shortName(op.loc)}`))}
${table(
  "wanted_spikes",
  "int32_t",
  recorded.map(({ spikes }) => [...spikes]),
)}
${table(
  "wanted_marks",
  "uint32_t",
  recorded.map(({ marks }) => [...marks]),
)}
${[...inputs, ...outputs, ...got].join("\n")}

static int fails(int32_t sample, int32_t timestep, const char *what) {
  printf("FAILED: sample %d, timestep %d: %s\\n", (int)sample, (int)timestep + 1, what);
  return 1;
}

static int is_as_recorded(int32_t sample, int32_t timestep) {
  for (int32_t layer = 0; layer < LAYERS; layer++) {
    const int32_t wanted = wanted_spikes[sample][timestep][layer];
    if (spikes[layer] == wanted && marks[layer] == wanted_marks[sample][timestep][layer]) continue;
    printf("FAILED: sample %d, timestep %d, layer %d: %d spikes, %d recorded%s\\n", (int)sample,
           (int)timestep + 1, (int)layer, (int)spikes[layer], (int)wanted,
           spikes[layer] == wanted ? ", but other words or potentials" : "");
    return 0;
  }
  return 1;
}
${
  isRounded
    ? `
/* What goes through an exponential may differ in the last digit of a float. */
static int differs(float got, float wanted) {
  const float off = got - wanted;
  return !(off <= 1e-6f && off >= -1e-6f);
}
`
    : ""
}
int main(void) {
  (void)observe;
  for (int32_t sample = 0; sample < SAMPLES; sample++) {
    for (int32_t layer = 0; layer < LAYERS; layer++) spikes[layer] = 0, marks[layer] = 0;
${run}
${compare}
  }
  printf("passed: %d samples, %d timesteps, %d layers\\n", SAMPLES, TIMESTEPS, LAYERS);
  return 0;
}
`;
}

function wrapped(numbers: readonly string[]): string {
  const lines: string[] = [];
  let line = "";
  for (const number of numbers) {
    if (line.length + number.length > 90) {
      lines.push(line);
      line = "";
    }
    line += `${line === "" ? "" : " "}${number},`;
  }
  lines.push(line);
  return lines.join("\n   ");
}
