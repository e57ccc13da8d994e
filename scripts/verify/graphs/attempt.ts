/** One network through every pipeline and every engine, and what came of it. Prints nothing. */
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { singleThreadWasmEngine } from "../../../backends/wasm/runtime/single.ts";
import { DiagnosticError } from "../../../ir/diagnostic.ts";
import type { Engine } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { printModule } from "../../../ir/text/print.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { verify } from "../../../ir/verify.ts";
import { convert } from "../../../library/convert.ts";
import { pipelines } from "../../../passes/index.ts";
import { compare, isExact, spikesOf, totalOf } from "./compare.ts";
import { runOn } from "./run.ts";

const others: readonly (readonly [string, Engine])[] = [
  ["typed", singleThreadEngine],
  ["wasm", singleThreadWasmEngine],
];

/** A network with a sample for it; of more samples where it is to be converted. */
export interface Subject {
  readonly module: Module;
  readonly sample: (index: number) => readonly Tensor[];
}

export interface Counts {
  graphs: number;
  converted: number;
  /** Comparisons of an engine with the interpreter. */
  compared: number;
  /** Those of networks with neurons of floats, and the spikes of these in the interpreter. */
  spiking: number;
  spikes: number;
  /** Those in which a rounding grew beyond the tolerance, each op being right. */
  grown: number;
  /** The kinds of op that it was first seen in. */
  readonly grownIn: Record<string, number>;
  /** Those that parted at a tie; of these and those with neurons above, with another class in the end, and by how many spikes in all. */
  ties: number;
  otherClass: number;
  spikesOff: number;
  /** How many were refused, by the codes of the diagnostics. */
  readonly refused: Record<string, number>;
}

export function noCounts(): Counts {
  return {
    ...{ graphs: 0, converted: 0, compared: 0, spiking: 0, spikes: 0 },
    ...{ grown: 0, ties: 0, otherClass: 0, spikesOff: 0 },
    grownIn: {},
    refused: {},
  };
}

/** Adds `more` to `counts`. */
export function addCounts(counts: Counts, more: Counts): void {
  counts.graphs += more.graphs;
  counts.converted += more.converted;
  counts.compared += more.compared;
  counts.spiking += more.spiking;
  counts.spikes += more.spikes;
  counts.grown += more.grown;
  counts.ties += more.ties;
  counts.otherClass += more.otherClass;
  counts.spikesOff += more.spikesOff;
  addTo(counts.grownIn, more.grownIn);
  addTo(counts.refused, more.refused);
}

function addTo(counts: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count;
}

export interface Failure {
  readonly pipeline: string;
  readonly why: string;
  /** The network that shows it, as text. */
  readonly text: string;
}

const calibrationSamples = 3;

/** Converts by each of the pipelines, and compares engines on the network and on what came of it. */
export async function attempt(
  subject: Subject,
  timesteps: number,
  counts: Counts,
  names: Iterable<string> = pipelines.keys(),
): Promise<Failure[]> {
  counts.graphs++;
  const failures = await onEngines(subject, "", counts);
  // Pipelines that differ in nothing here make one network: engines are asked once.
  const tried = new Set([textOf(subject.module)]);
  for (const pipeline of names) {
    const made = await converted(subject, pipeline, timesteps, counts);
    if (made === null) continue;
    if ("why" in made) failures.push(made);
    else {
      counts.converted++;
      if (tried.has(textOf(made))) continue;
      tried.add(textOf(made));
      failures.push(...(await onEngines({ ...subject, module: made }, pipeline, counts)));
    }
  }
  return failures;
}

function textOf(module: Module): string {
  return printModule(module, { hashes: "full" });
}

async function converted(
  { module, sample }: Subject,
  pipeline: string,
  timesteps: number,
  counts: Counts,
): Promise<Module | Failure | null> {
  try {
    const samples = { count: calibrationSamples, get: sample };
    const running = { engine: singleThreadEngine, threads: 1 };
    const made = (await convert(module, samples, running, { pipeline, timesteps })).module;
    const [violation] = verify(made);
    if (violation === undefined) return made;
    return { pipeline, why: violation.message, text: printModule(module) };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) {
      return { pipeline, why: String(error), text: printModule(module) };
    }
    const codes = [...new Set(error.diagnostics.map(({ code }) => code))].toSorted().join(" + ");
    addTo(counts.refused, { [codes]: 1 });
    return null;
  }
}

/** What typed arrays and WebAssembly say, held against the interpreter. */
export async function onEngines(
  { module, sample }: Subject,
  pipeline: string,
  counts: Counts,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  const fault = (engine: string, why: string): void => {
    const by = pipeline === "" ? engine : `${pipeline} on ${engine}`;
    failures.push({ pipeline: by, why, text: printModule(module, { locs: "short" }) });
  };
  const inputs = sample(calibrationSamples);
  try {
    const result = await runOn(interpretEngine, module, inputs, spikesOf(module));
    for (const [name, engine] of others) {
      counts.compared++;
      if (!isExact(module) && result.spikes.length > 0) {
        counts.spiking++;
        counts.spikes += totalOf(result);
      }
      try {
        const verdict = await compare(module, inputs, { engine: interpretEngine, result }, engine);
        if (verdict.kind === "different") fault(name, verdict.why);
        if (verdict.kind !== "tie" && verdict.kind !== "rounding") continue;
        if (verdict.kind === "tie") counts.ties++;
        else {
          counts.grown++;
          addTo(counts.grownIn, { [verdict.at ?? ""]: 1 });
        }
        // Class and counts are asked for of networks with neurons of floats.
        if (result.spikes.length === 0 || isExact(module)) continue;
        if (!verdict.sameClass) counts.otherClass++;
        counts.spikesOff += verdict.spikesOff;
      } catch (error) {
        fault(name, String(error));
      }
    }
  } catch (error) {
    if (!(error instanceof DiagnosticError)) fault("interpret", String(error));
  }
  return failures;
}
