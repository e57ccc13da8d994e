/**
 * CIFAR-10 and CIFAR-100 as their authors publish them: binary records, and pickled python batches.
 * Images are uint8 [3, 32, 32], red, green, blue. Of CIFAR-100 the fine labels are taken.
 */
import { fail } from "../../../ir/diagnostic.ts";
import { tensor } from "../../../ir/tensor.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";
import { type Content, type Field, fieldOf } from "../dataset.ts";
import { type PickleValue, isNdarray, readPickle } from "./pickle.ts";

const pixels = 3 * 32 * 32;
const imageShape = [3, 32, 32] as const;

/** The label bytes that begin a record: CIFAR-10 has one, CIFAR-100 coarse and fine. */
type LabelBytes = 1 | 2;

/**
 * The kind of records that fit: their lengths must divide the file's. Where both do, only
 * CIFAR-10's labels are all below 10.
 */
function labelBytesOf(bytes: Uint8Array): LabelBytes | null {
  const ten = bytes.length % (pixels + 1) === 0;
  const hundred = bytes.length % (pixels + 2) === 0;
  if (!ten || !hundred) return ten ? 1 : hundred ? 2 : null;
  for (let at = 0; at < bytes.length; at += pixels + 1) if ((bytes[at] ?? 0) > 9) return 2;
  return 1;
}

/** Parses CIFAR binary records; samples are views into `bytes`. */
export function parseCifarBinary(bytes: Uint8Array, file: string): Content {
  const labelBytes = labelBytesOf(bytes);
  if (labelBytes === null) {
    fail(diagnose("data-records", null, { file, bytes: bytes.length }));
  }
  const record = labelBytes + pixels;
  const count = bytes.length / record;
  const x: Field = {
    name: "x",
    count,
    storedShape: [count, ...imageShape],
    recording: null,
    sampleShape: imageShape,
    dtype: "u8",
    sample: (index) => {
      const start = index * record + labelBytes;
      return tensor("u8", imageShape, bytes.subarray(start, start + pixels));
    },
  };
  const labels = Uint8Array.from(
    { length: count },
    (_, index) => bytes[index * record + labelBytes - 1] ?? 0,
  );
  return {
    format: labelBytes === 1 ? "CIFAR-10 binary" : "CIFAR-100 binary",
    fields: [x],
    labels: tensor("u8", [count], labels),
  };
}

/** Parses a python batch: a dict with "data" [N, 3072] and "labels" or "fine_labels". */
export function parseCifarPickle(bytes: Uint8Array, file: string, budget: Budget): Content {
  const bad = (reason: string): never =>
    fail(diagnose("data-header", null, { file, format: "CIFAR python", reason }));
  const batch = readPickle(bytes, file, budget);
  if (!(batch instanceof Map)) return bad("it holds no dict");
  const data = batch.get("data");
  if (data === undefined || !isNdarray(data)) return bad('its dict has no array "data"');
  const { tensor: images } = data;
  const [count = 0, width] = images.shape;
  if (images.dtype !== "u8" || images.shape.length !== 2 || width !== pixels) {
    return bad(`its "data" is ${images.dtype} [${images.shape.join(", ")}], not u8 [N, ${pixels}]`);
  }
  const fine = batch.get("fine_labels");
  const labels = fine ?? batch.get("labels");
  return {
    format: fine === undefined ? "CIFAR-10 python" : "CIFAR-100 python",
    fields: [fieldOf("x", tensor("u8", [count, ...imageShape], images.data))],
    labels: labels === undefined ? null : labelTensor(labels, bad),
  };
}

function labelTensor(labels: PickleValue, bad: (reason: string) => never): Content["labels"] {
  if (isNdarray(labels)) return labels.tensor;
  if (!Array.isArray(labels)) return bad("its labels are no list");
  const values = Float64Array.from(labels, (label) => (typeof label === "number" ? label : NaN));
  return tensor("f64", [values.length], values);
}
