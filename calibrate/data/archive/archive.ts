/**
 * Archives of named arrays, .npz and safetensors: what there is, known from the directory alone, and
 * one array when it is asked for. So an array that nobody wants costs nothing, and cannot be at fault.
 */
import { DiagnosticError, fail } from "../../../ir/diagnostic.ts";
import { openSafetensors } from "../../../ir/safetensors.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { type DType, type Shape, elementCount } from "../../../ir/type.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";
import { faultOf, memoryBytes } from "../elements.ts";
import { isNpy, longestHeader, npyDataBytes, parseNpy, readNpyHeader } from "../npy.ts";
import { type ZipEntry, listZip, readEntry, startOfEntry } from "./zip.ts";

/** One array of an archive, not yet read. */
export interface ArchivedArray {
  readonly name: string;
  /** Type and shape for people, or what is wrong with it. */
  readonly describe: () => string;
  readonly read: () => Tensor;
}

/** The arrays of an .npz archive, sorted by name. */
export function openNpz(bytes: Uint8Array, file: string, budget: Budget): readonly ArchivedArray[] {
  const entries = listZip(bytes, file).filter(({ name }) => name.endsWith(".npy"));
  const seen = new Set<string>();
  for (const { name } of entries) {
    if (seen.has(name)) {
      fail(diagnose("data-compression", null, { file, reason: `it holds ${name} twice` }));
    }
    seen.add(name);
  }
  return entries
    .map((entry): ArchivedArray => {
      const name = entry.name.slice(0, -".npy".length);
      const where = `${file}[${name}]`;
      const named = { ...entry, name };
      return {
        name,
        describe: () => describe(bytes, named, file, budget),
        read: () => {
          checkSize(bytes, named, file, budget);
          return parseNpy(readEntry(bytes, named, file, budget), where, budget);
        },
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Fails where the entry is no .npy file, or its size is not the one that its header announces. */
function checkSize(bytes: Uint8Array, entry: ZipEntry, file: string, budget: Budget): void {
  const where = `${file}[${entry.name}]`;
  const header = headerOf(bytes, entry, file, budget);
  const expected = npyDataBytes(header);
  const found = entry.size - header.dataOffset;
  if (found !== expected) {
    fail(diagnose("data-size", null, { file: where, format: ".npy", expected, found }));
  }
}

function headerOf(bytes: Uint8Array, entry: ZipEntry, file: string, budget: Budget) {
  const where = `${file}[${entry.name}]`;
  const start = startOfEntry(bytes, entry, longestHeader + 12, file, budget);
  if (!isNpy(start)) {
    const reason = "it does not begin as .npy does";
    fail(diagnose("data-header", null, { file: where, format: ".npy", reason }));
  }
  return readNpyHeader(start, where);
}

function describe(bytes: Uint8Array, entry: ZipEntry, file: string, budget: Budget): string {
  try {
    const { dtype, shape } = headerOf(bytes, entry, file, budget);
    return typeText(dtype, shape);
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return "not readable";
  }
}

function typeText(dtype: DType, shape: Shape): string {
  return `${dtype} [${shape.join(", ")}]`;
}

/** The arrays of a safetensors file, sorted by name. */
export function openTensors(
  bytes: Uint8Array,
  file: string,
  budget: Budget,
): readonly ArchivedArray[] {
  const { entries, read } = openSafetensors(bytes, file);
  return entries.map((entry): ArchivedArray => {
    const { name, dtype, shape } = entry;
    return {
      name,
      describe: () => typeText(dtype, shape),
      read: () => {
        const fault = faultOf(shape);
        if (fault !== null) {
          const reason = `the shape of its tensor "${name}" ${fault}`;
          fail(diagnose("data-header", null, { file, format: "safetensors", reason }));
        }
        budget.take(memoryBytes(dtype, elementCount(shape)), file);
        return read(entry);
      },
    };
  });
}
