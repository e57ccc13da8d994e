/**
 * What a set of samples is, wherever it came from: arrays whose axis 0 numbers the samples, and
 * labels or none. Samples are raw, as stored, and made when asked for. Reads no files.
 */
import { type Diagnostic, fail, known } from "../../ir/diagnostic.ts";
import { type Tensor, allocate, tensor } from "../../ir/tensor.ts";
import { type DType, type Shape, elementCount } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import type { FolderClasses } from "./classes.ts";
import type { RecordingKind } from "./recordings/kind.ts";

/** One array of a data set. */
export interface Field {
  readonly name: string;
  readonly count: number;
  /** Shape of the array as stored: [count, …sampleShape], or [] for a scalar. */
  readonly storedShape: Shape;
  readonly sampleShape: Shape;
  readonly dtype: DType;
  /**
   * Set where samples change over time and may have several lengths: a sample is [n, …sampleShape] then,
   * and its rows become the frames of an input over time.
   */
  readonly recording: RecordingKind | null;
  sample(index: number): Tensor;
}

/** What a parser makes of one file. */
export interface Content {
  /** The format's name, for people. */
  readonly format: string;
  readonly fields: readonly Field[];
  /** Class numbers as stored, or null where the file has none. */
  readonly labels: Tensor | null;
  /** Where labels are places in a list of class folders: their names. */
  readonly classes?: readonly string[] | null;
}

export interface SourceFile {
  /** As the user wrote it, or found from what the user wrote. */
  readonly path: string;
  /** Of the file's bytes as they lie on the disk, 64 hex digits. */
  readonly sha256: string;
}

export interface Dataset {
  /** How messages call it: the path as the user wrote it. */
  readonly name: string;
  readonly format: string;
  readonly count: number;
  /** Of the first field, without the axis that numbers the samples. */
  readonly sampleShape: Shape;
  readonly dtype: DType;
  /** Class numbers of the model's output (any label offset is in them), or null. */
  readonly labels: Int32Array | null;
  /** What samples ought to give, [N, …], where that is no class number for each; null elsewhere. */
  readonly targets: Tensor | null;
  /** The class folders that it was read from, or null. */
  readonly classes: FolderClasses | null;
  /** The raw sample of the first field. */
  sample(index: number): Tensor;
  /** At least one; the first one is "x" where there is an array of that name. */
  readonly fields: readonly Field[];
  readonly files: readonly SourceFile[];
  /** Warnings and remarks about how the set was read. */
  readonly diagnostics: readonly Diagnostic[];
}

/** A field over one array; samples are views into it. */
export function fieldOf(name: string, whole: Tensor): Field {
  const [count = 1, ...sampleShape] = whole.shape;
  const size = elementCount(sampleShape);
  return {
    name,
    count,
    storedShape: whole.shape,
    sampleShape,
    dtype: whole.dtype,
    recording: null,
    sample: (index) =>
      tensor(whole.dtype, sampleShape, whole.data.subarray(index * size, (index + 1) * size)),
  };
}

/** Contents of several files as if they were one; `files` are their names, for messages. */
export function joinContents(contents: readonly Content[], files: readonly string[]): Content {
  const first = known(contents[0], "the first part of a data set");
  if (contents.length === 1) return first;
  contents.forEach((content, i) => {
    const refuse = (what: string, a: string, b: string): void => {
      if (a === b) return;
      fail(
        diagnose("data-parts", null, { first: files[0] ?? "", second: files[i] ?? "", what, a, b }),
      );
    };
    const namesOf = (c: Content): string => c.fields.map((field) => field.name).join(", ");
    const hasLabels = (c: Content): string => (c.labels === null ? "none" : "one per sample");
    const labelShape = (c: Content): string =>
      `[${["N", ...(c.labels?.shape.slice(1) ?? [])].join(", ")}]`;
    refuse("arrays", namesOf(first), namesOf(content));
    refuse("labels", hasLabels(first), hasLabels(content));
    refuse("label shapes", labelShape(first), labelShape(content));
    content.fields.forEach((field, k) => {
      const other = known(first.fields[k], "a field with the same name");
      const describe = (f: Field): string =>
        f.storedShape.length === 0 ? "scalars" : `[${f.sampleShape.join(", ")}]`;
      refuse("sample shapes", describe(other), describe(field));
      refuse("element types", other.dtype, field.dtype);
      refuse("kinds of samples", other.recording ?? "arrays", field.recording ?? "arrays");
    });
  });
  return {
    format: [...new Set(contents.map((content) => content.format))].join(", "),
    fields: first.fields.map((_, k) =>
      joinFields(contents.map((content) => known(content.fields[k], "a field of each part"))),
    ),
    ...joinLabels(contents),
  };
}

function joinFields(parts: readonly Field[]): Field {
  const first = known(parts[0], "the first part of a field");
  const starts: number[] = [];
  let count = 0;
  for (const part of parts) {
    starts.push(count);
    count += part.count;
  }
  return {
    ...first,
    count,
    storedShape: [count, ...first.sampleShape],
    sample: (index) => {
      const k = starts.findLastIndex((start) => start <= index);
      return known(parts[k], "the part of a sample").sample(index - (starts[k] ?? 0));
    },
  };
}

/** The labels of several parts; class folders of one name are one class, whatever their places. */
function joinLabels(contents: readonly Content[]): Pick<Content, "labels" | "classes"> {
  const names = [...new Set(contents.flatMap(({ classes }) => classes ?? []))].sort();
  const placeOf = new Map(names.map((name, place) => [name, place]));
  const values: number[] = [];
  for (const { labels, classes = null } of contents) {
    if (labels === null) return { labels: null, classes: names.length === 0 ? null : names };
    for (const label of labels.data) {
      values.push(placeOf.get(classes?.[label] ?? "") ?? label);
    }
  }
  const [, ...rest] = contents[0]?.labels?.shape ?? [];
  const count = values.length / elementCount(rest);
  const labels = tensor("f64", [count, ...rest], Float64Array.from(values));
  return { labels, classes: names.length === 0 ? null : names };
}

/** The set that the user gets; fails where it is empty or its labels are not one per sample. */
export function datasetOf(parts: {
  readonly name: string;
  readonly content: Content;
  readonly labels: Int32Array | null;
  readonly targets?: Tensor | null;
  readonly files: readonly SourceFile[];
  readonly diagnostics: readonly Diagnostic[];
  readonly classes?: FolderClasses | null;
}): Dataset {
  const { name, labels, files, diagnostics, targets = null, classes = null } = parts;
  const { format } = parts.content;
  const x = parts.content.fields.find((field) => field.name === "x");
  const fields =
    x === undefined
      ? parts.content.fields
      : [x, ...parts.content.fields.filter((field) => field !== x)];
  const main = fields[0];
  // Samples of no elements can be announced by the billion in no bytes at all.
  if (main === undefined || main.count === 0 || elementCount(main.sampleShape) === 0) {
    fail(diagnose("data-empty", null, { file: name }));
  }
  const count = labels?.length ?? targets?.shape[0] ?? main.count;
  if (count !== main.count) {
    fail(diagnose("labels-count", null, { file: name, labels: count, samples: main.count }));
  }
  return {
    name,
    format,
    count: main.count,
    sampleShape: main.sampleShape,
    dtype: main.dtype,
    labels,
    targets,
    classes,
    sample: (index) => main.sample(index),
    fields,
    files,
    diagnostics,
  };
}

/**
 * The samples at `indices`, in that order; an index may come twice. Arrays that do not have as many
 * samples as the set (an input that is given whole) stay as they are.
 */
export function select(dataset: Dataset, indices: readonly number[]): Dataset {
  for (const index of indices) {
    if (!Number.isInteger(index) || index < 0 || index >= dataset.count) {
      fail(
        diagnose("sample-out-of-range", null, {
          file: dataset.name,
          index,
          count: dataset.count,
        }),
      );
    }
  }
  const chosen = Uint32Array.from(indices);
  const { labels, targets } = dataset;
  const fields = dataset.fields.map((field): Field => {
    if (field.count !== dataset.count || field.storedShape.length === 0) return field;
    return {
      ...field,
      count: chosen.length,
      storedShape: [chosen.length, ...field.sampleShape],
      sample: (index) => field.sample(known(chosen[index], "a selected sample")),
    };
  });
  return datasetOf({
    name: dataset.name,
    content: { format: dataset.format, fields, labels: null },
    labels: labels === null ? null : Int32Array.from(chosen, (index) => labels[index] ?? 0),
    targets: targets === null ? null : rowsOf(targets, chosen),
    files: dataset.files,
    diagnostics: dataset.diagnostics,
    classes: dataset.classes,
  });
}

/** Rows of an array [N, …], in the order of `indices`. */
function rowsOf(array: Tensor, indices: Uint32Array): Tensor {
  const [, ...rest] = array.shape;
  const size = elementCount(rest);
  const data = allocate(array.dtype, indices.length * size);
  indices.forEach((index, i) => {
    data.set(array.data.subarray(index * size, (index + 1) * size), i * size);
  });
  return tensor(array.dtype, [indices.length, ...rest], data);
}

/** The first `count` samples, or all where there are no more. */
export function limit(dataset: Dataset, count: number): Dataset {
  if (count >= dataset.count) return dataset;
  return select(dataset, [...new Array(Math.max(0, count)).keys()]);
}

/** The whole array of a field as one tensor; for arrays that are one sample. */
export function wholeOf(field: Field): Tensor {
  const size = elementCount(field.sampleShape);
  const data = allocate(field.dtype, field.count * size);
  if (size === 0) return tensor(field.dtype, field.storedShape, data);
  for (let i = 0; i < field.count; i++) data.set(field.sample(i).data, i * size);
  return tensor(field.dtype, field.storedShape, data);
}
