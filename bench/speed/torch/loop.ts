/** The process of bench/peers/if_loop.py as a contestant. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { z } from "zod";
import type { Module } from "../../../ir/module.ts";
import { type Contestant, ContestantError } from "../processes/contestant.ts";
import type { InputFile } from "../processes/protocol.ts";
import { peersFolder } from "../project.ts";
import { torchProgram } from "./program.ts";

/** The Python that has torch, of those that are tried; null where none has. */
export async function pythonWithTorch(tried: readonly string[]): Promise<string | null> {
  for (const python of tried) {
    try {
      await promisify(execFile)(python, ["-c", "import numpy, torch"]);
      return python;
    } catch {
      // Not there, or without torch: the next one may have it.
    }
  }
  return null;
}

const hello = z.object({ torch: z.string(), blas: z.string() });
const answers = z.object({ logits: z.array(z.number()), spikes: z.number() });
const measured = z.object({ milliseconds: z.number() });

export interface TorchLoop extends Contestant {
  /** Spikes of all neurons over all timesteps for the first `count` samples. */
  spikes(count: number): Promise<number>;
}

/** Starts the loop on a network of `snn.if`; files go to `folder`. */
export async function startTorchLoop(
  python: string,
  what: { readonly module: Module; readonly inputs: InputFile; readonly timesteps: number },
  folder: string,
): Promise<TorchLoop> {
  const { program, tensors } = torchProgram(what.module, what.timesteps);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "program.json"), JSON.stringify(program));
  await writeFile(path.join(folder, "tensors.f32"), new Uint8Array(tensors.buffer));
  await copyFile(what.inputs.file, path.join(folder, "images.f32"));
  const child = spawn(python, [path.join(peersFolder, "if_loop.py"), folder]);
  const next = linesOf(child);
  const ask = async <T>(schema: z.ZodType<T>, request: unknown): Promise<T> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return schema.parse(JSON.parse(await next()));
  };
  const { torch, blas } = hello.parse(JSON.parse(await next()));
  // Ten times slower than others: no rival.
  const remarks = blas === "reference" ? ["it multiplies by the reference BLAS, slowly"] : [];
  const ofSamples = (count: number) => ask(answers, { kind: "answers", count });
  return {
    name: `torch ${torch} (${blas} BLAS), IF loop`,
    loaded: { versions: { torch }, seconds: {}, peakBytes: 0, remarks },
    answers: async (count) => ({
      logits: Float32Array.from((await ofSamples(count)).logits),
      activity: null,
    }),
    spikes: async (count) => (await ofSamples(count)).spikes,
    async measure({ seconds }) {
      return (await ask(measured, { kind: "measure", seconds })).milliseconds;
    },
    memory: () => Promise.reject(new ContestantError("the memory of Python is not measured")),
    end: () => void child.kill(),
  };
}

/** Its lines, one a call; rejects where the process ends instead. */
function linesOf(child: ChildProcessWithoutNullStreams): () => Promise<string> {
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const read = await lines.next();
    if (read.done !== true) return read.value;
    const last = errors.trim().split("\n").at(-1) ?? "";
    return Promise.reject(new ContestantError(`if_loop.py ended: ${last}`));
  };
}
