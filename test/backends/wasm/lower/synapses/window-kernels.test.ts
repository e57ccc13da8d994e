/** Both kernels of windows of spikes compute the same; which is taken follows rates alone. */
import { describe, expect, it } from "vitest";
import { compileProgram, type CompileOptions } from "../../../../../backends/wasm/compile.ts";
import { Instance, createMemory } from "../../../../../backends/wasm/runtime/instance.ts";
import { interpretEngine } from "../../../../../backends/interpret/engine.ts";
import { compileOptionsOf } from "../../../../../backends/wasm/request.ts";
import {
  type Arithmetic,
  type Layer,
  arithmetics,
  layerModule,
  layerSample,
} from "../../../../../bench/speed/kernels/kernel-layer.ts";
import { both, expectClose } from "../../compare.ts";
import { known } from "../../../../../ir/diagnostic.ts";
import { opsOf } from "../../../../../ir/module.ts";

const timesteps = 6;
const small: Layer = { inputs: 20, outputs: 12, extent: 5, kernel: 3 };
const flat: Layer = { inputs: 70, outputs: 24, extent: 0, kernel: 1 };

function compile(layer: Layer, arithmetic: Arithmetic, options: Partial<CompileOptions>) {
  const { module } = layerModule(layer, arithmetic, timesteps);
  return compileProgram(module, { ...compileOptionsOf(module, { timesteps }), ...options });
}

async function outputOf(
  layer: Layer,
  arithmetic: Arithmetic,
  windows: NonNullable<CompileOptions["windows"]>,
  steps = timesteps,
): Promise<Float32Array> {
  const program = await compile(layer, arithmetic, { windows, steps });
  expect(program.tables.length > 0).toBe(windows === "tables");
  const memory = createMemory(program);
  const module = await WebAssembly.compile(program.binary);
  const instance = new Instance(program, module, memory, { arena: 0, part: 0, parts: 1 });
  instance.give([layerSample(layer, arithmetic, 0.3, 1).data]);
  instance.begin();
  for (let elapsed = 0; elapsed < timesteps; elapsed += steps) instance.advance(elapsed);
  const { at } = known(program.outputs[0], "an output");
  const output = new Float32Array(at.shape.reduce((a, b) => a * b, 1));
  instance.read(at, steps - 1, output);
  return output;
}

async function interpreted(layer: Layer, arithmetic: Arithmetic): Promise<readonly number[]> {
  const { module } = layerModule(layer, arithmetic, timesteps);
  const executable = await interpretEngine.load(module, { threads: 1 });
  const sample = [layerSample(layer, arithmetic, 0.3, 1)];
  const value = known(module.outputs[0], "an output").value;
  let data: ArrayLike<number> = [];
  await executable.run(
    { count: 1, get: () => sample },
    { timesteps, probes: [{ value, keep: "trace" }] },
    ({ probes }) => {
      data = known(probes[0], "a probe");
    },
  );
  await executable.close();
  const size = data.length / timesteps;
  return Array.from(data).slice(-size);
}

describe("kernels of windows", () => {
  const cases = arithmetics.flatMap((arithmetic) => [
    { layer: small, arithmetic },
    { layer: flat, arithmetic },
  ]);
  it.each(cases)("agree with the interpreter on $arithmetic", async ({ layer, arithmetic }) => {
    const wanted = await interpreted(layer, arithmetic);
    expect(wanted.some((x) => x !== 0)).toBe(true);
    for (const windows of ["events", "tables"] as const) {
      const found = Array.from(await outputOf(layer, arithmetic, windows));
      expect(found.map((x) => Number(x.toFixed(4)))).toEqual(
        wanted.map((x) => Number(x.toFixed(4))),
      );
    }
  });

  it("are chosen by the rates that are given, alike each time", async () => {
    const layer: Layer = { inputs: 16, outputs: 64, extent: 4, kernel: 3 };
    const { module } = layerModule(layer, "i16", timesteps);
    const neurons = opsOf(module, "snn.if");
    const at = (rate: number) =>
      compile(layer, "i16", { rates: new Map(neurons.map(({ result }) => [result, rate])) });
    const [often, again] = [await at(0.9), await at(0.9)];
    expect(often.tables.map(({ inputs }) => inputs)).toContain(layer.inputs);
    expect(again.binary).toEqual(often.binary);
    expect((await at(0.001)).tables.map(({ inputs }) => inputs)).not.toContain(layer.inputs);
  });
});

describe("populations whose potentials would crowd the registers", () => {
  // More than four vectors of sums: potentials live in memory.
  const wide: Layer = { inputs: 20, outputs: 40, extent: 4, kernel: 3 };

  it.each(arithmetics)("keep them from timestep to timestep on %s", async (arithmetic) => {
    const { module, timed } = layerModule(wide, arithmetic, timesteps);
    const inputs = [layerSample(wide, arithmetic, 0.3, 1)];
    const probes = [{ value: timed, keep: "state" }] as const;
    const { wanted, found } = await both(module, inputs, { timesteps, probes });
    expectClose(known(found.sample.probes[0], "a probe"), known(wanted.sample.probes[0], "one"));
  });

  it.each(arithmetics)("keep them from chunk to chunk on %s", async (arithmetic) => {
    const whole = await outputOf(wide, arithmetic, "events");
    expect(whole.some((x) => x !== 0)).toBe(true);
    expect(await outputOf(wide, arithmetic, "events", 2)).toEqual(whole);
  });
});
