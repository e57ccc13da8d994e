/** Tensors of a model whose data lies in files beside it, as ONNX says where. */
import { type Diagnostic, fail } from "../../../ir/diagnostic.ts";
import type { Loc } from "../../../ir/loc.ts";
import { type ExternalFiles, refusedLocation } from "../../external.ts";
import { diagnose } from "../diagnostics.ts";
import type { TensorProto } from "./proto.ts";

/** What decoding a tensor needs to know of its surroundings. */
export interface TensorSource {
  readonly files: ExternalFiles | null;
  readonly loc: Loc;
  readonly valueBytes: number;
  /** Axes that a tensor may have. */
  readonly rank: number;
  readonly report: (diagnostic: Diagnostic) => void;
}

/** The bytes of an external tensor: exactly `expected` of them. */
export function externalBytes(
  proto: TensorProto,
  name: string,
  expected: number,
  source: TensorSource,
): Uint8Array {
  const entries = new Map<string, string>();
  for (const entry of proto.externalData ?? []) entries.set(entry.key ?? "", entry.value ?? "");
  const location = entries.get("location") ?? "";
  const refuse = (why: string): never => fail(diagnose("external-data", source.loc, { name, why }));

  const refused = refusedLocation(location);
  if (refused !== null) refuse(refused);
  if (source.files === null) refuse(`no files may be read here, and it lies in ${location}`);

  const number = (key: string, absent: number): number => {
    const text = entries.get(key);
    if (text === undefined) return absent;
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(value)) refuse(`its ${key} is "${text}"`);
    return value;
  };
  const offset = number("offset", 0);
  const length = number("length", expected);
  if (length !== expected) {
    const declared = `${expected} bytes by its shape`;
    fail(
      diagnose("tensor-size", source.loc, { name, expected: declared, found: `${length} bytes` }),
    );
  }
  const read = source.files?.read(location, offset, length);
  if (read === undefined || (!read.ok && read.problem === "missing")) {
    fail(diagnose("external-missing", source.loc, { name, path: location }));
  }
  if (!read.ok) return refuse(read.reason);
  if (read.bytes.length < expected) {
    const found = read.bytes.length;
    fail(diagnose("external-short", source.loc, { name, path: location, expected, found }));
  }
  return read.bytes;
}
