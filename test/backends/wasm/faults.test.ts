/** What happens where the machine fails the engine: memory that cannot be had, and traps. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { compileProgram } from "../../../backends/wasm/compile.ts";
import { ExtremeSamples } from "../../../backends/wasm/runtime/extremes.ts";
import { Instance, createMemory } from "../../../backends/wasm/runtime/instance.ts";
import { createTeam } from "../../../backends/wasm/runtime/node-workers.ts";
import { type WorkerPort, createTeams, openOn } from "../../../backends/wasm/runtime/team.ts";
import { dealTiles } from "../../../backends/wasm/runtime/dealing.ts";
import { prepare } from "../../../backends/wasm/prepare.ts";
import { compileOptionsOf, runTaskOf } from "../../../backends/wasm/request.ts";
import { createWasmEngine, singleThreadWasmEngine } from "../../../backends/wasm/runtime/single.ts";
import { DiagnosticError, InvariantError, known } from "../../../ir/diagnostic.ts";
import { opsOf } from "../../../ir/module.ts";
import { WorkerEnd } from "../../../backends/worker-end.ts";
import { spikingTwin } from "./spiking-twin.ts";

const engine = createWasmEngine({
  createTeam,
  fallback: singleThreadEngine,
  support: { missing: null, sharedMemory: true, relaxed: false },
});

/** Memory that is refused as often as this before it is given. */
function refuseMemory(times: number): void {
  const { Memory } = WebAssembly;
  let left = times;
  vi.spyOn(WebAssembly, "Memory").mockImplementation(function (descriptor) {
    if (left-- > 0) throw new RangeError("could not allocate memory");
    return new Memory(descriptor);
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

async function runWith(threads: number, timesteps: number) {
  const { module, samples } = await spikingTwin("residual-add");
  const codes: string[] = [];
  const executable = await engine.load(module, {
    threads,
    onDiagnostic: ({ code }) => void codes.push(code),
  });
  const outputs: Float32Array[] = [];
  try {
    await executable.run(samples(6), { timesteps }, (r) => {
      outputs.push(known(r.outputs[0], "an output"));
    });
    return { codes, outputs, memory: executable.memory?.() ?? null };
  } finally {
    await executable.close();
  }
}

describe("where memory is short", () => {
  it("fewer threads run, with the same results", async () => {
    const plenty = await runWith(4, 16);
    expect(plenty.memory?.threads).toBe(4);
    refuseMemory(1);
    const { codes, outputs, memory } = await runWith(4, 16);
    expect(codes).toEqual(["fewer-threads"]);
    expect(memory?.threads).toBe(2);
    expect(outputs).toEqual(plenty.outputs);
  });

  it("fewer timesteps run at a time, with the same results", async () => {
    const plenty = await runWith(1, 16);
    refuseMemory(1);
    const { codes, outputs, memory } = await runWith(1, 16);
    expect(codes).toEqual(["shorter-chunks"]);
    expect(memory?.arenaBytes).toBeLessThan(known(plenty.memory, "memory").arenaBytes);
    expect(outputs).toEqual(plenty.outputs);
  });

  it("the run ends with a diagnostic about the machine in the end", async () => {
    refuseMemory(Infinity);
    const error: unknown = await runWith(2, 16).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DiagnosticError);
    expect(error).toMatchObject({
      diagnostics: [{ code: "network-exceeds-memory", cause: "environment" }],
    });
  });
});

describe("where threads cannot be started", () => {
  it("one runs, and it is said once", async () => {
    const failing: WorkerPort = {
      post: () => undefined,
      listen: (_, onEnd) => void setTimeout(() => onEnd(new WorkerEnd("no file", false)), 1),
      hold: () => undefined,
      end: () => Promise.resolve(),
    };
    const { module, samples } = await spikingTwin("residual-add");
    const codes: string[] = [];
    const executable = await createWasmEngine({
      createTeam: createTeams(() => failing),
      fallback: singleThreadEngine,
      support: { missing: null, sharedMemory: true, relaxed: false },
    }).load(module, { threads: 2, onDiagnostic: ({ code }) => void codes.push(code) });
    let count = 0;
    for (const timesteps of [3, 4]) {
      await executable.run(samples(3), { timesteps }, () => count++);
    }
    await executable.close();
    expect(codes).toEqual(["no-threads"]);
    expect(count).toBe(6);
  });
});

describe("a trap", () => {
  it("is a fault of ours that names the step", async () => {
    const { module, samples } = await spikingTwin("residual-add");
    const program = await compileProgram(module, compileOptionsOf(module, { timesteps: 4 }));
    const compiled = await WebAssembly.compile(program.binary);
    const place = { arena: 1000, part: 0, parts: 1 };
    const instance = new Instance(program, compiled, createMemory(program), place);
    instance.give(
      samples(1)
        .get(0)
        .map(({ data }) => data),
    );
    const run = (): void => {
      instance.begin();
      instance.advance(0);
    };
    expect(run).toThrow(InvariantError);
    expect(run).toThrow(/WebAssembly trapped in "(begin|each) \d+: %\d+ /);
  });
});

describe("a thread that traps while others wait for it", () => {
  it("ends the run, and the others", async () => {
    const { module, samples } = await spikingTwin("residual-add");
    const options = { timesteps: 4 };
    const form = { shared: true, tiles: 2, longestChunk: 64 };
    const prepared = await prepare(module, options, form, 2, undefined);
    const team = createTeam(2);
    const remotes = await Promise.all(
      team.threads.map((thread, part) => {
        const place = { arena: part * 1000, part, parts: 2 };
        return openOn(thread, { ...prepared, module, place });
      }),
    );
    const job = runTaskOf(module, options);
    const extremes = new ExtremeSamples(module, job);
    const run = { samples: samples(2), options, job, extremes, onSample: undefined };
    await expect(dealTiles(remotes, run, 1)).rejects.toThrow(/WebAssembly trapped in "/);
    await team.release();
    // Threads that are left would be taken again, and never answer.
    const next = createTeam(2);
    const again = await Promise.all(
      next.threads.map((thread) => thread.ask({ kind: "close", program: -1 })),
    );
    expect(again).toEqual([{ kind: "done" }, { kind: "done" }]);
    await next.release();
  });
});

describe("a network without neurons", () => {
  it("has nothing to count, and runs", async () => {
    const { reference, samples } = await spikingTwin("residual-add");
    expect(opsOf(reference, "snn.if")).toEqual([]);
    const executable = await singleThreadWasmEngine.load(reference, { threads: 1 });
    await executable.run(samples(1), { timesteps: 9 }, ({ activity, timestepsTaken }) => {
      expect([...activity.spikes]).toEqual([0]);
      expect(timestepsTaken).toBe(1);
    });
  });
});
