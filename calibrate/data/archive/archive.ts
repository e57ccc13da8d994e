/**
 * Archives of named arrays, .npz and safetensors: what there is, known from the directory alone, and
 * one array when it is asked for. So an array that nobody wants costs nothing, and cannot be at fault.
 */
import { DiagnosticError, fail } from "../../../ir/diagnostic.ts";
import { openSafetensors } from "../../../ir/file/safetensors.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { type DType, type Shape, elementCount } from "../../../ir/type.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";
import { faultOf, memoryBytes } from "../formats/elements.ts";
import {
  beginsWithHeader,
  npyDataBytes,
  npyExtraBytes,
  parseNpy,
  readNpyHeader,
} from "../formats/npy.ts";
import { type ZipMember, listZip, readMember, startOfMember } from "./zip.ts";

/** One array of an archive, not yet read. */
export interface ArchivedArray {
  readonly name: string;
  /** Type and shape for people, or what is wrong with it. */
  readonly describe: () => string;
  readonly read: () => Tensor | Promise<Tensor>;
}

/** The arrays of an .npz archive, sorted by name. */
export async function openNpz(
  bytes: Uint8Array,
  file: string,
  budget: Budget,
): Promise<readonly ArchivedArray[]> {
  const members = (await listZip(bytes, file)).filter(({ name }) => name.endsWith(".npy"));
  const seen = new Set<string>();
  for (const { name } of members) {
    if (seen.has(name)) {
      fail(diagnose("data-compression", null, { file, reason: `it holds ${name} twice` }));
    }
    seen.add(name);
  }
  return members
    .map((member): ArchivedArray => {
      const name = member.name.slice(0, -".npy".length);
      const where = `${file}[${name}]`;
      return {
        name,
        describe: () => describe(member, where),
        read: async () => {
          checkSize(member, where, budget);
          return parseNpy(await readMember(member, where, budget), where, budget);
        },
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Fails where a member has another size than its header announces, or would take more memory than there
 * is, with its elements as memory holds them: nothing is inflated for that.
 */
function checkSize(member: ZipMember, where: string, budget: Budget): void {
  const start = startOfMember(member);
  // What does not begin with a whole header is refused when all of it is there.
  if (!beginsWithHeader(start)) return;
  const header = readNpyHeader(start, where);
  const expected = npyDataBytes(header);
  const found = member.size - header.dataOffset;
  if (found !== expected) {
    fail(diagnose("data-size", null, { file: where, format: ".npy", expected, found }));
  }
  budget.check((member.deflated ? member.size : 0) + npyExtraBytes(header), where);
}

function describe(member: ZipMember, where: string): string {
  try {
    const { dtype, shape } = readNpyHeader(startOfMember(member), where);
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
