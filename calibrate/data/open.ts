/**
 * The only file of calibrate/ that reads the disk: finds what a path means, reads and hashes the
 * files, and hands their bytes to the parsers. Throws diagnostics only.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Diagnostic, fail, known } from "../../ir/diagnostic.ts";
import { type Tensor, tensor } from "../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";
import type { SetPart } from "./archive/roles.ts";
import { Budget } from "./budget.ts";
import {
  type ClassNames,
  type FolderClasses,
  type LabelMap,
  classesOfFolders,
  mapLabels,
} from "./classes.ts";
import {
  type Content,
  type Dataset,
  type SourceFile,
  datasetOf,
  joinContents,
  wholeOf,
} from "./dataset.ts";
import { imagesContent, remarkOnOrder } from "./formats/images.ts";
import { labelsOrTargetsOf } from "./labels.ts";
import { type DataLocation, locate } from "./locate.ts";
import { type Parsing, parseData } from "./parse.ts";
import { type Preprocess, parsePreprocess } from "./preprocess.ts";
import type { Resize } from "./resize.ts";

export interface OpenOptions {
  /** A file of labels, which goes before any that the data bring along; a path like the data's. */
  readonly labels?: string | null;
  /** False where labels are of no interest (calibration): none are read, none can be wrong. */
  readonly withLabels?: boolean;
  /** For the size that images of several sizes are brought to, and for the label offset. */
  readonly preprocess?: Preprocess | null;
  /** Names of the model's inputs: an array of such a name is never taken for labels. */
  readonly inputs?: readonly string[];
  /** Names of the arrays of an archive that are the samples, and the labels. */
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  /** What the set is for: which part is taken where an archive holds several. */
  readonly part?: SetPart | undefined;
  /** Which class each class folder is, by its name; by their order where nobody says. */
  readonly classes?: ClassNames | null | undefined;
  /** Which class a stored label means, where it is not the one of its number. */
  readonly labelMap?: LabelMap | null | undefined;
  /** Bytes that reading the set may take in memory, beside its files: 2 GiB unless said. */
  readonly maxDataBytes?: number | undefined;
}

/**
 * Opens a data set. `path` is a file, a folder of images (by class), a folder with one data set in
 * it, or the prefix of one: `mnist/test` means `mnist/test-images-idx3-ubyte.gz` with the labels
 * file beside it, `cifar/data_batch` means `data_batch_1` to `data_batch_5`. Several of these joined
 * by commas are one set. Formats: .npy, .npz, IDX, CIFAR binary and python batches, safetensors,
 * PNG, JPEG; gzip around any of them.
 */
export async function openDataset(path: string, options: OpenOptions = {}): Promise<Dataset> {
  const { labels: labelsPath = null, preprocess = null, withLabels = true } = options;
  const files: SourceFile[] = [];
  const diagnostics: Diagnostic[] = [];
  const budget = new Budget(options.maxDataBytes);
  const wanted = {
    inputs: options.inputs ?? [],
    x: options.x ?? null,
    y: labelsPath === null ? (options.y ?? null) : null,
    part: options.part ?? null,
    withLabels: withLabels && labelsPath === null,
  };
  const resize = preprocess?.resize ?? null;
  const reading: Reading = { files, diagnostics, wanted, labelsOnly: false, budget, resize };
  const content = await readPath(path, reading);
  const offset = preprocess?.labelOffset ?? 0;
  const asLabels = { ...reading, wanted: { ...wanted, x: null, y: options.y ?? null } };
  const inFile = withLabels && labelsPath !== null ? await readLabels(labelsPath, asLabels) : null;
  // What folders are called says nothing about the labels of a file.
  const folders = inFile === null ? (content.classes ?? null) : null;
  const { stored, classes } = withNames(
    { labels: inFile ?? (withLabels ? content.labels : null), folders },
    options,
    labelsPath ?? path,
  );
  if (classes?.byName === false && stored !== null) {
    remarkOnOrder(classes.names, path, diagnostics);
  }
  const { labels, targets } =
    stored === null
      ? { labels: null, targets: null }
      : labelsOrTargetsOf(stored, labelsPath ?? path, offset);
  return datasetOf({ name: path, content, labels, targets, files, diagnostics, classes });
}

/** Labels as numbers of classes: where they are places of folders, names decide which, if there are any. */
function withNames(
  { labels, folders }: { labels: Tensor | null; folders: readonly string[] | null },
  { classes = null, labelMap = null }: OpenOptions,
  file: string,
): { readonly stored: Tensor | null; readonly classes: FolderClasses | null } {
  if (folders === null) {
    return { stored: labels === null ? null : mapLabels(labels, labelMap, file), classes: null };
  }
  if (labels === null) return { stored: null, classes: { names: folders, byName: false } };
  const { numbers, byName } = classesOfFolders(folders, classes, labelMap, file);
  const values = Float64Array.from(labels.data, (place) => numbers[place] ?? place);
  return { stored: tensor("f64", labels.shape, values), classes: { names: folders, byName } };
}

/**
 * Opens a preprocessing file. `FILE#NAME` takes the entry of one model from a file on several; a
 * file whose own name holds a "#" goes first.
 */
export async function openPreprocess(spec: string): Promise<Preprocess> {
  const hash = spec.lastIndexOf("#");
  const places = hash < 0 ? [] : await readIfThere(spec);
  const [whole] = places;
  if (whole !== undefined) return parsePreprocess(textOf(whole), spec, null);
  const file = hash < 0 ? spec : spec.slice(0, hash);
  const name = hash < 0 ? null : spec.slice(hash + 1);
  return parsePreprocess(textOf(await readBytes(file)), file, name);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

async function readIfThere(path: string): Promise<readonly Uint8Array[]> {
  try {
    return [await readFile(path)];
  } catch {
    return [];
  }
}

/** What reading one path gathers, and what it needs to know. */
interface Reading extends Parsing {
  readonly files: SourceFile[];
  readonly resize: Resize | null;
}

async function readPath(path: string, reading: Reading): Promise<Content> {
  const places = await locate(path);
  const contents: Content[] = [];
  for (const place of places) contents.push(await readPlace(place, reading));
  return joinContents(
    contents,
    places.map((place) => place.path),
  );
}

async function readPlace(place: DataLocation, reading: Reading): Promise<Content> {
  if (place.kind === "images") {
    return imagesContent(place, {
      resize: reading.resize,
      budget: reading.budget,
      diagnostics: reading.diagnostics,
      read: (path) => readHashed(path, reading.files),
      readAgain: readNow,
    });
  }
  const bytes = await readHashed(place.path, reading.files);
  const content = await parseData(bytes, place.path, reading);
  if (place.labels === null || !reading.wanted.withLabels) return content;
  return { ...content, labels: await readLabels(place.labels, reading) };
}

/** The labels of a file: those it has as labels, or else its only array. */
async function readLabels(path: string, from: Reading): Promise<Tensor> {
  const wanted = { ...from.wanted, inputs: [], withLabels: true };
  const reading = { ...from, diagnostics: [], wanted, labelsOnly: true, resize: null };
  const { labels, fields } = await readPath(path, reading);
  if (labels !== null) return labels;
  if (fields.length !== 1) {
    const found = fields.map((field) => field.name);
    fail(diagnose("data-arrays", null, { file: path, found }));
  }
  return wholeOf(known(fields[0], "the only array"));
}

async function readHashed(path: string, files: SourceFile[]): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  files.push({ path, sha256: createHash("sha256").update(bytes).digest("hex") });
  return bytes;
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    return refuse(path, error);
  }
}

/** Images are read again when a sample is asked for, which is no moment to wait in. */
function readNow(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    return refuse(path, error);
  }
}

function refuse(file: string, error: unknown): never {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "ENOENT" || code === "ENOTDIR") fail(diagnose("data-not-found", null, { file }));
  if (code === "EISDIR") fail(diagnose("data-format", null, { file }));
  const reason = error instanceof Error ? error.message : String(error);
  return fail(diagnose("data-unreadable", null, { file, reason }));
}
