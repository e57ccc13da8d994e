/** Files that show a fault of ours again, written beside what the user has there. */
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { known } from "../../ir/diagnostic.ts";
import { inputsOf } from "../../ir/module.ts";
import { encodePackage } from "../../ir/file/package.ts";
import { writeSafetensors } from "../../ir/file/safetensors.ts";
import type { EngineDiffersError } from "../../library/engine-check.ts";
import type { PassBrokeModuleError } from "../../passes/manager.ts";

/** Writes what is needed to see the failure again; returns the line that says how. */
export function saveReproducer(error: PassBrokeModuleError): string {
  const text = writeBesideOthers("reproducer", ".snnir", () => error.reproducer);
  if (text === null) {
    return `  note: could not write a reproducer; it would have held:\n${error.reproducer}`;
  }
  // A module that does not verify cannot be packed; its text says what there is to say.
  const packed = () => encodePackage({ module: error.before, provenance: {} });
  const network = writeBesideOthers("reproducer", ".snn", packed);
  if (network === null) return `  note: wrote ${text}; send it with a report of this fault`;
  const passes = /^\/\/ RUN: --passes (\S+)/.exec(error.reproducer)?.[1] ?? error.pass;
  return `  note: wrote ${text} and ${network}; see it again with:\n        snnc convert ${network} --passes '${passes}'`;
}

/** Writes the network and the one sample that an engine computes wrongly, into `folder`. */
export function saveDifference(
  { module, inputs, engine }: Pick<EngineDiffersError, "module" | "inputs" | "engine">,
  folder = "",
): string {
  // Unlike an .npz archive this format takes any name.
  const tensors = new Map(
    inputsOf(module).map(({ attrs }, i) => [attrs.name, known(inputs[i], "an input")]),
  );
  const stored = () => writeSafetensors({ tensors, metadata: new Map() });
  const packed = () => encodePackage({ module, provenance: {} });
  const network = writeBesideOthers("reproducer", ".snn", packed, folder);
  const sample = writeBesideOthers("reproducer", ".safetensors", stored, folder);
  if (network === null || sample === null) return "  note: could not write a reproducer";
  const run = (name: string): string =>
    `        snnc run ${network} --input ${sample} -o ${name}.npz --engine ${name}`;
  const commands = [run(engine), run("interpret")].join("\n");
  return `  note: wrote ${network} and ${sample}; see it again with:\n${commands}`;
}

/** Writes to a name that is free in this folder: what is there may be the input. Null if it fails. */
function writeBesideOthers(
  name: string,
  ending: string,
  content: () => string | Uint8Array,
  folder = "",
): string | null {
  try {
    const bytes = content();
    for (let n = 1; n < 1000; n++) {
      const file = path.join(folder, `${name}${n === 1 ? "" : `-${n}`}${ending}`);
      if (existsSync(file)) continue;
      writeFileSync(file, bytes, { flag: "wx" });
      return file;
    }
    return null;
  } catch {
    return null;
  }
}
