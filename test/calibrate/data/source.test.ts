/** Fitting a data set to a model: which array, which shape, which element type, what is said. */
import { describe, expect, it } from "vitest";
import { type Dataset, datasetOf, fieldOf } from "../../../calibrate/data/dataset.ts";
import { parsePreprocess } from "../../../calibrate/data/preprocess.ts";
import {
  type DataSource,
  type ModelInput,
  modelInputs,
  sampleSource,
} from "../../../calibrate/data/source.ts";
import { Builder } from "../../../ir/build.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { type DType, type Shape, real } from "../../../ir/type.ts";
import { failure, line } from "./files.ts";

function set(arrays: Readonly<Record<string, Tensor>>): Dataset {
  const fields = Object.entries(arrays).map(([name, array]) => fieldOf(name, array));
  return datasetOf({
    name: "d",
    content: { format: "test", fields, labels: null },
    labels: null,
    files: [],
    diagnostics: [],
  });
}

const counting = (dtype: DType, shape: Shape): Tensor =>
  tensorOf(dtype, shape, [...new Array<number>(shape.reduce((a, b) => a * b, 1)).keys()]);
const input = (shape: Shape, dtype: DType = "f32", name = "in"): ModelInput => ({
  name,
  type: real(dtype, shape),
});
const said = (source: DataSource): string[] => source.diagnostics.map(line);
const scale = parsePreprocess('{"scale": "1/255"}', "p.json", null);

describe("sampleSource", () => {
  it("gives each sample the input's batch axis and element type", () => {
    const source = sampleSource(set({ x: counting("f64", [2, 1, 2]) }), [input([1, 1, 2])], null);
    expect(source.count).toBe(2);
    expect(source.get(1)).toEqual([tensorOf("f32", [1, 1, 2], [2, 3])]);
    expect(said(source)).toEqual([]);
  });

  it("says nothing where extents of 1 are all that differs", () => {
    const source = sampleSource(
      set({ x: counting("f32", [2, 2, 3]) }),
      [input([1, 1, 2, 3])],
      null,
    );
    expect(source.get(0)[0]?.shape).toEqual([1, 1, 2, 3]);
    expect(said(source)).toEqual([]);
  });

  it("refuses a size that does not fit before it makes it", async () => {
    const resize = { width: 65_536, height: 65_536, method: "nearest" };
    const huge = parsePreprocess(JSON.stringify({ resize }), "p.json", null);
    const small = set({ x: counting("u8", [2, 2, 3]) });
    expect(await failure(() => sampleSource(small, [input([1, 1, 2, 3])], huge))).toBe(
      `input-shape: samples of d have shape [1, 65536, 65536], and the model's input "in" takes [1, 1, 2, 3]; the file holds [2, 2, 3], whose axis 0 numbers the samples`,
    );
    const asLarge = [input([1, 1, 65_536, 65_536])];
    expect(await failure(() => sampleSource(small, asLarge, huge))).toBe(
      "data-too-large: reading d takes 68719476736 bytes of memory; the limit for data is 2147483648",
    );
    const medium = parsePreprocess('{"resize": {"width": 3000, "height": 2000}}', "p", null);
    const tight = { maxDataBytes: 1000 };
    const inputs = [input([1, 1, 2000, 3000])];
    expect(await failure(() => sampleSource(small, inputs, medium, tight))).toMatch(
      /^data-too-large: .* the limit for data is 1000$/,
    );
  });

  it("refuses samples of no elements, however many", async () => {
    const none = { dtype: "u8", shape: [2 ** 50, 0], data: new Uint8Array(0) } as const;
    expect(await failure(() => set({ x: none }))).toBe("data-empty: d holds no sample");
  });

  it("reshapes where only the number of elements agrees, and says so", () => {
    const source = sampleSource(
      set({ x: counting("f32", [2, 1, 2, 3]) }),
      [input([1, 6, 1])],
      null,
    );
    expect(source.get(0)).toEqual([tensorOf("f32", [1, 6, 1], [0, 1, 2, 3, 4, 5])]);
    expect(said(source)).toEqual([
      'input-reshaped: samples of d, [1, 2, 3], are reshaped to the model\'s input "in", [1, 6, 1]',
    ]);
  });

  it("never takes one order of axes for another", async () => {
    const channelsLast = set({ x: counting("f32", [2, 4, 4, 3]) });
    expect(await failure(() => sampleSource(channelsLast, [input([1, 3, 4, 4])], null))).toBe(
      'input-layout: samples of d have shape [4, 4, 3], the axes of the model\'s input "in", [1, 3, 4, 4], in another order',
    );
    const steps = parsePreprocess('{"inputLayout": "NHWC"}', "p.json", null);
    const source = sampleSource(channelsLast, [input([1, 3, 4, 4])], steps);
    expect([...(source.get(0)[0]?.data.subarray(0, 3) ?? [])]).toEqual([0, 3, 6]);
  });

  it("takes an array of exactly the input's shape for one sample", () => {
    const source = sampleSource(set({ x: counting("f32", [2, 3]) }), [input([2, 3])], null);
    expect(source.count).toBe(1);
    expect(source.get(0)).toEqual([counting("f32", [2, 3])]);
    expect(said(source)).toEqual([
      'input-whole: d holds [2, 3], exactly the model\'s input "in", and is taken as one sample',
    ]);
  });

  it("refuses another number of elements, with both shapes and the axis of the samples", async () => {
    const small = set({ x: counting("f32", [2, 3, 2, 2]) });
    expect(await failure(() => sampleSource(small, [input([1, 3, 4, 5])], null))).toBe(
      'input-shape: samples of d have shape [3, 2, 2], and the model\'s input "in" takes [1, 3, 4, 5]; the file holds [2, 3, 2, 2], whose axis 0 numbers the samples',
    );
  });

  it("warns of raw pixels, which preprocessing settles", () => {
    const pixels = set({ x: tensorOf("u8", [1, 2], [51, 255]) });
    const raw = sampleSource(pixels, [input([1, 2])], null);
    expect([...(raw.get(0)[0]?.data ?? [])]).toEqual([51, 255]);
    expect(said(raw)).toEqual([
      "raw-pixels: d holds raw pixels (uint8), which the model receives as 0 to 255",
    ]);
    const scaled = sampleSource(pixels, [input([1, 2])], scale);
    expect(scaled.get(0)).toEqual([tensorOf("f32", [1, 2], [51 / 255, 1])]);
    expect(said(scaled)).toEqual([]);
    expect(said(sampleSource(pixels, [input([1, 2], "u8")], null))).toEqual([]);
  });

  it("warns where floats that are small already are scaled down", () => {
    const source = sampleSource(
      set({ x: tensorOf("f32", [1, 2], [0.5, -1]) }),
      [input([1, 2])],
      scale,
    );
    expect(said(source)).toEqual([
      `scaled-twice: the preprocessing scales by ${1 / 255}, but the data seems to be scaled already: d holds floats up to 1`,
    ]);
  });

  it("refuses NaN and infinity unless told otherwise", async () => {
    const spoilt = set({ x: tensorOf("f32", [3, 1], [0, NaN, -Infinity]) });
    const source = sampleSource(spoilt, [input([1, 1])], null);
    expect(await failure(() => source.get(0))).toBe("nothing");
    expect(await failure(() => source.get(1))).toBe("data-not-finite: sample 1 of d holds NaN");
    expect(await failure(() => source.get(2))).toBe(
      "data-not-finite: sample 2 of d holds -Infinity",
    );
    const tolerant = sampleSource(spoilt, [input([1, 1])], null, { allowNonFinite: true });
    expect(tolerant.get(1)[0]?.data[0]).toBeNaN();
  });

  it("refuses values that an integer input cannot hold", async () => {
    const source = sampleSource(
      set({ x: tensorOf("f32", [2], [3, 0.5]) }),
      [input([1], "i64")],
      null,
    );
    expect(source.get(0)).toEqual([tensorOf("i64", [1], [3])]);
    expect(await failure(() => source.get(1))).toBe(
      'data-not-representable: sample 1 of d holds 0.5, which the input "in" of type i64 cannot hold',
    );
  });

  it("feeds several inputs by name, whole or by sample", () => {
    const two = set({
      ids: counting("i64", [2, 3]),
      image: tensorOf("u8", [2, 1], [0, 255]),
      table: counting("f32", [4, 5]),
    });
    const inputs = [
      input([1, 1], "f32", "image"),
      input([4, 5], "f32", "table"),
      input([1, 3], "i64", "ids"),
    ];
    const source = sampleSource(two, inputs, scale);
    expect(source.count).toBe(2);
    expect(source.get(1)).toEqual([
      tensorOf("f32", [1, 1], [1]),
      counting("f32", [4, 5]),
      tensorOf("i64", [1, 3], [3, 4, 5]),
    ]);
  });

  it("says which arrays are missing, differ in count, or cannot be told apart", async () => {
    const two = set({ a: counting("f32", [2, 3]), b: counting("f32", [4, 3]) });
    const [a, b, c] = ["a", "b", "c"].map((name) => input([1, 3], "f32", name));
    const attempt = (...inputs: (ModelInput | undefined)[]) =>
      failure(() =>
        sampleSource(
          two,
          inputs.filter((i) => i !== undefined),
          null,
        ),
      );
    expect(await attempt(a, c)).toBe(
      'input-missing: d lacks an array for the model\'s input "c"; it holds "a", "b"',
    );
    expect(await attempt(a, b)).toBe('input-counts: in d "a" has 2 samples and "b" has 4');
    expect(await attempt(c)).toBe(
      'data-arrays: d does not say which of its arrays are the samples: it holds "a", "b"',
    );
    expect(await attempt(b)).toBe("nothing");
  });

  it("finds a module's inputs, in their order", () => {
    const builder = new Builder();
    const loc = sourceLoc("m.onnx", "in", "Input");
    const ids = builder.input("ids", real("i64", [1, 3]), loc);
    builder.input("image", real("f32", [1, 2]), loc);
    const module = builder.finish({ name: "m", outputs: [{ name: "out", value: ids }] });
    expect(modelInputs(module)).toEqual([
      input([1, 3], "i64", "ids"),
      input([1, 2], "f32", "image"),
    ]);
  });
});
