/**
 * What files a path means: one file, a folder of images, a folder with one data set, a prefix, or
 * several of these joined by commas. Lists folders and asks for kinds; reads no content.
 */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fail } from "../../ir/diagnostic.ts";
import { diagnose } from "../diagnostics.ts";

/** An image and the number of the class whose folder it is in, or null. */
export interface ImageFile {
  readonly path: string;
  readonly label: number | null;
}

export interface ImageFolder {
  readonly kind: "images";
  readonly path: string;
  readonly images: readonly ImageFile[];
  /** The sub-folders with images, in order; empty where there are no classes. */
  readonly classes: readonly string[];
  /** Other sub-folders: what systems and editors leave behind, and empty ones. */
  readonly skipped: readonly string[];
}

export type DataLocation =
  | {
      readonly kind: "file";
      readonly path: string;
      /** The labels file that belongs to it by name. */
      readonly labels: string | null;
    }
  | ImageFolder;

const idxImages = /(?<![a-z])images([-.])idx3-ubyte(\.gz)?$/;
const image = /\.(png|jpe?g)$/i;
const dataFile = /\.(npy|npz|bin|safetensors)(\.gz)?$|_batch(_\d+)?$/;

/** The places that a path means, in order; fails where it means none. */
export async function locate(path: string): Promise<readonly DataLocation[]> {
  const kind = await kindOf(path);
  if (kind === "file") return [await filePlace(path)];
  if (kind === "folder") return folderPlaces(path);
  if (path.includes(",")) {
    const parts = path.split(",").map((part) => part.trim());
    const places: DataLocation[] = [];
    for (const part of parts) for (const place of await locate(part)) places.push(place);
    return places;
  }
  const names = await namesIn(dirname(path));
  const group = groupsOf(names).get(basename(path));
  if (group === undefined) return fail(diagnose("data-not-found", null, { file: path }));
  return Promise.all(group.map((name) => filePlace(join(dirname(path), name))));
}

async function kindOf(path: string): Promise<"file" | "folder" | null> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "EACCES" && error instanceof Error) {
      fail(diagnose("data-unreadable", null, { file: path, reason: error.message }));
    }
    return null;
  }
}

/** Sorted by code unit, so that the order is the same on every machine; hidden ones left out. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  } catch {
    return [];
  }
}

async function filePlace(path: string): Promise<DataLocation> {
  const stem = path.replace(idxImages, "labels$1idx1-ubyte");
  if (stem === path) return { kind: "file", path, labels: null };
  for (const labels of [`${stem}.gz`, stem]) {
    if ((await kindOf(labels)) === "file") return { kind: "file", path, labels };
  }
  return { kind: "file", path, labels: null };
}

/** File names by the prefix that means them: `test` of `test-images-idx3-ubyte.gz`, and so on. */
function groupsOf(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const prefix = idxImages.test(name)
      ? name.replace(idxImages, "").replace(/[-.]$/, "")
      : dataFile.test(name)
        ? name
            .replace(/\.gz$/, "")
            .replace(/\.bin$/, "")
            .replace(/_\d+$/, "")
        : null;
    if (prefix === null) continue;
    const group = groups.get(prefix);
    if (group === undefined) groups.set(prefix, [name]);
    else group.push(name);
  }
  return groups;
}

async function folderPlaces(folder: string): Promise<readonly DataLocation[]> {
  const names = await namesIn(folder);
  const images = await imageFolder(folder, names);
  if (images !== null) return [images];
  const groups = [...groupsOf(names)];
  const [only] = groups;
  if (only === undefined) return fail(diagnose("data-folder", null, { file: folder }));
  if (groups.length > 1) {
    const choices = groups.map(([prefix]) => join(folder, prefix));
    return fail(diagnose("data-ambiguous", null, { file: folder, choices }));
  }
  return Promise.all(only[1].map((name) => filePlace(join(folder, name))));
}

/** What archivers, disk stations and file managers leave behind; what is in them is no class. */
const leftBehind = /^(\.|__MACOSX$|@eaDir$|#recycle$|\$RECYCLE\.BIN$|lost\+found$)/;

/** The images in a folder's sub-folders, or else in the folder itself, or null where are none. */
async function imageFolder(folder: string, names: readonly string[]): Promise<ImageFolder | null> {
  const classes: string[] = [];
  const skipped: string[] = [];
  const images: ImageFile[] = [];
  for (const name of await foldersIn(folder)) {
    const files = leftBehind.test(name) ? [] : await imagesIn(join(folder, name));
    if (files.length === 0) {
      skipped.push(name);
      continue;
    }
    for (const path of files) images.push({ path, label: classes.length });
    classes.push(name);
  }
  if (images.length > 0) return { kind: "images", path: folder, images, classes, skipped };
  const loose = names.filter((name) => image.test(name));
  if (loose.length === 0) return null;
  return {
    kind: "images",
    path: folder,
    images: loose.map((name) => ({ path: join(folder, name), label: null })),
    classes: [],
    skipped,
  };
}

/** The sub-folders of a folder, hidden ones and links to folders too, sorted by code unit. */
async function foldersIn(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await entriesOf(folder)) {
    const linked = entry.isSymbolicLink() && (await kindOf(join(folder, entry.name))) === "folder";
    if (entry.isDirectory() || linked) found.push(entry.name);
  }
  return found.sort();
}

/** The paths of a folder's images, sorted; a folder may be called like an image. */
async function imagesIn(folder: string): Promise<readonly string[]> {
  return (await entriesOf(folder))
    .filter(
      (entry) => !entry.isDirectory() && !entry.name.startsWith(".") && image.test(entry.name),
    )
    .map((entry) => entry.name)
    .sort()
    .map((name) => join(folder, name));
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
