/** The manager holds passes to their contracts, and says enough when one breaks its own. */
import { describe, expect, it } from "vitest";
import { DiagnosticError, known } from "../../../ir/diagnostic.ts";
import type { Module, Property } from "../../../ir/module.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import {
  PassBrokeModuleError,
  type PipelineOptions,
  runPipeline,
} from "../../../passes/manager.ts";
import { type AnyPass, type Pass, definePass } from "../../../passes/pass.ts";
import { parsePipeline, step } from "../../../passes/pipeline.ts";

const text = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.relu(%0) : real[1, 2]
  %2 = ann.identity(%1) : real[1, 2]
  ann.output(%2) {name = "y"}
}
`;
const module = parseModule(text, { file: "m.snnir" });

function make(run: Pass["run"], contract: Partial<Omit<AnyPass, "run" | "options">> = {}): AnyPass {
  return definePass({
    name: "try-it",
    role: "clean",
    summary: "",
    requires: [],
    establishes: [],
    breaks: [],
    preservesOutputs: true,
    options: { level: { kind: "integer", default: 3, min: 0, max: 9, help: "" } },
    ...contract,
    run,
  });
}

const copy = (given: Module): Module => ({ ...given });
const dropOps = (given: Module): Module => ({ ...given, ops: given.ops.slice(0, 1) });

async function failureOf(pass: AnyPass, options: PipelineOptions = {}): Promise<unknown> {
  try {
    await runPipeline(module, [step(pass)], options);
  } catch (error) {
    return error;
  }
  return null;
}

async function brokenBy(pass: AnyPass, options?: PipelineOptions): Promise<PassBrokeModuleError> {
  const error = await failureOf(pass, options);
  if (!(error instanceof PassBrokeModuleError)) throw new Error(`no such error: ${String(error)}`);
  return error;
}

describe("a pipeline", () => {
  it("hands each pass its options, its timesteps, and the network before conversion", async () => {
    const seen: unknown[] = [];
    const pass = make((given, { options, timesteps, reference }) => {
      seen.push(options, timesteps, reference === given);
      return given.code === "none" ? { ...given, code: "rate" } : given;
    });
    await runPipeline(module, [step(pass), step(pass, { level: 5 })], { timesteps: 8 });
    expect(seen).toEqual([{ level: 3 }, 8, true, { level: 5 }, 8, false]);
  });

  it("tells of each pass when it is done, and whether it changed anything", async () => {
    const seen: string[] = [];
    const same = make((given) => given, { name: "leave" });
    const other = make(copy, { name: "copy" });
    const { passes } = await runPipeline(module, [step(same), step(other)], {
      onPass: ({ pass, changed, before, after }) =>
        seen.push(`${pass} ${String(changed)} ${String(before === after)}`),
    });
    expect(seen).toEqual(["leave false true", "copy true false"]);
    expect(passes.every((record) => record.seconds >= 0)).toBe(true);
  });

  it("keeps the claims up to date", async () => {
    const establish = make((given) => given, { establishes: ["batchnorm-free"] });
    const breaks = make((given) => given, { breaks: ["batchnorm-free"] });
    const claims = async (...passes: AnyPass[]): Promise<Property[]> => {
      const result = await runPipeline(
        module,
        passes.map((pass) => step(pass)),
      );
      return [...result.module.properties];
    };
    expect(await claims(establish)).toEqual(["batchnorm-free"]);
    expect(await claims(establish, breaks)).toEqual([]);
    expect(await claims()).toEqual([]);
  });

  it("checks the options of all passes before it runs any", async () => {
    const never = make(() => {
      throw new Error("ran");
    });
    const wrong = { pass: never, options: { level: 10 } };
    await expect(runPipeline(module, [step(never), wrong])).rejects.toThrow("outside 0 … 9");
  });
});

describe("what the user asked for and cannot be", () => {
  it("is a property that a pass needs", async () => {
    const pass = make((given) => given, { requires: ["spiking"] });
    const error = await failureOf(pass, { establishedBy: () => ["convert-activations"] });
    if (!(error instanceof DiagnosticError)) throw new Error("no diagnostic");
    const [diagnostic] = error.diagnostics;
    expect(diagnostic?.code).toBe("property-missing");
    expect(diagnostic?.message).toBe(
      "pass try-it needs a module that is spiking, and this one is not",
    );
    expect(diagnostic?.help).toBe("run convert-activations before it");
  });

  it("is a property that the module claims wrongly", async () => {
    const claimed = { ...module, properties: new Set<Property>(["canonical"]) };
    const pass = make((given) => given, { requires: ["canonical"] });
    await expect(runPipeline(claimed, [step(pass)])).rejects.toThrow("that is canonical");
  });

  it("is a measurement without a calibration set", async () => {
    const pass = make(async (given, { measure }) => {
      await measure(given, [], 1);
      return given;
    });
    expect(await failureOf(pass)).toBeInstanceOf(DiagnosticError);
  });
});

describe("a pass that breaks its contract", () => {
  it("is named when it throws, with the cause", async () => {
    const error = await brokenBy(make(() => known<Module>(null, "the impossible")));
    expect(error.message).toBe("pass try-it broke the module: missing: the impossible");
    expect(error.code).toBe("pass-broke-module");
    expect(error.cause).toBeInstanceOf(Error);
  });

  it("is shown with the op at fault and its neighbours when the module does not verify", async () => {
    const twisted = make((given) => ({
      ...given,
      ops: given.ops.map((op) =>
        op.kind === "ann.relu" ? { ...op, type: { ...op.type, shape: [3] } } : op,
      ),
    }));
    const error = await brokenBy(twisted);
    expect(error.violations.length).toBeGreaterThan(0);
    expect(error.frame.split("\n").map((line) => line.replace(/ {2}\/\/.*/, ""))).toEqual([
      '    %0 = ann.input() {name = "x"} : real[1, 2]',
      "  > %1 = ann.relu(%0) : real[3]",
      "    %2 = ann.identity(%1) : real[1, 2]",
    ]);
  });

  it("gets away with it when verification is off", async () => {
    expect(await failureOf(make(dropOps))).not.toBeNull();
    expect(await failureOf(make(dropOps), { verify: false })).toBeNull();
  });

  it("is caught when it claims what does not hold", async () => {
    const error = await brokenBy(make((given) => given, { establishes: ["canonical"] }));
    expect(error.violations).toEqual(["it claims canonical, but an identity is left"]);
    expect(error.frame).toContain("> %2 = ann.identity(%1)");
  });

  it("is caught when the numbers change, if someone looks", async () => {
    const checkNumerics = async (): Promise<string> => "output y differs by 0.5";
    const error = await brokenBy(make(copy), { checkNumerics });
    expect(error.violations).toEqual(["output y differs by 0.5"]);
    expect(await failureOf(make(copy, { preservesOutputs: false }), { checkNumerics })).toBeNull();
    expect(
      await failureOf(
        make((given) => given),
        { checkNumerics },
      ),
    ).toBeNull();
  });

  it("leaves a reproducer that fails again", async () => {
    const pass = make(dropOps);
    const { reproducer } = await brokenBy(pass, { seed: 5 });
    const [run, ...rest] = reproducer.split("\n");
    expect(run).toBe("// RUN: --passes try-it{level=3} --seed 5");
    const again = parseModule(rest.join("\n"), { file: "reproducer.snnir" });
    const steps = parsePipeline("try-it{level=3}", { passes: [pass], pipelines: new Map() });
    await expect(runPipeline(again, steps)).rejects.toThrow(PassBrokeModuleError);
  });
});
