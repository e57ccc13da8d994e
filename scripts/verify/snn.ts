/**
 * Damaged .snn files: bytes of the file, and its text with numbers and words exchanged, packed again so
 * that readers get deeper. What is read is printed, and run where it is small.
 */
import fc from "fast-check";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { decodePackage, encodePackage } from "../../ir/file/package.ts";
import { printModule } from "../../ir/text/print.ts";
import { readSafetensors, writeSafetensors } from "../../ir/file/safetensors.ts";
import { zeros } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { networks } from "../../test/random/module.ts";
import { mutateBytes } from "../fuzz/mutate.ts";
import { Draws } from "../fuzz/random.ts";
import { type Target, supervise } from "../fuzz/supervise.ts";

const seeds: readonly Uint8Array[] = fc
  .sample(networks(6), { numRuns: 60, seed: 1 })
  .map(({ module }) => encodePackage({ module, provenance: { seed: 1 } }));

const numbers =
  "-1 0 1 2 3 7 64 255 65536 16777216 2147483647 2147483648 4294967296 9007199254740991 1e30 0.5 nan inf";
const words =
  "none f32 f16 f64 i8 i32 i64 u8 bool real current spike ann.relu ann.add ann.conv snn.if [] [0] [1, 1]";
const scraps = [...numbers.split(" "), ...words.split(" ")];

/** Damages the file, or the text in it. */
function mutant(seed: number, run: number): Uint8Array {
  const draws = new Draws(seed, run);
  const start = known(draws.pick(seeds), "a seed network");
  const times = 1 + draws.below(4);
  if (draws.chance(0.3)) {
    let mutated = start;
    for (let i = 0; i < times; i++) mutated = mutateBytes(mutated, seeds, draws);
    return mutated;
  }
  const { tensors, metadata } = readSafetensors(start, "seed.snn");
  let text = metadata.get("snnc.ir") ?? "";
  for (let i = 0; i < times; i++) text = exchanged(text, draws);
  return writeSafetensors({ tensors, metadata: new Map([...metadata, ["snnc.ir", text]]) });
}

/** The text with a number, or now and then any word, exchanged for another. */
function exchanged(text: string, draws: Draws): string {
  const pattern = draws.chance(0.7) ? /-?\d+(\.\d+)?/g : /[\w.%@-]+/g;
  const place = draws.pick([...text.matchAll(pattern)]);
  if (place === undefined) return text;
  const scrap = draws.pick(scraps) ?? "";
  return text.slice(0, place.index) + scrap + text.slice(place.index + place[0].length);
}

/** Elements times timesteps beyond which a network is not run. */
const mostWork = 1e5;

async function use(bytes: Uint8Array): Promise<void> {
  const { module } = decodePackage(bytes, "mutant.snn");
  printModule(module);
  if (workOf(module) > mostWork) return;
  const inputs = inputsOf(module).map(({ type }) => zeros(type.dtype, type.shape));
  const executable = await interpretEngine.load(module, { threads: 1 });
  const { timesteps } = module;
  await executable.run({ count: 1, get: () => inputs }, { timesteps }, () => undefined);
  await executable.close();
}

function workOf(module: Module): number {
  let elements = 0;
  for (const { type } of module.ops) elements += elementCount(type.shape);
  for (const { data } of module.tensors.values()) elements += data.length;
  return elements * Math.max(1, module.timesteps);
}

export const target: Target = { name: "snn", seeds, mutant, use };

/** Runs the bar; see `npm run verify -- snn --help`. */
export function verify(args: readonly string[]): Promise<boolean> {
  return supervise(target, args);
}
