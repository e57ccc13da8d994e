/**
 * What drives the weights of real models in every pipeline: the share of all products that currents take
 * part in, which is 0 in codes with neurons of either sign, and the events of a run. Inputs are random
 * numbers: thresholds and events are not those of real data, but what drives a weight does not depend on
 * them.
 */
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { diagnose } from "../../cli/diagnostics.ts";
import { optionsOf } from "../../cli/script.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { accountOf } from "../../ir/account/account.ts";
import { DiagnosticError, fail, known } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, isFramed } from "../../ir/module.ts";
import { convert } from "../../library/convert.ts";
import { drawn } from "./corpus/rows.ts";

const pipelines = [
  "differential",
  "sparse",
  "low-latency",
  "signed-rate",
  "burst",
  "few-spikes",
  "ttfs",
  "exact",
  "rate",
] as const;

/** Codes whose neurons send one sign only: what stays real there is said, and is no fault. */
const unsigned: ReadonlySet<string> = new Set(["rate"]);

const calibrationSamples = 3;

/** Runs the bar; see `npm run verify -- drive --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const command = new Command("npm run verify -- drive")
    .argument("[paths...]", "ONNX models, or folders of them; ../shared/models if left out")
    .option("--json", "one object on stdout", false);
  const { json } = optionsOf(command, args);
  const given = command.args.length > 0 ? command.args : ["../shared/models"];
  const lines: Line[] = [];
  for (const file of given.flatMap(modelsIn)) {
    for (const pipeline of pipelines) {
      const line = await attempt(file, pipeline);
      lines.push(line);
      if (!json) console.log(textOf(line));
    }
  }
  if (json) console.log(JSON.stringify({ lines }));
  const wrong = lines.filter(({ fault }) => fault);
  if (!json) console.log(`${lines.length} conversions, ${wrong.length} with weights on currents`);
  return wrong.length === 0 && lines.some(({ share }) => share !== null);
}

export interface Line {
  readonly model: string;
  readonly pipeline: string;
  /** Products of weights with currents over all products of a run; null where nothing was made. */
  readonly share: number | null;
  /** Words × weights of one run. */
  readonly events: number;
  readonly realLayers: readonly string[];
  /** The code of the diagnostic that a model was refused with; "" where it was not. */
  readonly refused: string;
  /** Whether currents meet weights in a code that has neurons for them. */
  readonly fault: boolean;
}

/** Converts a model by a pipeline and runs it once. */
async function attempt(file: string, pipeline: string): Promise<Line> {
  const line = { model: path.basename(file), pipeline };
  try {
    const { module, diagnostics } = importOnnx(new Uint8Array(readFileSync(file)), { file });
    if (module === null) return fail(...diagnostics.filter((d) => d.severity === "error"));
    return { ...line, ...(await driveIn(module, pipeline)), refused: "" };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const refused = known(error.diagnostics[0], "a diagnostic").code;
    return { ...line, share: null, events: 0, realLayers: [], refused, fault: false };
  }
}

/** What drives the weights of `ann` converted by a pipeline. */
export async function driveIn(
  ann: Module,
  pipeline: string,
): Promise<Pick<Line, "share" | "events" | "realLayers" | "fault">> {
  const samples = { count: calibrationSamples, get: (i: number) => drawn(ann, i) };
  const { module } = await convert(ann, samples, { engine: wasmEngine, threads: 1 }, { pipeline });
  const executable = await wasmEngine.load(module, { threads: 1 });
  const one = { count: 1, get: () => drawn(ann, 0) };
  const run = { timesteps: module.timesteps, countOperations: true };
  let events = 0;
  try {
    await executable.run(one, run, ({ activity }) => (events = activity.events.at(-1) ?? 0));
  } finally {
    await executable.close();
  }
  const { currentProducts, inputProducts, realLayers } = accountOf(module);
  const real = currentProducts * (isFramed(module.code) ? 1 : module.timesteps);
  const all = real + inputProducts + events;
  return {
    share: all === 0 ? 0 : real / all,
    events,
    realLayers: realLayers.map(({ loc }) => shortName(loc)),
    fault: realLayers.length > 0 && !unsigned.has(module.code),
  };
}

function modelsIn(place: string): string[] {
  if (!existsSync(place)) fail(diagnose("no-such-folder", null, { folder: place, what: "models" }));
  if (statSync(place).isFile()) return [place];
  const names = readdirSync(place).filter((name) => name.endsWith(".onnx"));
  return names.toSorted().map((name) => path.join(place, name));
}

function textOf({ model, pipeline, share, events, realLayers, refused, fault }: Line): string {
  const head = `${fault ? "FAULT" : "ok"}  ${model}  ${pipeline}`;
  if (share === null) return `${head}: refused (${refused})`;
  const layers = realLayers.length === 0 ? "" : `, at ${realLayers.join(", ")}`;
  return `${head}: ${(100 * share).toFixed(2)} % of the products on currents${layers}; ${events} events`;
}
