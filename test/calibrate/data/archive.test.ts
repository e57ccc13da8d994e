/** Which arrays of an archive are the samples and which the labels, by options, inputs and names. */
import { describe, expect, it } from "vitest";
import type { WantedArrays } from "../../../calibrate/data/archive/roles.ts";
import { parseData } from "../../../calibrate/data/parse.ts";
import { encodeNpy, encodeNpz } from "../../../calibrate/data/formats/write.ts";
import { DiagnosticError } from "../../../ir/diagnostic.ts";
import { writeSafetensors } from "../../../ir/file/safetensors.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { failure, line, parsing } from "./files.ts";

/** Arrays of one element each: the number of their name's place, so that each can be told. */
function arrays(names: string): Map<string, Tensor> {
  return new Map(names.split(" ").map((name, i) => [name, tensorOf("f32", [1], [i])]));
}

const model: Partial<WantedArrays> = { inputs: ["input"] };

/** The names of the arrays that were taken, and what was said. */
async function taken(
  names: string,
  wanted: Partial<WantedArrays> = model,
): Promise<[string, string | null, string]> {
  const all = arrays(names);
  const nameOf = (value: number | undefined): string => names.split(" ")[value ?? -1] ?? "";
  const how = parsing(wanted);
  const { fields, labels } = await parseData(encodeNpz(all), "d", how);
  return [
    fields.map((field) => nameOf(field.sample(0).data[0])).join(" "),
    labels === null ? null : nameOf(labels.data[0]),
    how.diagnostics.map(line).join("\n"),
  ];
}

const both = (x: string, y: string): string =>
  `arrays-taken: of d, "${x}" is taken as the samples and "${y}" as the labels`;

describe("the samples and labels of an archive", () => {
  it.each([
    ["x y", "x", "y", ""],
    ["x label", "x", "label", 'arrays-taken: of d, "label" is taken as the labels'],
    ["X Y", "X", "Y", both("X", "Y")],
    ["arr_0 arr_1", "arr_0", "arr_1", both("arr_0", "arr_1")],
    ["images labels ids", "images", "labels", both("images", "labels")],
    ["data targets", "data", "targets", both("data", "targets")],
    ["x images y label", "x", "y", ""],
    ["pictures y", "pictures", "y", 'arrays-taken: of d, "pictures" is taken as the samples'],
  ])("of %s are %s and %s", async (names, x, y, said) => {
    expect(await taken(names)).toEqual([x, y, said]);
    expect((await taken(names, { ...model, withLabels: false }))[1]).toBeNull();
  });

  const medmnist = "train_images train_labels val_images val_labels test_images test_labels";
  it.each([
    ["x_train y_train x_test y_test", "x_train y_train", "x_test y_test"],
    [medmnist, "train_images train_labels", "test_images test_labels"],
    ["Xtr Ytr Xte Yte", "Xtr Ytr", "Xte Yte"],
    ["trainData trainLabels valData valLabels", "trainData trainLabels", "valData valLabels"],
    ["x y x_test y_test", "x y", "x_test y_test"],
  ])("of %s are those of the part that is asked for", async (names, train, test) => {
    const ofTrain = await taken(names, { ...model, part: "train" });
    expect(ofTrain.slice(0, 2).join(" ")).toBe(train);
    const ofTest = await taken(names, { ...model, part: "test" });
    expect(ofTest.slice(0, 2).join(" ")).toBe(test);
  });

  it("are those that options name", async () => {
    expect(await taken("a b c", { ...model, x: "b", y: "c" })).toEqual(["b", "c", ""]);
    expect(await taken("x y images labels", { ...model, x: "images", y: "labels" })).toEqual([
      "images",
      "labels",
      "",
    ]);
    const labels = (await taken("x_train y_train x_test y_test", { ...model, x: "x_test" }))[1];
    expect(labels).toBe("y_test");
  });

  it("leave a model's inputs alone", async () => {
    expect(await taken("x y", { inputs: ["x", "y"] })).toEqual(["x y", null, ""]);
    expect(await taken("a b labels", { inputs: ["a", "b"] })).toEqual([
      "a b",
      "labels",
      'arrays-taken: of d, "labels" is taken as the labels',
    ]);
    expect(await taken("input y x", { inputs: ["input"] })).toEqual(["input", "y", ""]);
  });

  it.each([
    [
      "a b",
      {},
      'data-arrays: d does not say which of its arrays are the samples: it holds "a", "b"',
    ],
    [
      "arr_0 arr_1 arr_2 arr_3",
      {},
      'data-arrays: d does not say which of its arrays are the samples: it holds "arr_0", "arr_1", "arr_2", "arr_3"',
    ],
    [
      "images data labels",
      {},
      'data-arrays: d does not say which of its arrays are the samples: it holds "data", "images", "labels"',
    ],
    [
      "x_train x_test",
      {},
      'data-arrays: d does not say which of its arrays are the samples: it holds "x_test", "x_train"',
    ],
    [
      "x label target",
      {},
      'data-labels: d does not say which of its arrays are the labels: it holds "label", "target", "x"',
    ],
    ["a b", { x: "c" }, 'array-not-found: d has no array "c", which --x names: it holds "a", "b"'],
    ["x b", { y: "c" }, 'array-not-found: d has no array "c", which --y names: it holds "b", "x"'],
    [
      "a b",
      { inputs: ["a", "b"], x: "a" },
      'x-of-several-inputs: --x names one array of d, and the model has the inputs "a", "b"',
    ],
  ])("of %s with %j are refused", async (names, wanted, said) => {
    expect(await failure(() => taken(names, { ...model, ...wanted }))).toBe(said);
  });

  it("are listed with types and shapes where there is a choice, from safetensors too", async () => {
    const tensors = new Map([
      ["a", tensorOf("u8", [2, 3], [1, 2, 3, 4, 5, 6])],
      ["b", tensorOf("i64", [2], [0, 1])],
    ]);
    for (const bytes of [encodeNpz(tensors), writeSafetensors({ tensors, metadata: new Map() })]) {
      try {
        await parseData(bytes, "d", parsing(model));
        expect.unreachable();
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        expect(error.diagnostics[0]?.notes).toEqual(['"a" is u8 [2, 3]', '"b" is i64 [2]']);
      }
    }
  });

  it("say so where there are no names to choose by", async () => {
    const how = parsing({ ...model, x: "a" });
    await parseData(encodeNpy(tensorOf("f32", [1], [0])), "d", how);
    expect(how.diagnostics.map(line)).toEqual([
      "array-without-name: d is not an archive of named arrays: --x has no effect",
    ]);
  });
});
