/** What runs ask of the WebAssembly engine: threads, chunks, early ends, and what may be missing. */
import { beforeAll, describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { typedEngine } from "../../../backends/typed/engine.ts";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { wasmEngine } from "../../../backends/wasm/engine.ts";
import { createTeam } from "../../../backends/wasm/runtime/node-workers.ts";
import { createWasmEngine } from "../../../backends/wasm/runtime/single.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { Engine, LoadOptions, RunOptions, SampleResult } from "../../../ir/executable.ts";
import { type Module, opsOf } from "../../../ir/module.ts";
import { statisticsToData } from "../../../ir/run/observe.ts";
import { expectClose } from "./compare.ts";
import { networkNamed, samplesFor, spikingTwin } from "./spiking-twin.ts";

const timesteps = 24;
const ann = networkNamed("residual-add");
let snn: Module;
/** Shares even the smallest samples between threads. */
const sharingEngine = createWasmEngine({
  createTeam,
  fallback: singleThreadEngine,
  leastShared: 0,
});

beforeAll(async () => {
  snn = (await spikingTwin("residual-add")).module;
});

interface Ran {
  readonly results: readonly SampleResult[];
  readonly statistics: string;
  readonly codes: readonly string[];
}

async function runOn(
  engine: Engine,
  module: Module,
  options: Partial<RunOptions> = {},
  { count = 9, ...load }: Partial<LoadOptions> & { readonly count?: number } = {},
): Promise<Ran> {
  const codes: string[] = [];
  const executable = await engine.load(module, {
    threads: 1,
    onDiagnostic: ({ code }) => void codes.push(code),
    ...load,
  });
  const results: SampleResult[] = [];
  const statistics = await executable.run(
    samplesFor(module, count),
    { timesteps, ...options },
    (result) => void results.push(result),
  );
  await executable.close();
  return { results, statistics: JSON.stringify(statisticsToData(statistics)), codes };
}

/** Everything that can be asked of a run at once. */
function everythingOf(module: Module): Partial<RunOptions> {
  const neurons = opsOf(module, "snn.if").map(({ result }) => result);
  return {
    observe: neurons.map((value) => ({ value, scope: "neuron", axis: 1 })),
    probes: neurons.flatMap((value) => [
      { value, keep: "trace" as const },
      { value, keep: "state" as const },
      { value, keep: "mean" as const },
    ]),
  };
}

describe("threads", () => {
  it("give the same bytes, whole samples each", async () => {
    for (const module of [ann, snn]) {
      const options = everythingOf(module);
      const alone = await runOn(wasmEngine, module, options);
      expect(await runOn(wasmEngine, module, options, { threads: 2 })).toEqual(alone);
      expect(await runOn(wasmEngine, module, options, { threads: 3 })).toEqual(alone);
      expect(alone.results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
  });

  it("give the results of many samples in order", async () => {
    const load = { threads: 2, count: 300 };
    const { results } = await runOn(wasmEngine, snn, { timesteps: 2 }, load);
    const alone = await runOn(wasmEngine, snn, { timesteps: 2 }, { ...load, threads: 1 });
    expect(results.map(({ index }) => index)).toEqual([...Array(300).keys()]);
    expect(results).toEqual(alone.results);
  });

  it("give the same bytes when they share each sample", async () => {
    for (const module of [ann, snn]) {
      const options = everythingOf(module);
      const alone = await runOn(wasmEngine, module, options);
      for (const threads of [2, 3]) {
        const shared = await runOn(sharingEngine, module, options, { threads, split: "tiles" });
        expect(shared).toEqual(alone);
      }
    }
  });

  it("take whole samples where an op cannot be shared, and it is said", async () => {
    const module = networkNamed("conv-3d");
    const { codes, ...found } = await runOn(
      sharingEngine,
      module,
      {},
      { threads: 2, split: "tiles" },
    );
    expect(codes).toEqual(["sample-not-split"]);
    expect({ ...found, codes: [] }).toEqual(await runOn(wasmEngine, module));
  });

  it("share samples over several chunks, and where they end early", async () => {
    const earlyExit = { margin: 0.02, of: "output", minimum: 2, every: 2 } as const;
    for (const options of [{ timesteps: 70 }, { earlyExit }]) {
      const alone = await runOn(wasmEngine, snn, options);
      expect(await runOn(sharingEngine, snn, options, { threads: 2, split: "tiles" })).toEqual(
        alone,
      );
    }
  });

  it("can be used for one run after the other, and by two at once", async () => {
    const executable = await wasmEngine.load(snn, { threads: 2 });
    const outputs = async (steps: number): Promise<string> => {
      const lines: string[] = [];
      await executable.run(samplesFor(snn, 5), { timesteps: steps }, ({ outputs: [y] }) => {
        lines.push(String(y));
      });
      return lines.join("\n");
    };
    const one = await outputs(4);
    const other = await outputs(7);
    expect(one).not.toBe(other);
    expect(await Promise.all([outputs(4), outputs(7), outputs(4)])).toEqual([one, other, one]);
    await executable.close();
  });
});

describe("an early end", () => {
  const earlyExit = { margin: 0.02, of: "output", minimum: 3, every: 2 } as const;

  it("comes at the interpreter's timestep, with its results", async () => {
    const options = { ...everythingOf(snn), earlyExit };
    const wanted = await runOn(interpretEngine, snn, options);
    for (const engine of [wasmEngine, typedEngine]) {
      const found = await runOn(engine, snn, options);
      wanted.results.forEach((want, i) => {
        const have = known(found.results[i], "a result");
        expect(have.timestepsTaken).toBe(want.timestepsTaken);
        expect(have.activity).toEqual(want.activity);
        want.outputs.forEach((y, k) => expectClose(known(have.outputs[k], "an output"), y));
        want.probes.forEach((y, k) => expectClose(known(have.probes[k], "a probe"), y));
      });
    }
    const taken = wanted.results.map((result) => result.timestepsTaken);
    expect(Math.min(...taken)).toBeLessThan(timesteps);
    for (const t of taken) expect(t === timesteps || (t >= 4 && t % 2 === 0)).toBe(true);
  });

  it("is looked for at multiples of numbers larger than a chunk", async () => {
    const rule = { margin: 0, of: "probability", minimum: 1, every: 94 } as const;
    const { results } = await runOn(
      wasmEngine,
      snn,
      { timesteps: 200, earlyExit: rule },
      { count: 1 },
    );
    expect(results[0]?.timestepsTaken).toBe(94);
  });
});

describe("counting", () => {
  it("can be left out, with everything else the same", async () => {
    const counted = await runOn(wasmEngine, snn);
    const plain = await runOn(wasmEngine, snn, { countOperations: false });
    expect(plain.results.map(({ outputs }) => outputs)).toEqual(
      counted.results.map(({ outputs }) => outputs),
    );
    expect(counted.results[0]?.activity.spikes.at(-1)).toBeGreaterThan(0);
    const { spikes, bits, activity } = known(plain.results[0], "a result");
    for (const each of [spikes, bits, activity.spikes, activity.events]) {
      expect(each.every((n) => n === 0)).toBe(true);
    }
  });
});

describe("where something is missing", () => {
  it("SIMD: networks run on typed arrays, and it is said", async () => {
    const support = { missing: "WebAssembly's SIMD", sharedMemory: true, relaxed: false };
    const engine = createWasmEngine({ createTeam: null, fallback: singleThreadEngine, support });
    const { codes, results } = await runOn(engine, ann);
    expect(codes).toEqual(["webassembly-unavailable"]);
    expect(results).toEqual((await runOn(singleThreadEngine, ann)).results);
  });

  it("shared memory: one thread runs, and it is said", async () => {
    const support = { missing: null, sharedMemory: false, relaxed: false };
    const createTeam = (): never => expect.unreachable("no team can work");
    const engine = createWasmEngine({ createTeam, fallback: singleThreadEngine, support });
    const { codes, results } = await runOn(engine, snn, {}, { threads: 4 });
    expect(codes).toEqual(["no-shared-memory"]);
    expect(results).toEqual((await runOn(wasmEngine, snn)).results);
  });
});
