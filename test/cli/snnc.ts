/** Runs the built command line the way a user does, and keeps what came of it. */
import { type ChildProcess, execFile, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll } from "vitest";

const root = path.resolve(fileURLToPath(import.meta.url), "../../..");
export const entry = path.join(root, "dist/cli/main.js");
const digitsFolder = path.join(root, "examples/digits");

/** The example that every command is tried on. */
export const digits = {
  model: path.join(digitsFolder, "digits.onnx"),
  calibration: path.join(digitsFolder, "calibration.npz"),
  test: path.join(digitsFolder, "test.npz"),
  preprocess: path.join(digitsFolder, "preprocess.json"),
} as const;

export interface Ran {
  /** The exit code; null where a signal ended the process. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a host is asked. */
export interface Asked {
  /** The address of the compiled module of the program. */
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

/**
 * `snnc ARGS`, without a terminal: one command after another in a process that all tests here share. With an
 * environment of its own, which includes an empty one, a command is a process of its own.
 */
export function snnc(args: readonly string[], options: RunningOptions = {}): Promise<Ran> {
  if (options.env !== undefined) return start(process.execPath, [entry, ...args], options);
  expectBuilt();
  const ran = queue.then(() => ask({ program, args, cwd: options.cwd ?? os.tmpdir() }));
  queue = ran.catch(() => undefined);
  return ran;
}

const program = pathToFileURL(path.join(root, "dist/cli/program.js")).href;
let host: ChildProcess | null = null;
let queue: Promise<unknown> = Promise.resolve();

function ask(asked: Asked): Promise<Ran> {
  const asking = (host ??= startHost());
  return new Promise((resolve, reject) => {
    const ended = (code: number | null, signal: string | null): void => {
      host = null;
      reject(
        new Error(
          `the host of commands ended with ${code ?? signal ?? "nothing"}: ${asked.args.join(" ")}`,
        ),
      );
    };
    asking.once("exit", ended);
    asking.once("message", (ran: Ran) => {
      asking.off("exit", ended);
      resolve(ran);
    });
    asking.send(asked);
  });
}

/** Ends with the process that starts it. */
function startHost(): ChildProcess {
  const file = fileURLToPath(new URL("./host.js", import.meta.url));
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"] };
  const child = fork(file, { execArgv: [], env });
  child.unref();
  child.channel?.unref();
  return child;
}

function expectBuilt(): void {
  if (!existsSync(entry)) throw new Error(`${entry} is missing: run \`npm run build\` first`);
}

/** Any program, with the same environment as `snnc`. */
export function start(
  program: string,
  args: readonly string[],
  { cwd = os.tmpdir(), env = {} }: RunningOptions = {},
): Promise<Ran> {
  expectBuilt();
  const environment = { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env };
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env: environment, maxBuffer: 2 ** 26 }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      resolve({ code, stdout: out, stderr: err });
    });
  });
}

/** A folder for the tests of one file; `path()` is known when they run. */
export function temporaryFolder(name: string): (...parts: readonly string[]) => string {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), `snnc-${name}-`));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  return (...parts) => path.join(folder, ...parts);
}

/** The one object that `--json` prints; fails where stdout holds anything else. */
export function jsonOf({ stdout }: Ran): Record<string, unknown> {
  const lines = stdout.split("\n");
  if (lines.length !== 2 || lines[1] !== "") throw new Error(`not one line: ${stdout}`);
  const value: unknown = JSON.parse(lines[0] ?? "");
  if (typeof value !== "object" || value === null) throw new Error(`no object: ${stdout}`);
  return Object.fromEntries(Object.entries(value));
}

/** The codes of the diagnostics in a text for people, in order. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/^(?:error|warning|info)\[([^\]]+)\]/gm)].map(([, code = ""]) => code);
}
