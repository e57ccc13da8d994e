/**
 * From the bytes of one file to arrays and labels: the format is told by the content, and by the
 * name only where a format has no mark of its own (CIFAR's binary records). Opens nothing.
 */
import { type Diagnostic, fail } from "../../ir/diagnostic.ts";
import { type Tensor, tensor } from "../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";
import { type ArchivedArray, openNpz, openTensors } from "./archive/archive.ts";
import { gunzip, isGzip } from "./archive/inflate.ts";
import { type WantedArrays, chooseArrays } from "./archive/roles.ts";
import { isZip } from "./archive/zip.ts";
import type { Budget } from "./budget.ts";
import { parseCifarBinary, parseCifarPickle } from "./formats/cifar.ts";
import { type Content, type Field, fieldOf } from "./dataset.ts";
import { isIdx, parseIdx } from "./formats/idx.ts";
import { decodeImage, isImage, readImageHeader } from "./formats/image.ts";
import { isNpy, parseNpy } from "./formats/npy.ts";
import { isPickle } from "./formats/pickle.ts";
import type { RecordingKind } from "./recordings/kind.ts";
import { mainArray, readRecording, recordingIn } from "./recordings/recording.ts";

/** What a parser is told, and where it puts what there is to say. */
export interface Parsing {
  readonly wanted: WantedArrays;
  /** True where an archive is read for its labels alone. */
  readonly labelsOnly: boolean;
  readonly budget: Budget;
  readonly diagnostics: Diagnostic[];
}

/** Parses one file; of an archive, the arrays that are wanted. */
export async function parseData(
  bytes: Uint8Array,
  file: string,
  parsing: Parsing,
): Promise<Content> {
  const { budget, wanted, diagnostics } = parsing;
  const plain = isGzip(bytes) ? await gunzip(bytes, file, budget) : bytes;
  if (isZip(plain)) return archive(".npz", await openNpz(plain, file, budget), file, parsing);
  if (isSafetensors(plain)) {
    return archive("safetensors", openTensors(plain, file, budget), file, parsing);
  }
  for (const [option, name] of [["--x", wanted.x] as const, ["--y", wanted.y] as const]) {
    if (name !== null) diagnostics.push(diagnose("array-without-name", null, { file, option }));
  }
  return unnamed(plain, file, budget);
}

/** A file whose arrays have no names. */
function unnamed(plain: Uint8Array, file: string, budget: Budget): Content {
  if (isNpy(plain)) return single(".npy", parseNpy(plain, file, budget));
  if (isImage(plain)) {
    const { format, channels } = readImageHeader(plain, file);
    const image = decodeImage(plain, channels, file, budget);
    return single(format, tensor("u8", [1, ...image.shape], image.data));
  }
  if (isPickle(plain)) return parseCifarPickle(plain, file, budget);
  const namedCifar = /\.bin(\.gz)?$/i.test(file);
  if (isIdx(plain, true) || (!namedCifar && isIdx(plain, false))) {
    return single("IDX", parseIdx(plain, file, budget));
  }
  if (namedCifar) return parseCifarBinary(plain, file);
  return fail(diagnose("data-format", null, { file }));
}

function single(format: string, whole: Tensor): Content {
  return { format, fields: [fieldOf("x", whole)], labels: null };
}

async function archive(
  format: string,
  arrays: readonly ArchivedArray[],
  file: string,
  parsing: Parsing,
): Promise<Content> {
  const { wanted, labelsOnly, diagnostics } = parsing;
  const kind = wanted.x === null ? recordingIn(arrays.map(({ name }) => name)) : null;
  if (kind !== null && !labelsOnly) return recording(kind, format, arrays, file, parsing);
  const { fields, labels } = chooseArrays(arrays, wanted, file, diagnostics);
  const taken = labelsOnly && labels !== null ? [] : fields;
  const read: Field[] = [];
  for (const [name, array] of taken) read.push(fieldOf(name, await array.read()));
  return { format, fields: read, labels: labels === null ? null : await labels.read() };
}

/** An archive of samples over time; labels are chosen as beside any array. */
async function recording(
  kind: RecordingKind,
  format: string,
  arrays: readonly ArchivedArray[],
  file: string,
  { wanted, budget, diagnostics }: Parsing,
): Promise<Content> {
  const beside = { ...wanted, inputs: [], x: mainArray(kind) };
  const { labels } = chooseArrays(arrays, beside, file, diagnostics);
  const field = await readRecording(kind, arrays, file, budget);
  return {
    format: `${kind} in ${format}`,
    fields: [field],
    labels: labels === null ? null : await labels.read(),
  };
}

/** A safetensors file begins with the length of its JSON header. */
function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 10 || bytes[8] !== 0x7b) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Number(view.getBigUint64(0, true)) <= bytes.length - 8;
}
