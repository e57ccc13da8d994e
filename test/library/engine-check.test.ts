/** The look at the interpreter while an analogue network is evaluated. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import type { Engine, Executable, SampleResult } from "../../ir/executable.ts";
import { Builder } from "../../ir/build.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";
import { evaluateModule, evaluatePair } from "../../library/assess.ts";
import { EngineDiffersError, checkEngine } from "../../library/engine-check.ts";
import { f, loc } from "../ir/one-op.ts";
import { network, images } from "./network.ts";

/** An engine that changes what the interpreter says, and notes which samples it ran. */
function changed(change: (y: Float32Array, index: number) => Float32Array) {
  const runs: number[] = [];
  const engine: Engine = {
    name: "changed",
    async load(module, options) {
      const inner = await interpretEngine.load(module, options);
      return {
        ...inner,
        run: (samples, runOptions, onSample) => {
          runs.push(samples.count);
          return inner.run(samples, runOptions, (result: SampleResult) =>
            onSample?.({
              ...result,
              outputs: result.outputs.map((y) => change(y, result.index)),
            }),
          );
        },
      };
    },
  };
  return { engine, runs };
}

async function codesOf(engine: Engine, module: Module, now?: () => number) {
  const samples = module.ops[0]?.type.shape.length === 4 ? images(20) : vectors;
  const codes: string[] = [];
  const running = {
    engine,
    threads: 1,
    onDiagnostic: ({ code }: { readonly code: string }) => void codes.push(code),
    ...(now === undefined ? {} : { now }),
  };
  try {
    await evaluateModule(module, { samples, labels: null }, running, { timesteps: 1, check: true });
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    codes.push(...error.diagnostics.map(({ code, message }) => `${code}: ${message}`));
  }
  return codes;
}

const vectors = { count: 3, get: () => [f([1, 2], [3000, -3000])] };

/** y = x₀ + x₁ + 1/2, small on operands that are large. */
function offset(): Module {
  const builder = new Builder();
  const x = builder.input("x", real("f32", [1, 2]), loc);
  const weight = builder.tensor("w", f([2, 2], [1, 1, 1, 0.999]));
  const bias = builder.tensor("b", f([2], [0.5, 0.25]));
  const value = builder.add("ann.linear", [x], { weight, bias }, loc);
  return builder.finish({ name: "offset", outputs: [{ name: "y", value }] });
}

/** More work than the interpreter does in two seconds. */
function large(): Module {
  const builder = new Builder();
  const x = builder.input("x", real("f32", [1, 2]), loc);
  const many = builder.add("ann.expand", [x], { shape: [40_000, 2] }, loc);
  const weight = builder.tensor("w", tensorOf("f32", [1000, 2], new Float32Array(2000)));
  const wide = builder.add("ann.linear", [many], { weight, bias: null }, loc);
  const value = builder.add(
    "ann.slice",
    [wide],
    { starts: [0, 0], sizes: [1, 2], steps: [1, 1] },
    loc,
  );
  return builder.finish({ name: "large", outputs: [{ name: "y", value }] });
}

describe("an engine that evaluates an analogue network", () => {
  it("passes where it differs by roundings", async () => {
    const { engine } = changed((y) => y.map((x) => x * (1 + 1e-6)));
    expect(await codesOf(engine, network())).toEqual([]);
  });

  it("fails where it differs by more, with the numbers", async () => {
    const { engine } = changed((y) => y.map((x, i) => (i === 1 ? x + 0.125 : x)));
    const codes = await codesOf(engine, network());
    expect(codes).toHaveLength(1);
    expect(codes[0]).toMatch(
      /^engine-differs: the engine changed computes [\d.]+ for element 1 of \w+ of sample 0, and the interpreter [\d.]+, where the largest is [\d.]+: rounding does not explain this; no single op differs$/,
    );
  });

  it("fails as a fault of ours, with the op, the network and the sample", async () => {
    const module = offset();
    const [, linear] = module.ops;
    // Wrong from the linear op on, whatever is asked of it.
    const engine: Engine = {
      name: "broken",
      async load(loaded, options) {
        const inner = await interpretEngine.load(loaded, options);
        const wrong = (y: Float32Array): Float32Array => y.fill(7);
        return {
          ...inner,
          run: (samples, given, onSample) =>
            inner.run(samples, given, ({ outputs, probes, ...rest }) => {
              const values = given.probes?.map(({ value }) => value) ?? [];
              const found = probes.map((y, i) =>
                values[i] === linear?.result ? Float32Array.from(y, () => 7) : y,
              );
              onSample?.({ ...rest, outputs: outputs.map(wrong), probes: found });
            }),
        };
      },
    };
    const executable = await engine.load(module, { threads: 1 });
    const running = { engine, threads: 1 };
    const failure: unknown = await checkEngine(executable, vectors, running, 1).catch(
      (e: unknown) => e,
    );
    expect(failure).toBeInstanceOf(EngineDiffersError);
    if (!(failure instanceof EngineDiffersError)) return;
    const [diagnostic] = failure.diagnostics;
    expect(diagnostic?.cause).toBe("fault");
    expect(diagnostic?.message).toMatch(/; the first op to differ is test:1:1$/);
    expect(diagnostic?.help).toMatch(/^this is a fault of snnc/);
    expect(failure.module).toBe(module);
    expect(failure.inputs).toEqual(vectors.get());
  });

  it("fails where it gives NaN for a number", async () => {
    const { engine } = changed((y) => y.map((x, i) => (i === 0 ? NaN : x)));
    expect((await codesOf(engine, network()))[0]).toMatch(/^engine-differs: .* computes NaN for/);
  });

  it("may differ by what roundings do to small signals on large offsets", async () => {
    // A sum of ±3000 in another order is off by some 3000 · 2^−24; here the output is 0.5.
    const { engine } = changed((y) => y.map((x) => x + 0.0005));
    expect(await codesOf(engine, offset())).toEqual([]);
    const { engine: wrong } = changed((y) => y.map((x) => x + 0.5));
    expect((await codesOf(wrong, offset()))[0]).toMatch(/^engine-differs/);
  });

  it("is looked at on one sample without a clock, and on as many as time allows with one", async () => {
    const { engine, runs } = changed((y) => y);
    expect(await codesOf(engine, network())).toEqual([]);
    expect(runs).toEqual([20, 1]);
    // Evaluating takes 100 seconds, and each look at the clock one: 5 of them are 5 %.
    const clock = [0, 100_000, 100_000];
    let last = 100_000;
    const now = (): number => clock.shift() ?? (last += 1000);
    expect(await codesOf(engine, network(), now)).toEqual([]);
    expect(runs).toEqual([20, 1, 20, 5]);
  });

  it("is not looked at where one sample takes too long, and it is said", async () => {
    const codes: string[] = [];
    const executable: Executable = {
      module: large(),
      neurons: [],
      run: () => expect.unreachable("the engine has nothing to run"),
      close: () => Promise.resolve(),
    };
    const running = {
      engine: { ...interpretEngine, name: "any" },
      threads: 1,
      onDiagnostic: ({ code }: { readonly code: string }) => void codes.push(code),
    };
    await checkEngine(executable, vectors, running, 1);
    expect(codes).toEqual(["engine-not-checked"]);
  });

  it("is looked at for the analogue side of a pair", async () => {
    const { engine } = changed((y) => y.map((x, i) => (i === 1 ? x + 0.125 : x)));
    const data = { samples: images(4), labels: null };
    const running = { engine, threads: 1 };
    await expect(evaluatePair(network(), network(), data, running, 1)).rejects.toThrow(
      "rounding does not explain this",
    );
  });
});
