/** What docs/ir.md says of the `.snn` file, and a file read by the words of that page. */
import { known } from "../../ir/diagnostic.ts";
import { type Json, membersOf, tryParseJson } from "../../ir/file/json.ts";
import { textOf } from "./markdown.ts";

const page = textOf("docs/ir.md");
const section = page.slice(
  page.indexOf("\n## The `.snn` file\n"),
  page.indexOf("\n## What holds of"),
);
const [metadataTable = "", provenanceTable = ""] = section.match(/(?:^\|.*\|\n)+/gm) ?? [];

/** The first cells of a table, each a name in code, with the rest of the row. */
function documented(table: string): ReadonlyMap<string, string> {
  return new Map(
    [...table.matchAll(/^\| `([^`]+)` +\|(.*)\|$/gm)].map(([, key = "", text = ""]) => [key, text]),
  );
}

/** The names in code within a text. */
export function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
}

/** A file by the words of the page: a length, a header, elements. */
export function opened(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = objectOf(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const metadata = membersIn(header.get("__metadata__"));
  const text = (key: string): string => {
    const found = metadata.get(key);
    if (typeof found !== "string") throw new Error(`${key} is not a string`);
    return found;
  };
  const entries = [...header].filter(([name]) => name !== "__metadata__");
  const tensors = new Map(entries.map(([name, entry]) => [name, membersIn(entry)]));
  return { length, metadata, text, tensors, data: bytes.subarray(8 + length) };
}

/** The members of an object that `text` is the JSON of. */
export function objectOf(text: string): ReadonlyMap<string, Json> {
  const parsed = tryParseJson(text);
  return membersIn(parsed.ok ? parsed.value : null);
}

export function membersIn(value: Json | undefined): ReadonlyMap<string, Json> {
  return known(membersOf(value ?? null) ?? undefined, "an object");
}

/** The keys of the metadata, with what is said of each. */
export const metadataKeys = documented(metadataTable);

/** The keys of the provenance, with what is said of each. */
export const provenanceKeys = documented(provenanceTable);
