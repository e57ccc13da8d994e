/**
 * Puts a build's files into a folder. They are written beside it first and take its place whole, so
 * that nobody meets half a build. What is in the folder already is replaced only where it is an
 * earlier build and nothing else.
 */
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { fail } from "../ir/diagnostic.ts";
import { diagnose } from "./diagnostics.ts";
import { makeFolder, writeFailure } from "./files.ts";

const manifestName = "manifest.json";

/** As much of a manifest as says that a build of ours lies here. */
const manifestSchema = z.object({
  tool: z.object({ name: z.literal("snnc") }),
  target: z.string(),
  files: z.array(z.object({ path: z.string() })),
});

type Found = "nothing" | "empty" | "ours" | "foreign";

/** Fails where the folder holds what a build must not replace, unless `force`. */
export async function checkFolder(folder: string, force: boolean): Promise<void> {
  await inspect(folder, force);
}

/** Writes `files` to `folder`: all of them, or none. */
export async function writeFolder(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  force: boolean,
): Promise<void> {
  const { found } = await inspect(folder, force);
  const target = path.resolve(folder);
  const beside = (what: string): string =>
    path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}.${what}`);
  const [fresh, old] = [beside("part"), beside("old")];
  try {
    await makeFolder(path.dirname(target));
    await mkdir(fresh);
    for (const [name, bytes] of files) await writeFile(path.join(fresh, name), bytes);
    if (found === "foreign") {
      // Its other files stay: ours take their places one by one, each of them whole.
      for (const name of files.keys())
        await rename(path.join(fresh, name), path.join(target, name));
      await rm(fresh, { recursive: true });
      return;
    }
    if (found === "nothing") {
      await rename(fresh, target);
      return;
    }
    await rename(target, old);
    await rename(fresh, target);
    await rm(old, { recursive: true });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true }).catch(() => undefined);
    const lost = (await stat(target).catch(() => null)) === null;
    if (lost) await rename(old, target).catch(() => undefined);
    fail(writeFailure(folder, error));
  }
}

async function inspect(folder: string, force: boolean): Promise<{ readonly found: Found }> {
  const status = await stat(folder).catch(() => null);
  if (status === null) return { found: "nothing" };
  if (!status.isDirectory()) fail(diagnose("folder-is-file", null, { folder }));
  const entries = await readdir(folder);
  if (entries.length === 0) return { found: "empty" };
  const others = await othersIn(folder, entries);
  if (others !== null && others.length === 0) return { found: "ours" };
  if (!force) fail(diagnose("folder-not-ours", null, { folder, others: others ?? entries }));
  return { found: "foreign" };
}

/** What is in the folder besides a build, or null where there is no build. */
async function othersIn(folder: string, entries: readonly string[]): Promise<string[] | null> {
  try {
    const text = await readFile(path.join(folder, manifestName), "utf8");
    const manifest = manifestSchema.parse(JSON.parse(text));
    const own = new Set([manifestName, ...manifest.files.map((file) => file.path)]);
    return entries.filter((entry) => !own.has(entry));
  } catch {
    return null;
  }
}
