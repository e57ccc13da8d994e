/** A short run of the bar `graphs`: kinds of ops by element types, through pipelines, on engines. */
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { Builder } from "../../ir/build.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { type DType, type Shape, elementCount, real } from "../../ir/type.ts";
import { checkModel } from "../../library/check.ts";
import { convert } from "../../library/convert.ts";
import { codeMadeBy } from "../../passes/codes.ts";
import { pipelines } from "../../passes/index.ts";
import { type Drawing, drawNetwork, fullRound } from "../../scripts/verify/graphs/draw.ts";
import { verifyGraphs } from "../../scripts/verify/graphs.ts";
import { loc } from "../ir/one-op.ts";

/** What cannot be known before there is data. */
const ofData: ReadonlySet<string> = new Set([
  "value-not-finite",
  "integer-overflow",
  "integer-timesteps",
]);

/** Every so many of a whole round. */
const stride = 29;

const running = { engine: singleThreadEngine, threads: 1 };
const names = [...pipelines.keys()].filter((name) => name !== "canonical");

/** The codes that a conversion was refused with; none where it was made. */
async function refusalsOf(drawn: Pick<Drawing, "module" | "sample">, pipeline: string) {
  const samples = { count: 2, get: drawn.sample };
  try {
    const { module } = await convert(drawn.module, samples, running, { pipeline, timesteps: 4 });
    expect(module.code).not.toBe("none");
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics.map(({ code }) => code);
  }
}

/** A gather by an index of the sample: nine axes, of which no window has more than three. */
function manyAxes(): Pick<Drawing, "module" | "sample"> {
  const shape = [1, 2, 2, 2, 2];
  const builder = new Builder();
  const tensor = (dtype: DType, shape: Shape, of: (i: number) => number) =>
    builder.tensor(
      "t",
      tensorOf(
        dtype,
        shape,
        Array.from({ length: elementCount(shape) }, (_, i) => of(i)),
      ),
    );
  const x = builder.input("x", real("i32", shape), loc);
  const attrs = {
    scale: tensor("i8", [1, 1, 2, 1, 1], (i) => 2 * i - 1),
    shift: tensor("i32", shape, (i) => ((i * 7) % 25) - 12),
  };
  const y = builder.add("ann.affine", [x], attrs, loc);
  const first = { axis: 1, keepDims: true, selectLast: false };
  const index = builder.add("ann.argmax", [y], first, loc);
  const taken = builder.add("ann.gather", [y, index], { axis: 1 }, loc);
  const floats = builder.add("ann.cast", [taken], { to: "f32", saturate: true }, loc);
  const value = tensor("f32", [1, 1, 1, 2, 2, 1, 2, 2, 2], (i) => ((i * 5) % 23) / 8 - 1.5);
  const weights = builder.add("ann.constant", [], { value }, loc);
  const product = builder.add("ann.matmul", [floats, weights], {}, loc);
  const out = builder.add("ann.relu", [product], {}, loc);
  const module = builder.finish({ name: "many axes", outputs: [{ name: "y", value: out }] });
  const sample = (index: number) => [
    tensorOf(
      "i32",
      shape,
      Array.from({ length: elementCount(shape) }, (_, i) => ((i * 11 + index) % 17) - 8),
    ),
  ];
  return { module, sample };
}

describe("random graphs", () => {
  it("convert or are refused, of every kind and type, as check says before", async () => {
    for (let run = 0; run < fullRound; run += stride) {
      const drawn = drawNetwork(1, run);
      const pipeline = names[run % names.length] ?? "differential";
      const imported = { ...nothing, module: drawn.module };
      const { convertible, obstacles } = await checkModel(imported, singleThreadEngine, {
        pipeline,
      });
      const refused = (await refusalsOf(drawn, pipeline)).filter((code) => !ofData.has(code));
      const what = `graph ${run}, ${drawn.kind} on ${drawn.dtype}, by ${pipeline}`;
      if (convertible) expect(refused, what).toEqual([]);
      else expect([what, obstacles, refused.length]).not.toEqual([what, obstacles, 0]);
    }
  });

  it("are refused for their numbers, not at a fault, where many axes are brought to one unit", async () => {
    expect(await refusalsOf(manyAxes(), "integer")).toEqual(["integer-overflow"]);
  });

  it("say the same on every engine", async () => {
    const names = ["differential", "few-spikes", "integer"];
    const { failures, counts } = await verifyGraphs(2, 1, { first: 20, names });
    expect(failures.map(({ which, pipeline, why }) => `${which}, ${pipeline}: ${why}`)).toEqual([]);
    expect(counts.compared).toBeGreaterThan(0);
  });

  it("are tried by pipelines of every code", () => {
    const codes = new Set([...pipelines.values()].map((steps) => codeMadeBy(steps)));
    expect(codes.size).toBeGreaterThanOrEqual(6);
  });
});

/** What an import says beside the module. */
const nothing = {
  diagnostics: [],
  unsupported: [],
  inputs: [],
  operators: new Map<string, number>(),
  opset: 17,
  producer: "",
};
