/**
 * Classes by name: what a file of names says, and which class a folder of images or a stored label
 * means. Where folders count by their order alone, one that is missing shifts all that follow, so names
 * decide wherever they are known. Opens nothing.
 */
import { z } from "zod";
import { fail } from "../../ir/diagnostic.ts";
import { type Tensor, tensor } from "../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";

/** Class numbers of the data (any label offset comes on top) by name. */
export type ClassNames = ReadonlyMap<string, number>;

/** Class numbers of the data by what is stored: a label as text, or the name of a folder. */
export type LabelMap = ReadonlyMap<string, number>;

/** The class folders that a set was read from. */
export interface FolderClasses {
  /** In their order, as text. */
  readonly names: readonly string[];
  /** True where names said which class each is, false where it was their order. */
  readonly byName: boolean;
}

/** Names in the order of their classes. One that is there twice tells no class, and is left out. */
export function classNames(names: readonly string[]): ClassNames {
  const classes = new Map<string, number>();
  const repeated = new Set<string>();
  for (const [index, name] of names.entries()) {
    if (classes.has(name)) repeated.add(name);
    else classes.set(name, index);
  }
  for (const name of repeated) classes.delete(name);
  return classes;
}

const classNumber = z.int().min(0).max(1_000_000);
const numbersByName = z.record(z.string(), classNumber);
/** Such as {"0": "cat"}, or {"0": ["n02123045", "tabby"]}, where either name may be the folder's. */
const namesByNumber = z.record(
  z.string().regex(/^\d{1,6}$/),
  z.union([z.string().transform((name) => [name]), z.array(z.string())]),
);

/**
 * Reads names of classes: one per line, or JSON: a list, an object from names to numbers (`class_to_idx`
 * of torchvision), or one from numbers to names.
 */
export function parseClassNames(text: string, file: string): ClassNames {
  const said = parseNames(text, file);
  return said instanceof Map ? said : classNames(said);
}

/** The same names by their numbers, for people; those of one number stand beside each other. */
export function parseClassList(text: string, file: string): readonly string[] {
  const said = parseNames(text, file);
  if (!(said instanceof Map)) return said;
  const list: string[] = new Array<string>(1 + Math.max(...said.values())).fill("");
  for (const [name, number] of said) {
    const before = list[number] ?? "";
    list[number] = before === "" ? name : `${before}, ${name}`;
  }
  return list;
}

function parseNames(text: string, file: string): readonly string[] | Map<string, number> {
  const wrong = (): never => fail(diagnose("not-classes", null, { file }));
  if (!/^\s*[[{]/.test(text)) {
    const lines = text.split("\n").map((line) => line.trim());
    const names = lines.filter((line) => line !== "");
    return names.length === 0 ? wrong() : names;
  }
  const json = parseJson(text);
  const list = z.array(z.string()).min(1).safeParse(json);
  if (list.success) return list.data;
  const byName = numbersByName.safeParse(json);
  const numbers = byName.success ? Object.entries(byName.data) : numbersOfNames(json);
  return numbers.length === 0 ? wrong() : new Map(numbers);
}

function numbersOfNames(json: unknown): readonly (readonly [string, number])[] {
  const byNumber = namesByNumber.safeParse(json);
  if (!byNumber.success) return [];
  return Object.entries(byNumber.data).flatMap(([number, names]) =>
    names.map((name) => [name, Number(number)] as const),
  );
}

/** Reads which class each stored label means: `10=0,11=1`, one per line too, or a JSON object. */
export function parseLabelMap(text: string, file: string): LabelMap {
  const wrong = (): never => fail(diagnose("label-map", null, { file }));
  if (/^\s*[[{]/.test(text)) {
    const parsed = numbersByName.safeParse(parseJson(text));
    return parsed.success ? new Map(Object.entries(parsed.data)) : wrong();
  }
  const map = new Map<string, number>();
  for (const part of text.split(/[,\n]/)) {
    if (part.trim() === "") continue;
    const at = part.lastIndexOf("=");
    const to = part.slice(at + 1).trim();
    if (at <= 0 || !/^\d{1,7}$/.test(to)) return wrong();
    map.set(part.slice(0, at).trim(), Number(to));
  }
  return map.size === 0 ? wrong() : map;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Stored labels with those exchanged that the map names; fails where it names none of them. */
export function mapLabels(stored: Tensor, map: LabelMap | null, file: string): Tensor {
  if (map === null) return stored;
  let found = 0;
  const values = Float64Array.from(stored.data, (value) => {
    const to = map.get(String(value));
    if (to !== undefined) found++;
    return to ?? value;
  });
  if (found === 0) {
    fail(diagnose("label-map-unused", null, { file, labels: [...map.keys()] }));
  }
  return tensor("f64", stored.shape, values);
}

/**
 * The class of each folder, in their order: what the map says, else what names say, else its place.
 * Fails where names are known and one of the folders has none.
 */
export function classesOfFolders(
  folders: readonly string[],
  names: ClassNames | null,
  map: LabelMap | null,
  file: string,
): { readonly numbers: readonly number[]; readonly byName: boolean } {
  const mapped = folders.filter((name) => map?.has(name) === true);
  if (map !== null && mapped.length === 0) {
    fail(diagnose("label-map-unused", null, { file, labels: [...map.keys()] }));
  }
  const named = names !== null || mapped.length === folders.length;
  const unknown = folders.filter((name) => map?.has(name) !== true && names?.has(name) !== true);
  if (names !== null && unknown.length > 0) {
    fail(diagnose("class-unknown", null, { file, unknown, known: [...names.keys()] }));
  }
  const numbers = folders.map((name, place) => map?.get(name) ?? names?.get(name) ?? place);
  return { numbers, byName: named };
}
