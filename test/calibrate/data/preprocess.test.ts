/** Preprocessing files, and what preprocessing does to a sample. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Preprocess,
  parsePreprocess,
  preprocessSample,
  preprocessedShape,
} from "../../../calibrate/data/preprocess.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { failure } from "./files.ts";

const read = (json: unknown, model: string | null = null): Preprocess =>
  parsePreprocess(JSON.stringify(json), "p.json", model);

describe("parsePreprocess", () => {
  it("fills in what is not said", () => {
    expect(read({})).toEqual({
      scale: 1,
      mean: [0],
      std: [1],
      layout: "NCHW",
      inputLayout: "NCHW",
      resize: null,
      channels: null,
      labelOffset: 0,
      events: null,
    });
  });

  it("takes numbers and fractions, under both names, and single means", () => {
    expect(read({ scale: "1/255" }).scale).toBe(1 / 255);
    expect(read({ pixelScale: " 2 / 8 ", formula: "(…)" }).scale).toBe(0.25);
    expect(read({ scale: 0.5, mean: 3, std: [1, 2] })).toMatchObject({
      scale: 0.5,
      mean: [3],
      std: [1, 2],
    });
  });

  const several = {
    models: {
      a: {
        preprocess: { pixelScale: "1/2" },
        input: { layout: "NHWC" },
        labelOffset: 1,
        file: "a",
      },
      b: { preprocess: { layout: "NCHW" }, input: { layout: "NHWC" } },
      c: { preprocess: { blur: 1 } },
    },
  };

  it("takes one model's entry from a file on several", () => {
    expect(read(several, "a")).toMatchObject({ scale: 0.5, layout: "NHWC", labelOffset: 1 });
    expect(read(several, "b").layout).toBe("NCHW");
  });

  it.each([
    [{ blur: 1 }, null, 'preprocess-unknown-key: p.json: there is no preprocessing step "blur"'],
    [several, "c", 'preprocess-unknown-key: p.json#c: there is no preprocessing step "blur"'],
    [
      { resize: { width: 1, height: 1, crop: 2 } },
      null,
      'preprocess-unknown-key: p.json: there is no preprocessing step "resize.crop"',
    ],
    [several, null, "preprocess-selection: p.json describes several models"],
    [several, "d", 'preprocess-selection: p.json describes no model "d"'],
    [several, "toString", 'preprocess-selection: p.json describes no model "toString"'],
    [{}, "a", 'preprocess-selection: p.json describes no model "a"'],
    [
      { scale: "1/0" },
      null,
      'preprocess-value: p.json: "scale" must be a positive number, or a fraction in quotes such as "1/255"',
    ],
    [
      { scale: "x" },
      null,
      'preprocess-value: p.json: "scale" must be a positive number, or a fraction in quotes such as "1/255"',
    ],
    [
      { std: [1, 0] },
      null,
      'preprocess-value: p.json: "std" must be a positive number, or a list of one per channel',
    ],
    [
      { mean: [] },
      null,
      'preprocess-value: p.json: "mean" must be a number, or a list of one per channel',
    ],
    [{ layout: "HWC" }, null, 'preprocess-value: p.json: "layout" must be "NCHW" or "NHWC"'],
    [
      { resize: { width: 0, height: 1 } },
      null,
      'preprocess-value: p.json: "resize" must be {"width": pixels, "height": pixels, "method": "bilinear" or "nearest"}',
    ],
    [
      { channels: "L" },
      null,
      'preprocess-value: p.json: "channels" must be "RGB", "BGR" or "gray"',
    ],
    [
      { scale: 1, pixelScale: 2 },
      null,
      'preprocess-value: p.json: "pixelScale" must be left out where "scale" is given: they are the same step',
    ],
    [[1], null, "preprocess-value: p.json: its content must be an object of steps"],
  ])("refuses %j", async (json, model, expected) => {
    expect(await failure(() => read(json, model))).toBe(expected);
  });

  it.each([0.5, 2 ** 32, -(2 ** 31), 1_000_001])("refuses a labelOffset of %d", async (offset) => {
    expect(await failure(() => read({ labelOffset: offset }))).toBe(
      'preprocess-value: p.json: "labelOffset" must be an integer from -1000000 to 1000000',
    );
  });

  it("names every wrong key at once, and where JSON breaks", async () => {
    expect(await failure(() => read({ a: 1, b: 2 }))).toMatch(/"a"\n.*"b"$/);
    expect(await failure(() => parsePreprocess("{", "p.json", null))).toMatch(
      /^preprocess-not-json: p\.json is not JSON: /,
    );
  });
});

describe("preprocessSample", () => {
  const rgb = tensorOf("u8", [3, 1, 2], [0, 255, 51, 102, 204, 153]);

  it("computes (pixel · scale − mean) / std in double and rounds once", () => {
    const steps = read({ scale: "1/255", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
    const out = preprocessSample(rgb, steps, "d");
    const expected = [
      (0 - 0.485) / 0.229,
      (255 * (1 / 255) - 0.485) / 0.229,
      (51 * (1 / 255) - 0.456) / 0.224,
      (102 * (1 / 255) - 0.456) / 0.224,
      (204 * (1 / 255) - 0.406) / 0.225,
      (153 * (1 / 255) - 0.406) / 0.225,
    ];
    expect(out).toEqual(tensorOf("f32", [3, 1, 2], expected));
  });

  it("moves channels to where the model has them, from where they are stored", () => {
    const out = preprocessSample(rgb, read({ layout: "NHWC" }), "d");
    expect(out).toEqual(tensorOf("f32", [1, 2, 3], [0, 51, 204, 255, 102, 153]));
    const stored = tensorOf("u8", [1, 2, 3], [0, 51, 204, 255, 102, 153]);
    const back = preprocessSample(stored, read({ inputLayout: "NHWC" }), "d");
    expect(back).toEqual(tensorOf("f32", [3, 1, 2], rgb.data));
  });

  it("has the shape that is foretold, without being computed", () => {
    const cases = [
      [{ layout: "NHWC" }, [3, 1, 2]],
      [{ inputLayout: "NHWC", channels: "gray" }, [1, 2, 3]],
      [{ channels: "RGB" }, [2, 5]],
      [{ resize: { width: 4, height: 7 } }, [1, 1, 3, 2, 5]],
      [{}, [6]],
    ] as const;
    for (const [json, shape] of cases) {
      const length = shape.reduce<number>((a, b) => a * b, 1);
      const sample = tensorOf("u8", shape, new Array<number>(length).fill(1));
      const steps = read(json);
      expect(preprocessedShape(shape, steps)).toEqual(preprocessSample(sample, steps, "d").shape);
    }
  });

  it("layouts cancel: NHWC in and out is the sample itself", () => {
    const extent = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(fc.tuple(extent, extent, extent), (shape) => {
        const length = shape[0] * shape[1] * shape[2];
        const sample = tensorOf("f32", shape, [...new Array<number>(length).keys()]);
        const steps = read({ layout: "NHWC", inputLayout: "NHWC" });
        expect(preprocessSample(sample, steps, "d")).toEqual(sample);
      }),
    );
  });

  it("turns colours round, grey and back; means follow the model's order", () => {
    const one = tensorOf("u8", [3, 1, 1], [10, 200, 30]);
    const bgr = preprocessSample(one, read({ channels: "BGR", mean: [30, 200, 10] }), "d");
    expect([...bgr.data]).toEqual([0, 0, 0]);
    // Pillow 12: Image.convert("L") of this pixel.
    expect([...preprocessSample(one, read({ channels: "gray" }), "d").data]).toEqual([124]);
    const grey = tensorOf("u8", [1, 2], [7, 9]);
    expect(preprocessSample(grey, read({ channels: "RGB" }), "d")).toEqual(
      tensorOf("f32", [3, 1, 2], [7, 9, 7, 9, 7, 9]),
    );
  });

  it("resizes before it scales, as pixels", () => {
    const steps = read({ scale: 0.5, resize: { width: 1, height: 1, method: "bilinear" } });
    const out = preprocessSample(tensorOf("u8", [1, 2], [1, 4]), steps, "d");
    expect(out).toEqual(tensorOf("f32", [1, 1, 1], [1.5]));
  });

  it("scales what is not an image, with one mean or one per element of axis 0", () => {
    const vector = tensorOf("f32", [2], [1, 2]);
    const out = preprocessSample(vector, read({ mean: [1, 1], std: [1, 2] }), "d");
    expect([...out.data]).toEqual([0, 0.5]);
  });

  it.each([
    [
      { mean: [1, 2] },
      [3, 1, 2],
      '"mean" of the preprocessing has 2 values, and samples of d, read as [3, 1, 2], have 3 channels',
    ],
    [
      { std: [1, 2, 3] },
      [6],
      '"std" of the preprocessing has 3 values, and samples of d, read as [6], have 6 channels',
    ],
    [
      { resize: { width: 1, height: 1 } },
      [6],
      'the preprocessing step "resize" is for images, and samples of d have shape [6]',
    ],
    [{ channels: "gray" }, [2, 1, 3], "images of d have 2 channels and cannot be made gray"],
  ])("refuses %j on %j", async (json, shape, expected) => {
    const sample = tensorOf("u8", shape, new Array<number>(6).fill(1));
    const said = await failure(() => preprocessSample(sample, read(json), "d"));
    expect(said.replace(/^[a-z-]+: /, "")).toBe(expected);
  });
});
