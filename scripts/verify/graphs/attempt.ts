/** One network through every pipeline and every engine, and what came of it. Prints nothing. */
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { singleThreadWasmEngine } from "../../../backends/wasm/single.ts";
import { DiagnosticError } from "../../../ir/diagnostic.ts";
import type { Engine } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { printModule } from "../../../ir/print.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { verify } from "../../../ir/verify.ts";
import { convert } from "../../../library/convert.ts";
import { pipelines } from "../../../passes/index.ts";
import { compare, runOn } from "./compare.ts";

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
  ties: number;
  /** Ties after which the class was another, or counts were more than half a per cent off. */
  otherClass: number;
  otherCounts: number;
  /** How many were refused, by the codes of the diagnostics. */
  readonly refused: Map<string, number>;
}

export function noCounts(): Counts {
  const none = { graphs: 0, converted: 0, compared: 0, ties: 0, otherClass: 0, otherCounts: 0 };
  return { ...none, refused: new Map() };
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
    counts.refused.set(codes, (counts.refused.get(codes) ?? 0) + 1);
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
    const result = await runOn(interpretEngine, module, inputs);
    for (const [name, engine] of others) {
      counts.compared++;
      try {
        const verdict = await compare(module, inputs, { engine: interpretEngine, result }, engine);
        if (verdict.kind === "different") fault(name, verdict.why);
        if (verdict.kind !== "tie") continue;
        counts.ties++;
        if (!verdict.sameClass) counts.otherClass++;
        if (!verdict.sameCounts) counts.otherCounts++;
      } catch (error) {
        fault(name, String(error));
      }
    }
  } catch (error) {
    if (!(error instanceof DiagnosticError)) fault("interpret", String(error));
  }
  return failures;
}
