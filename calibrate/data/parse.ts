/**
 * From the bytes of one file to arrays and labels: the format is told by the content, and by the
 * name only where a format has no mark of its own (CIFAR's binary records). Opens nothing.
 */
import { fail } from "../../ir/diagnostic.ts";
import { readSafetensors } from "../../ir/safetensors.ts";
import { type Tensor, tensor } from "../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";
import { parseCifarBinary, parseCifarPickle } from "./cifar.ts";
import { type Content, fieldOf } from "./dataset.ts";
import { gunzip, isGzip } from "./gzip.ts";
import { isIdx, parseIdx } from "./idx.ts";
import { decodeImage, isImage, readImageHeader } from "./image.ts";
import { isNpy, isZip, parseNpy, parseNpz } from "./npy.ts";
import { isPickle } from "./pickle.ts";

/**
 * Parses one file. In an archive of several arrays "y" is the labels, unless one of `inputs`, the
 * names of the model's inputs, is called that.
 */
export function parseData(bytes: Uint8Array, file: string, inputs: readonly string[]): Content {
  const plain = isGzip(bytes) ? gunzip(bytes, file) : bytes;
  if (isNpy(plain)) return single(".npy", parseNpy(plain, file));
  if (isZip(plain)) return archive(".npz", parseNpz(plain, file), inputs);
  if (isImage(plain)) {
    const { format, channels } = readImageHeader(plain, file);
    const image = decodeImage(plain, channels, file);
    return single(format, tensor("u8", [1, ...image.shape], image.data));
  }
  if (isPickle(plain)) return parseCifarPickle(plain, file);
  if (isSafetensors(plain)) {
    return archive("safetensors", readSafetensors(plain, file).tensors, inputs);
  }
  const namedCifar = /\.bin(\.gz)?$/i.test(file);
  if (isIdx(plain, true) || (!namedCifar && isIdx(plain, false))) {
    return single("IDX", parseIdx(plain, file));
  }
  if (namedCifar) return parseCifarBinary(plain, file);
  return fail(diagnose("data-format", null, { file }));
}

function single(format: string, whole: Tensor): Content {
  return { format, fields: [fieldOf("x", whole)], labels: null };
}

function archive(
  format: string,
  arrays: ReadonlyMap<string, Tensor>,
  inputs: readonly string[],
): Content {
  const y = inputs.includes("y") || arrays.size === 1 ? undefined : arrays.get("y");
  const fields = [...arrays].filter(([, array]) => array !== y);
  return {
    format,
    fields: fields.map(([name, array]) => fieldOf(name, array)),
    labels: y ?? null,
  };
}

/** A safetensors file begins with the length of its JSON header. */
function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 10 || bytes[8] !== 0x7b) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Number(view.getBigUint64(0, true)) <= bytes.length - 8;
}
