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
import { isNeuron, isWeighted, traitsOf } from "../op/known.ts";
import { type Op, type ValueId, isOp } from "../op/op.ts";
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
const formatVersions = ["1", "2", "3"] as const;

/**
 * The lowest version that has all that the module needs, so that what needs no more is the same
 * bytes as ever: 2 has packed tensors, and the kinds of ops whose traits say so; 3 has bits of weights, by
 * which a network becomes another one, and integers that are weighted by 16 bits.
 */
function formatVersionOf(module: Module): (typeof formatVersions)[number] {
  if (module.weightBits !== undefined || hasShortWeights(module)) return "3";
  const hasPacked = [...module.tensors.values()].some(({ storage }) => storage !== undefined);
  const hasNewer = module.ops.some((op) => traitsOf(op).since > 1);
  return hasPacked || hasNewer ? "2" : "1";
}

/** Whether integers are weighted by i16. */
function hasShortWeights(module: Module): boolean {
  return module.ops.some((op) => {
    const factor = isWeighted(op)
      ? op.attrs.weight
      : isOp(op, "ann.affine")
        ? op.attrs.scale
        : null;
    return factor !== null && module.tensors.get(factor)?.dtype === "i16";
  });
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
  for (const [key, numbers] of numbersOf(module)) metadata.set(key, canonicalJson(numbers));
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
    const known = `${formatVersions.slice(0, -1).join(", ")} and ${formatVersions.at(-1) ?? ""}`;
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
  const bitsText = metadata.get("snnc.weight-bits");
  if (version !== "3" && bitsText !== undefined) {
    fail(
      malformed(
        `its format version is ${version}, which has no bits of weights (snnc.weight-bits)`,
      ),
    );
  }
  const rates = readNumbers(metadata.get("snnc.rates"), firingRates, module, malformed);
  const weightBits = readNumbers(bitsText, bitsOfWeights, module, malformed);
  return {
    module: {
      ...module,
      ...(rates === null ? {} : { rates }),
      ...(weightBits === null ? {} : { weightBits }),
    },
    provenance: readProvenance(metadata.get("snnc.provenance"), malformed),
  };
}

/** What is said of some ops by a number each, by the entry of the metadata. */
function numbersOf({ ops, rates, weightBits }: Module): [string, Record<string, number>][] {
  const all = [
    ["snnc.rates", rates],
    ["snnc.weight-bits", weightBits],
  ] as const;
  return all.flatMap(([key, numbers]): [string, Record<string, number>][] => {
    // By the numbers that values have in the text.
    const entries = ops.flatMap(({ result }, at): [string, number][] => {
      const each = numbers?.get(result);
      return each === undefined ? [] : [[String(at), each]];
    });
    return entries.length === 0 ? [] : [[key, Object.fromEntries(entries)]];
  });
}

/** What numbers say of ops, and which are allowed. */
interface Numbers {
  readonly one: string;
  readonly all: string;
  readonly of: string;
  readonly isOf: (op: Op) => boolean;
  readonly range: string;
  readonly isIn: (number: number) => boolean;
}

const firingRates: Numbers = {
  one: "firing rate",
  all: "firing rates",
  of: "neurons",
  isOf: isNeuron,
  range: "a number from 0 to 1",
  isIn: (rate) => rate >= 0 && rate <= 1,
};

const bitsOfWeights: Numbers = {
  one: "number of bits",
  all: "bits of weights",
  of: "weights",
  isOf: isWeighted,
  range: "a whole number from 2 to 8",
  isIn: (bits) => Number.isInteger(bits) && bits >= 2 && bits <= 8,
};

/** Null where the file says none. */
function readNumbers(
  text: string | undefined,
  { one, all, of, isOf, range, isIn }: Numbers,
  { ops }: Module,
  malformed: (why: string) => Diagnostic,
): ReadonlyMap<ValueId, number> | null {
  if (text === undefined) return null;
  const parsed = tryParseJson(text);
  if (!parsed.ok) return fail(malformed(`of its ${all}, ${parsed.reason}`));
  const members = membersOf(parsed.value) ?? fail(malformed(`its ${all} are no object`));
  const found = new Map<ValueId, number>();
  for (const [key, number] of members) {
    const op = /^\d+$/.test(key) ? ops[Number(key)] : undefined;
    if (op === undefined || !isOf(op)) fail(malformed(`${one} "${key}" is of no ${of}`));
    else if (typeof number !== "number" || !isIn(number)) {
      fail(malformed(`${one} "${key}" is not ${range}`));
    } else found.set(op.result, number);
  }
  return found;
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
