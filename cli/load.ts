/** From a path on the command line to a network: a model of another framework, or a `.snn` of ours. */
import path from "node:path";
import { filesBeside } from "../frontend/files.ts";
import {
  type ExternalFiles,
  type ImportOptions,
  type ImportResult,
  importerFor,
} from "../frontend/import.ts";
import {
  type Network,
  type NetworkSource,
  isPackage as isPackageOf,
  readNetwork,
} from "../library/network.ts";
import { type ModelReading, recordedReading } from "../library/record/reading.ts";
import type { CommandContext } from "./action.ts";
import { diagnose } from "./diagnostics.ts";
import { readInput, sha256 } from "./files/files.ts";
import { type ModelOptions, limitsOf, readingOf } from "./options/model-options.ts";

/**
 * Loads a network; its diagnostics are reported, its errors end the command. A model is read as
 * `beside`, a network that was made from it, records, unless options say otherwise.
 */
export async function loadNetwork(
  file: string,
  options: ModelOptions,
  context: CommandContext,
  beside: Network | null = null,
): Promise<Network> {
  context.outputs.reads(file);
  const bytes = await readInput(file);
  if (isPackageOf(bytes)) {
    return readNetwork(bytes, { file, sha256: sha256(bytes), reading: {} }, context.report);
  }
  const values = [...(options.inputValue?.values() ?? [])];
  context.outputs.reads(...values.filter((value) => value.endsWith(".npy")));
  const given = await readingOf(options);
  const recorded = recordedReading(beside?.provenance ?? null);
  const reading = Object.keys(given).length === 0 ? (recorded ?? given) : given;
  if (reading === recorded && beside !== null) {
    context.report(diagnose("reading-recorded", null, { model: file, network: beside.file }));
  }
  return readModel(bytes, file, { reading, limits: limitsOf(options) }, context);
}

/** Reads a network from its bytes, with external data beside it. */
function readModel(
  bytes: Uint8Array,
  file: string,
  how: Pick<NetworkSource, "reading" | "limits">,
  context: CommandContext,
): Network {
  const external: string[] = [];
  const files = externalFiles(file, (name) => external.push(name));
  const network = readNetwork(
    bytes,
    { file, sha256: sha256(bytes), ...how, files },
    context.report,
  );
  context.outputs.reads(...new Set(external));
  return network;
}

/** Whether a file is a network of ours, not a model. */
export async function isPackageFile(file: string): Promise<boolean> {
  return isPackageOf(await readInput(file));
}

/** A model as its importer sees it, with everything that is wrong with it. */
export function importModel(
  bytes: Uint8Array,
  file: string,
  reading: ModelReading & Pick<ImportOptions, "limits">,
): ImportResult {
  return importerFor(bytes, file).import(bytes, {
    file: path.basename(file),
    files: externalFiles(file),
    batch: 1,
    ...reading,
  });
}

/** Files with external data beside a model; `onRead` is called once with each that is read. */
export function externalFiles(
  file: string,
  onRead: (file: string) => void = () => undefined,
): ExternalFiles {
  const beside = filesBeside(file);
  const told = new Set<string>();
  return {
    read(name, offset, length) {
      if (!told.has(name)) onRead(path.join(path.dirname(file), name));
      told.add(name);
      return beside.read(name, offset, length);
    },
  };
}
