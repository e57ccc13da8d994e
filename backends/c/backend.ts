/**
 * The target C: a network of integers as one header and one source in plain C11 that needs nothing but
 * stdint.h, with a self-test, and files that compile it.
 */
import { type BuildRequest, type Emitted, defineBackend } from "../../ir/backend.ts";
import { isFramed, type Module } from "../../ir/module.ts";
import { refusalsOf } from "./check.ts";
import { diagnose } from "./diagnostics.ts";
import { headOf, type About } from "./files/about.ts";
import { headerOf } from "./files/header.ts";
import { cmakeOf, makefileOf } from "./files/make.ts";
import { type CReport, reportOn, rowsOf } from "./files/report.ts";
import { selfTestOf } from "./files/self-test.ts";
import { sourceOf } from "./files/source.ts";
import { horizonOf } from "./horizon.ts";
import { type ProgramOptions, lowerProgram } from "./lower/program.ts";
import { identifierOf, isTaken } from "./names.ts";

/** What `name` says where the model's own name is wanted. */
const ofModel = "model";

export const cBackend = defineBackend({
  name: "c",
  summary: "one header and one source in plain C11, for microcontrollers and anything else",
  options: {
    name: {
      kind: "identifier",
      default: "snnc",
      help: "what files and functions are called; model is the network's name",
    },
    input: {
      kind: "choice",
      default: "integers",
      of: ["integers", "floats"],
      help: "what a run takes: the integers that inputs become, or floats",
    },
    output: {
      kind: "choice",
      default: "floats",
      of: ["floats", "sums"],
      help: "what a run gives: the network's outputs, or the sums that its read-out is made of",
    },
    synapses: {
      kind: "choice",
      default: "auto",
      of: ["auto", "events", "dense"],
      help: "whether weights are added event by event, or all multiplied; auto goes by measured rates",
    },
    test: { kind: "flag", default: true, help: "write a self-test" },
  },
  takes: ["samples"],
  fileNames: ["*.h", "*.c", "*_test.c", "Makefile", "CMakeLists.txt"],
  check(module, request) {
    const { name } = request.options;
    const { timesteps, input, output } = optionsOf(module, request);
    const taken =
      name !== ofModel && isTaken(name) ? [diagnose("c-name-taken", null, { name })] : [];
    return [...taken, ...refusalsOf(module, { timesteps, input, output })];
  },
  emit(module, request): Emitted<CReport> {
    const { name, test: isAsked } = request.options;
    const { samples } = request;
    const test = isAsked && samples !== null;
    const prefix = name === ofModel ? identifierOf(module.name) : name;
    const timesteps = isFramed(module.code) ? module.timesteps : request.timesteps;
    const maxTimesteps = horizonOf(module, timesteps);
    const program = lowerProgram(module, {
      ...optionsOf(module, request),
      timesteps: maxTimesteps,
    });
    const head = headOf(module, timesteps, request.making);
    const about: About = { prefix, head, timesteps, maxTimesteps };
    const source = sourceOf(program, about);
    const files = new Map<string, string>([
      [`${prefix}.h`, headerOf(program, about)],
      [`${prefix}.c`, source],
      ...(test ? [[`${prefix}_test.c`, selfTestOf(program, about, samples ?? [])] as const] : []),
      ["Makefile", makefileOf(prefix, test)],
      ["CMakeLists.txt", cmakeOf(prefix, test)],
    ]);
    const report = reportOn(program, about, source);
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
    return {
      files: new Map([...files].map(([file, text]) => [file, encode(text)])),
      report,
      settings: { ...request.options, name: prefix, timesteps, samples: samples?.length ?? null },
      rows: rowsOf(report),
    };
  },
});

function optionsOf(
  module: Module,
  { options, timesteps }: BuildRequest<Omit<ProgramOptions, "timesteps">>,
): ProgramOptions {
  const { input, output, synapses } = options;
  return {
    timesteps: isFramed(module.code) ? module.timesteps : timesteps,
    input,
    output,
    synapses,
  };
}
