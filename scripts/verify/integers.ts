/**
 * Trained models in integers, by the interpreter and by every engine that compiles: every word that neurons
 * send, every potential, the integers that floats become and those that the read-out turns into floats, at
 * every timestep, and every count. All bit for bit, but for the read-out, which is of floats.
 *
 *     npm run verify -- integers                  on this Node
 *     NODE dist/scripts/verify.js integers        on another one, after npm run build
 */
import { Command } from "@commander-js/extra-typings";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { singleThreadWasmEngine } from "../../backends/wasm/runtime/single.ts";
import { supportHere } from "../../backends/wasm/runtime/support.ts";
import { weightBitsOf, wholeNumber } from "../../cli/options/options.ts";
import { optionsOf } from "../../cli/script.ts";
import { accountOf } from "../../ir/account/account.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Engine, type Probe, type SampleResult, activityKinds } from "../../ir/executable.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, answersOf, producerOf } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { isNeuron, neuronsOf } from "../../ir/op/known.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { elementCount, isFloat } from "../../ir/type.ts";
import { textOfWeightBits } from "../../passes/integers.ts";
import { converted, sourcesOf } from "./account/networks.ts";
import { isExact, spikesOf, totalOf } from "./graphs/compare.ts";
import { runOn } from "./graphs/run.ts";
import { differenceOf, scaleOf } from "./graphs/tolerance.ts";

const engines: readonly Engine[] = [singleThreadEngine, singleThreadWasmEngine];

/** Words of several bits, and spikes of one size of either sign. */
const usual = ["differential", "signed-rate"];

/** As few timesteps as the interpreter takes little time for, though neurons send in most of them. */
const timestepsOf: Readonly<Record<string, number>> = { differential: 2, "signed-rate": 8 };
const otherwise = 4;

/** How far apart outputs may be, relative to their largest element: the read-out is of floats. */
const readOutRoom = 1e-6;

/** Runs the bar; see `npm run verify -- integers --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const command = new Command("npm run verify -- integers")
    .argument("[models...]", "parts of names of models; all of --shared if left out")
    .option("--samples <N>", "test samples of each", wholeNumber(1, 10_000), 2)
    .option("--calib-samples <N>", "calibration samples", wholeNumber(1, 10_000), 16)
    .option(
      "--large <N>",
      "one sample alone of models with more products of weights than this",
      wholeNumber(1, 1_000_000_000),
      20_000_000,
    )
    .option("--pipeline <NAMES>", "pipelines, joined by commas", usual.join(","))
    .option("--weight-bits <N>", "as in convert", weightBitsOf)
    .option(
      "--shared <folder>",
      "folder with models/ and data/",
      process.env["SNNC_SHARED"] ?? "../shared",
    );
  const {
    samples,
    calibSamples,
    large,
    pipeline: asked,
    weightBits,
    shared,
  } = optionsOf(command, args);
  const [names] = command.processedArgs;
  const relaxed = supportHere().relaxed ? "with" : "without";
  console.log(`Node ${process.version}, ${relaxed} relaxed SIMD`);
  let [equal, different, refused] = [0, 0, 0];
  for await (const source of sourcesOf(shared, names, {
    calibration: calibSamples,
    test: samples,
  })) {
    for (const pipeline of asked.split(",")) {
      const timesteps = timestepsOf[pipeline] ?? otherwise;
      const bits = weightBits === undefined ? "" : ` --weight-bits ${textOfWeightBits(weightBits)}`;
      const head = `${source.name}  ${pipeline} --integer${bits}  T = ${timesteps}`;
      const options = { pipeline, timesteps, integer: true };
      const module = await converted(
        source,
        weightBits === undefined ? options : { ...options, weightBits },
      );
      if (typeof module === "string") {
        refused++;
        console.log(`${head}: refused (${module})`);
        continue;
      }
      const count = accountOf(source.ann).inputProducts > large ? 1 : source.test.count;
      const inputs = Array.from({ length: count }, (_, i) => source.test.get(i));
      const { spikes, differences } = await compared(module, inputs);
      if (differences.length === 0) equal++;
      else different++;
      console.log(`${head}: ${count} samples, ${spikes} spikes: ${textOf(differences)}`);
    }
  }
  console.log(`${equal} networks are equal, ${different} differ, ${refused} were refused`);
  return different === 0 && equal > 0;
}

const textOf = (differences: readonly string[]): string =>
  differences.length === 0
    ? `equal in ${engines.map(({ name }) => name).join(" and ")}`
    : `DIFFERENT: ${differences.join("; ")}`;

/** The spikes of the interpreter over these samples, and the first difference of each engine in each. */
async function compared(
  module: Module,
  samples: readonly (readonly Tensor[])[],
): Promise<{ readonly spikes: number; readonly differences: readonly string[] }> {
  if (!isExact(module)) return { spikes: 0, differences: ["the network is not of integers"] };
  const differences: string[] = [];
  const probes = integersOf(module);
  let spikes = 0;
  for (const [i, inputs] of samples.entries()) {
    const wanted = await runOn(interpretEngine, module, inputs, probes);
    spikes += totalOf(wanted);
    for (const engine of engines) {
      // As users run it, and watched: with probes an engine may take other kernels.
      const watched = await runOn(engine, module, inputs, probes);
      const difference =
        differenceIn(module, probes, wanted, watched) ??
        differenceIn(module, [], wanted, await runOn(engine, module, inputs));
      if (difference !== null) differences.push(`${engine.name}, sample ${i}: ${difference}`);
    }
  }
  return { spikes, differences };
}

/**
 * What neurons send and keep, the integers that are made of floats, and those that floats are made of: all at
 * every timestep, in the order of the module.
 */
export function integersOf(module: Module): readonly Probe[] {
  const ofFloats = (value: ValueId): boolean => isFloat(producerOf(module, value).type.dtype);
  const borders = new Set(
    module.ops.flatMap(({ result, inputs }) =>
      ofFloats(result)
        ? inputs.filter((value) => !ofFloats(value))
        : inputs.some(ofFloats)
          ? [result]
          : [],
    ),
  );
  const neurons = new Set(neuronsOf(module).map(({ result }) => result));
  const order = new Map(module.ops.map(({ result }, i) => [result, i]));
  return [
    ...spikesOf(module),
    ...[...borders]
      .filter((value) => !neurons.has(value))
      .map((value): Probe => ({ value, keep: "trace" })),
  ].toSorted((a, b) => (order.get(a.value) ?? 0) - (order.get(b.value) ?? 0));
}

/**
 * The first difference of two runs of a sample, by timestep (in a framed code, of the whole frame) and then by
 * layer; null where all that was watched by `probes`, all counts and, within `readOutRoom`, all outputs are
 * the same. A run without the probes of the other is compared with none.
 */
export function differenceIn(
  module: Module,
  probes: readonly Probe[],
  wanted: SampleResult,
  found: SampleResult,
): string | null {
  for (let t = 0; t < answersOf(module, module.timesteps); t++) {
    for (const [i, { value, keep }] of probes.entries()) {
      const op = producerOf(module, value);
      const size = elementCount(op.type.shape);
      const [x, y] = [wanted, found].map((result) => known(result.probes[i], "a probe"));
      for (let at = t * size; at < (t + 1) * size; at++) {
        const [a = NaN, b = NaN] = [x?.[at], y?.[at]];
        if (a === b) continue;
        const what = keep === "state" ? "potential" : isNeuron(op) ? "word" : "integer";
        const where = `timestep ${t + 1}, ${op.kind} %${value} (${shortName(op.loc)})`;
        return `${where}: ${what} ${at - t * size} is ${b}, not ${a}`;
      }
    }
    for (const kind of activityKinds) {
      const [a = NaN, b = NaN] = [wanted, found].map((result) => result.activity[kind][t]);
      if (a !== b) return `timestep ${t + 1}: ${kind} up to here are ${b}, not ${a}`;
    }
  }
  for (const kind of ["spikes", "bits"] as const) {
    const [a = "", b = ""] = [wanted, found].map((result) => String(result[kind]));
    if (a !== b) return `${kind} of the layers are ${b}, not ${a}`;
  }
  for (const [i, output] of wanted.outputs.entries()) {
    const off = differenceOf(output, known(found.outputs[i], "an output")) / scaleOf(output);
    if (off > readOutRoom) return `output ${i} is off by ${off} of its largest element`;
  }
  return null;
}
