/**
 * The `.snn` file: a network as one safetensors file, so that any reader of that format opens its
 * weights. The text of the module, the version of the format and the provenance are its metadata.
 * There is no date in it: the same network gives the same bytes.
 */
import { type Diagnostic, fail, invariant } from "../diagnostic.ts";
import { diagnose } from "../diagnostics.ts";
import { type Json, canonicalJson, countsOf, membersOf, tryParseJson } from "./json.ts";
import { sourceLoc } from "../loc.ts";
import type { Module } from "../module.ts";
import { isNeuron, traitsOf } from "../op/known.ts";
import type { ValueId } from "../op/op.ts";
import { parseModule } from "../text/parse.ts";
import { printModule } from "../text/print.ts";
import {
  type Safetensors,
  readSafetensors,
  safetensorsParts,
  writeSafetensors,
} from "./safetensors.ts";
import { type Storage, isPacked, isStorage } from "../packed.ts";
import { type Tensor, type TensorRef, bytesOfTensor, packedTensor, tensor } from "../tensor.ts";
import { type Shape, elementCount } from "../type.ts";
import { verify } from "../verify.ts";

/** What a network was made from and how: hashes, pipeline, seed, versions. */
export type Provenance = { readonly [key: string]: Json };

export interface Package {
  readonly module: Module;
  readonly provenance: Provenance;
}

/** What this reads. */
const formatVersions = ["1", "2"] as const;

/**
 * The lowest version that has all that the module needs, so that what needs no more is the same
 * bytes as ever: 2 has packed tensors, and the kinds of ops whose traits say so.
 */
function formatVersionOf(module: Module): (typeof formatVersions)[number] {
  const hasPacked = [...module.tensors.values()].some(({ storage }) => storage !== undefined);
  const hasNewer = module.ops.some((op) => traitsOf(op).since > 1);
  return hasPacked || hasNewer ? "2" : "1";
}

/**
 * The bytes of a `.snn` file. The module must verify, which `parseModule` alone does not ask for: throws an
 * `InvariantError` otherwise.
 */
export function encodePackage(content: Package): Uint8Array {
  return writeSafetensors(fileOf(content));
}

/** The same bytes in parts, in order: views of the network's tensors, where that is possible. */
export function packageParts(content: Package): readonly Uint8Array[] {
  return safetensorsParts(fileOf(content));
}

function fileOf({ module, provenance }: Package): Safetensors {
  const [first] = verify(module);
  invariant(first === undefined, `packed an invalid network: ${first?.message ?? ""}`);
  const tensors = new Map<string, Tensor>();
  const packed: Record<string, PackedEntry> = {};
  for (const [ref, value] of module.tensors) {
    const name = nameInFile(ref);
    tensors.set(name, asBytes(value));
    const { storage, shape } = value;
    if (storage !== undefined) packed[name] = { storage, shape };
  }
  const metadata = new Map([
    ["snnc.format", formatVersionOf(module)],
    ["snnc.ir", printModule(module, { locs: "full", hashes: "full" })],
    ["snnc.provenance", canonicalJson(provenance)],
  ]);
  if (Object.keys(packed).length > 0) metadata.set("snnc.packed", canonicalJson(packed));
  const rates = ratesByNumber(module);
  if (Object.keys(rates).length > 0) metadata.set("snnc.rates", canonicalJson(rates));
  return { tensors, metadata };
}

/** Safetensors has no element types below 8 bits: what is packed is bytes there, and this says of what. */
type PackedEntry = { readonly storage: Storage; readonly shape: Shape };

function asBytes(value: Tensor): Tensor {
  if (value.storage === undefined) return value;
  const bytes = bytesOfTensor(value);
  return tensor("u8", [bytes.length], bytes);
}

/** Reads a `.snn` file and verifies its network. Fails with diagnostics that name `file`. */
export function decodePackage(bytes: Uint8Array, file: string): Package {
  const { tensors, metadata } = readSafetensors(bytes, file);
  const malformed = (why: string): Diagnostic => diagnose("package-malformed", null, { file, why });
  const version = metadata.get("snnc.format");
  if (version === undefined) fail(malformed("it says no format version (snnc.format)"));
  if (!formatVersions.some((known) => known === version)) {
    const known = formatVersions.join(" and ");
    fail(diagnose("package-version", null, { file, found: version, known }));
  }
  const text = metadata.get("snnc.ir");
  if (text === undefined) fail(malformed("it has no network (snnc.ir)"));
  const packed = metadata.get("snnc.packed");
  if (version === "1" && packed !== undefined) {
    fail(malformed("its format version is 1, which has no packed tensors (snnc.packed)"));
  }
  const byRef = new Map<TensorRef, Tensor>();
  for (const [name, value] of [...tensors, ...unpackable(packed, tensors, malformed)]) {
    byRef.set(refOf(name), value);
  }
  const module = parseModule(text, { file, tensors: byRef });
  // The text may spell a small tensor out, but it is in the file all the same.
  for (const ref of module.tensors.keys()) {
    if (!byRef.has(ref)) fail(malformed(`tensor "${ref}" of its network is missing`));
  }
  for (const ref of byRef.keys()) {
    if (!module.tensors.has(ref)) fail(malformed(`tensor "${ref}" is not of its network`));
  }
  const violations = verify(module);
  if (violations.length > 0) {
    fail(
      ...violations.map(({ invariant: number, op, message }) =>
        diagnose(
          "ir-invalid",
          op?.loc ?? sourceLoc(file, file, "file"),
          { invariant: number, message },
          op === null ? [] : [`this is in ${file}`],
        ),
      ),
    );
  }
  const rates = readRates(metadata.get("snnc.rates"), module, malformed);
  return {
    module: rates === null ? module : { ...module, rates },
    provenance: readProvenance(metadata.get("snnc.provenance"), malformed),
  };
}

/** Rates by the numbers that values have in the text. */
function ratesByNumber({ ops, rates }: Module): Record<string, number> {
  const entries = ops.map(({ result }, number) => [String(number), rates?.get(result)] as const);
  return Object.fromEntries(
    entries.flatMap(([key, rate]) => (rate === undefined ? [] : [[key, rate]])),
  );
}

/** Null where the file says none: they are measured for some networks only. */
function readRates(
  text: string | undefined,
  { ops }: Module,
  malformed: (why: string) => Diagnostic,
): ReadonlyMap<ValueId, number> | null {
  if (text === undefined) return null;
  const parsed = tryParseJson(text);
  if (!parsed.ok) return fail(malformed(`of its firing rates, ${parsed.reason}`));
  const members = membersOf(parsed.value) ?? fail(malformed("its firing rates are no object"));
  const rates = new Map<ValueId, number>();
  for (const [number, rate] of members) {
    const op = /^\d+$/.test(number) ? ops[Number(number)] : undefined;
    if (op === undefined || !isNeuron(op))
      fail(malformed(`firing rate "${number}" is of no neurons`));
    else if (typeof rate !== "number" || rate < 0 || rate > 1) {
      fail(malformed(`firing rate "${number}" is not a number from 0 to 1`));
    } else rates.set(op.result, rate);
  }
  return rates;
}

/** The tensors that a file holds packed, by name; nothing is unpacked yet. */
function unpackable(
  text: string | undefined,
  tensors: ReadonlyMap<string, Tensor>,
  malformed: (why: string) => Diagnostic,
): ReadonlyMap<string, Tensor> {
  const made = new Map<string, Tensor>();
  if (text === undefined) return made;
  const parsed = tryParseJson(text);
  if (!parsed.ok) return fail(malformed(`of its packed tensors, ${parsed.reason}`));
  const members = membersOf(parsed.value) ?? fail(malformed("its packed tensors are no object"));
  for (const [name, entry] of members) {
    const wrong = (why: string): never => fail(malformed(`packed tensor "${name}" ${why}`));
    const said = membersOf(entry);
    const storage = said?.get("storage");
    const shape = countsOf(said?.get("shape")) ?? wrong("has no shape");
    if (typeof storage !== "string" || !isStorage(storage)) wrong("is of no known storage");
    else {
      const stored = tensors.get(name) ?? wrong("is not in the file");
      if (stored.dtype !== "u8" || stored.shape.length !== 1) wrong("is not a list of bytes (U8)");
      const bytes = bytesOfTensor(stored);
      const count = elementCount(shape);
      if (!isPacked(storage, bytes, count)) {
        wrong(`has ${bytes.length} bytes that are not ${count} elements of ${storage}`);
      }
      made.set(name, packedTensor(storage, shape, bytes));
    }
  }
  return made;
}

function readProvenance(
  text: string | undefined,
  malformed: (why: string) => Diagnostic,
): Provenance {
  if (text === undefined) return fail(malformed("it has no provenance (snnc.provenance)"));
  const parsed = tryParseJson(text);
  if (!parsed.ok) return fail(malformed(`of its provenance, ${parsed.reason}`));
  const members = membersOf(parsed.value);
  if (members === null) return fail(malformed("its provenance is not an object"));
  return Object.fromEntries(members);
}

/** The one name that the format keeps for itself gets a tail, and so do names like it. */
function nameInFile(ref: TensorRef): string {
  return /^__metadata___*$/.test(ref) ? `${ref}_` : ref;
}

function refOf(name: string): TensorRef {
  return /^__metadata___+$/.test(name) ? name.slice(0, -1) : name;
}
