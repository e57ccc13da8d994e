/**
 * Replaces the content of files so that whoever looks finds the old or the new: never half of one,
 * whatever ends the process, and nothing of ours is left beside them after the next run.
 *
 * - A file goes to a temporary name in the same folder, to the disk, and from there to its own.
 * - Several files of a folder go to a temporary folder inside it, with a plan of what is to become of
 *   them. Renaming that folder to `.snnc-commit` decides: without it, nothing has happened; with it,
 *   whoever comes next does what is left of the plan. It is a lock, too: only one of that name is there.
 * - A folder that is not there yet appears whole.
 *
 * Links are followed, modes stay. Temporary names have a bounded length, and say which process they
 * are of: those of a process that has ended are removed at the next run. Everything here is synchronous,
 * so that nothing of ours comes between two renames.
 */
import { createHash } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writevSync,
} from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { z } from "zod";
import { isOwnName } from "./own-names.ts";

const commitName = ".snnc-commit";
const planName = "plan.json";
const temporaryPattern = /^\.snnc-([0-9a-f]{8})-(\d+)-\d+\.part$/;

/** What another machine left: its processes cannot be asked for, so it is old or it is in use. */
const abandonedAfterMilliseconds = 3_600_000;

const host = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
let made = 0;
let announce: (folder: string) => void = () => undefined;

/** Has `listener` told of each folder before anything temporary is made in it. */
export function onTemporary(listener: (folder: string) => void): void {
  announce = listener;
}

/** A file that may be deleted, if its content still has this hash (SHA-256, 64 hex digits). */
export interface Removal {
  readonly path: string;
  readonly sha256: string;
}

/** Writes `content` to `file`, and makes the folders above it. Throws the system's errors. */
export function replaceFile(file: string, content: readonly Uint8Array[]): void {
  const target = followLinks(file);
  const folder = path.dirname(target);
  makeFolder(folder);
  const temporary = temporaryIn(folder);
  try {
    writeNew(temporary, content, statOf(target));
    renameSync(temporary, target);
    syncFolder(folder);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    inUse.delete(temporary);
  }
}

/**
 * Writes `files` (by plain names) into `folder`, and then removes what `removals` names. Throws the
 * system's errors, `EBUSY` where another process is doing the same, and `EBADMSG` where what one left is
 * damaged.
 */
export function replaceInFolder(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  removals: readonly Removal[],
): void {
  const target = followLinks(folder);
  const isThere = statOf(target) !== null;
  makeFolder(path.dirname(target));
  const staged = temporaryIn(isThere ? target : path.dirname(target));
  try {
    mkdirSync(staged);
    for (const [name, bytes] of files) {
      const before = isThere ? statOf(path.join(target, name)) : null;
      if (before?.isDirectory() === true) refuse("EISDIR");
      writeNew(path.join(staged, name), [bytes], before);
    }
    if (isThere) {
      const plan: WritePlan = { host, pid: process.pid, files: [...files.keys()], removals };
      const bytes = new TextEncoder().encode(JSON.stringify(plan));
      writeNew(path.join(staged, planName), [bytes], null);
    }
    syncFolder(staged);
    if (!isThere) {
      renameSync(staged, target);
      syncFolder(path.dirname(target));
      return;
    }
    recover(target);
    renameSync(staged, path.join(target, commitName));
    inUse.delete(staged);
  } catch (error) {
    rmSync(staged, { recursive: true, force: true });
    throw error;
  }
  finishCommit(target);
}

/**
 * Brings `folder` to rest: finishes what a process that has ended began to put into it, and removes
 * what such processes left.
 */
export function recover(folder: string): void {
  const names = namesIn(folder);
  if (names.includes(commitName)) {
    const plan = planIn(path.join(folder, commitName));
    if (plan === null) refuse("EBADMSG");
    if (isAtWork(plan.host, plan.pid, path.join(folder, commitName))) refuse("EBUSY");
    finishCommit(folder);
  }
  for (const name of names) {
    const [, owner = "", pid = ""] = temporaryPattern.exec(name) ?? [];
    const place = path.join(folder, name);
    if (pid === "" || inUse.has(place) || isAtWork(owner, Number(pid), place)) continue;
    rmSync(place, { recursive: true, force: true });
  }
}

/** A path that links have been followed on, also where the last of them leads to nothing yet. */
export function followLinks(file: string): string {
  let target = path.resolve(file);
  // As many as the system itself follows.
  for (let links = 0; links < 40; links++) {
    try {
      return realpathSync(target);
    } catch {
      try {
        target = path.resolve(path.dirname(target), readlinkSync(target));
      } catch {
        const above = path.dirname(target);
        return above === target ? target : path.join(followLinks(above), path.basename(target));
      }
    }
  }
  refuse("ELOOP");
}

/** Fails as writing `file` would, where that can be known beforehand; leaves nothing behind. */
export function tryToWrite(file: string): void {
  const target = followLinks(file);
  const status = statOf(target);
  if (status?.isDirectory() === true) refuse("EISDIR");
  if (status !== null) accessSync(target, constants.W_OK);
  if (status === null || status.isFile()) tryToWriteInto(path.dirname(target));
}

/** The same for files in `folder`, which need not be there. */
export function tryToWriteInto(folder: string): void {
  const missing: string[] = [];
  let existing = followLinks(folder);
  for (; statOf(existing) === null; existing = path.dirname(existing)) {
    missing.push(path.basename(existing));
  }
  // A name that is too long is refused here already, as it would be where it belongs.
  for (const name of missing) statOf(path.join(existing, name));
  if (!statSync(existing).isDirectory()) refuse("ENOTDIR");
  recover(existing);
  const temporary = temporaryIn(existing);
  closeSync(openSync(temporary, "wx"));
  unlinkSync(temporary);
  inUse.delete(temporary);
}

/** SHA-256 of a regular file that is no link, 64 hex digits; null for anything else. */
export function hashOf(file: string): string | null {
  try {
    if (!lstatSync(file).isFile()) return null;
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  } catch {
    return null;
  }
}

interface WritePlan {
  readonly host: string;
  readonly pid: number;
  readonly files: readonly string[];
  readonly removals: readonly Removal[];
}

/** A plan that was forged can at most replace what a build or a report may be called. */
const plainName = z.string().refine((name) => isOwnName(name));
const planSchema = z.object({
  host: z.string(),
  pid: z.int(),
  files: z.array(plainName),
  removals: z.array(z.object({ path: plainName, sha256: z.string() })),
});

/** The plan in a folder that is one of ours; null of anything else, a link to what is not in here too. */
function planIn(commit: string): WritePlan | null {
  try {
    if (!lstatSync(commit).isDirectory()) return null;
    const text = readFileSync(path.join(commit, planName), "utf8");
    return planSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Does what is left of the plan in `folder`; the same whether little or nothing was done of it. */
function finishCommit(folder: string): void {
  const commit = path.join(folder, commitName);
  const plan = planIn(commit);
  if (plan === null) return;
  for (const name of plan.files) {
    const staged = path.join(commit, name);
    if (existsSync(staged)) renameSync(staged, path.join(folder, name));
  }
  for (const { path: name, sha256 } of plan.removals) {
    const file = path.join(folder, name);
    if (hashOf(file) === sha256) unlinkSync(file);
  }
  syncFolder(folder);
  // Without its plan it would be in the way of all that come after, so it loses its name first.
  const done = temporaryIn(folder);
  renameSync(commit, done);
  rmSync(done, { recursive: true, force: true });
  inUse.delete(done);
}

/** Whether the process that made `place` may still be at it. */
function isAtWork(owner: string, pid: number, place: string): boolean {
  if (owner !== host) {
    const age = Date.now() - (statOf(place)?.mtimeMs ?? 0);
    return age < abandonedAfterMilliseconds;
  }
  // What this very process is at is known; an earlier one may have had its number.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Temporary places of this process that are not to be removed while it is at work. */
const inUse = new Set<string>();

function temporaryIn(folder: string): string {
  announce(folder);
  const place = path.join(folder, `.snnc-${host}-${process.pid}-${made++}.part`);
  inUse.add(place);
  return place;
}

/** Forgets what this process had in work in `folder`, so that `recover` removes it: it ends. */
export function abandon(folder: string): void {
  inUse.clear();
  recover(folder);
}

/** A new file, on the disk when this returns, with the mode and owner of what it will replace. */
function writeNew(
  file: string,
  content: readonly Uint8Array[],
  before: ReturnType<typeof statOf>,
): void {
  const handle = openSync(file, "wx");
  try {
    for (let rest = content.filter((part) => part.length > 0); rest.length > 0;) {
      rest = behind(rest, writevSync(handle, rest));
    }
    if (before?.isFile() === true) {
      keepOwner(handle, before);
      fchmodSync(handle, before.mode & 0o7777);
    }
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** What is left of `parts` when so many bytes of them are written: the system may write fewer than all. */
function behind(parts: readonly Uint8Array[], written: number): Uint8Array[] {
  let before = 0;
  const left: Uint8Array[] = [];
  for (const part of parts) {
    const skipped = Math.min(part.length, Math.max(0, written - before));
    if (skipped < part.length) left.push(part.subarray(skipped));
    before += part.length;
  }
  return left;
}

/** Only a superuser may give files away; for everybody else they are their own already. */
function keepOwner(handle: number, { uid, gid }: { uid: number; gid: number }): void {
  try {
    fchownSync(handle, uid, gid);
  } catch {
    // The file is the writer's then, as one that is written for the first time.
  }
}

/** After it, names in the folder are on the disk as well; where there is no such thing, nothing. */
function syncFolder(folder: string): void {
  let handle: number;
  try {
    handle = openSync(folder, "r");
  } catch {
    return;
  }
  try {
    fsyncSync(handle);
  } catch {
    // Some file systems have no such thing for folders.
  } finally {
    closeSync(handle);
  }
}

/**
 * Makes a folder and those above it that are missing, one by one: where the system refuses (/proc),
 * Node's own recursion does not end.
 */
function makeFolder(folder: string): void {
  if (statOf(folder) !== null) return;
  const above = path.dirname(folder);
  if (above !== folder) makeFolder(above);
  mkdirSync(folder);
}

/** What is at `file`, or null where nothing is; other faults are thrown. */
function statOf(file: string) {
  return statSync(file, { throwIfNoEntry: false }) ?? null;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Ends with an error as the system's own calls have it; whoever asked makes a diagnostic of it. */
function refuse(code: string): never {
  throw Object.assign(new Error(code), { code });
}
