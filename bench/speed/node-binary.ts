/** The Node that engines run on: the one that runs this, or others, so that one run compares them. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { diagnose } from "../../cli/diagnostics.ts";
import { fail } from "../../ir/diagnostic.ts";

export interface NodeBinary {
  readonly path: string;
  /** "20.20.2" */
  readonly version: string;
}

export const ownNode: NodeBinary = {
  path: process.execPath,
  version: process.version.slice(1),
};

/** Those at paths that are separated by commas. Fails with a diagnostic where one is not a Node. */
export function nodesAt(paths: string): Promise<NodeBinary[]> {
  return Promise.all(paths.split(",").map((each) => nodeAt(path.resolve(each))));
}

async function nodeAt(file: string): Promise<NodeBinary> {
  let said = "";
  try {
    said = (await promisify(execFile)(file, ["--version"])).stdout.trim();
  } catch (error) {
    said = error instanceof Error ? error.message : String(error);
  }
  const version = /^v(\d+\.\d+\.\d+\S*)$/.exec(said)?.[1];
  if (version !== undefined) return { path: file, version };
  return fail(diagnose("usage", null, { text: `--node: ${file} is not a Node (${said})` }));
}

/** "20.20", as rows name it. */
export function shortVersion({ version }: NodeBinary): string {
  return version.split(".").slice(0, 2).join(".");
}
