/**
 * Class folders against a network's outputs, as commands take them: names decide where they are known,
 * and where they are not, a number of folders that is not the network's is refused.
 */
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { classNames } from "../../../calibrate/data/classes.ts";
import type { Diagnostic } from "../../../ir/diagnostic.ts";
import { Builder } from "../../../ir/build.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import { real } from "../../../ir/type.ts";
import type { CommandContext } from "../../../cli/action.ts";
import { readLabelMap } from "../../../cli/options/classes.ts";
import { classesAmong, recordOfClasses, recordedClasses } from "../../../library/record/classes.ts";
import { type DataOptions, loadData } from "../../../cli/options/data.ts";
import { createOutputs } from "../../../cli/files/outputs.ts";
import { createTerminal } from "../../../cli/terminal/terminal.ts";
import { failure, temporaryFolder, write } from "../../calibrate/data/files.ts";

const folder = temporaryFolder();
const picture = ((): Uint8Array => {
  const image = new PNG({ width: 1, height: 1 });
  image.data.fill(255);
  return new Uint8Array(PNG.sync.write(image, { colorType: 0 }));
})();
const folders = (...names: string[]): Record<string, Uint8Array> =>
  Object.fromEntries(names.map((name) => [`${name}/1.png`, picture]));
write(folder, {
  ...folders(
    "all/a",
    "all/b",
    "all/c",
    "lacks/a",
    "lacks/c",
    "more/a",
    "more/b",
    "more/c",
    "more/d",
  ),
  "names.txt": "a\nb\nc\n",
  "map.txt": "a=2\nc=0\n",
  "empty/a/1.png": picture,
  "empty/b/1.png": picture,
  "empty/c/none.txt": "",
});

/** A network that tells `classes` apart and takes a pixel. */
function network(classes: number): Module {
  const builder = new Builder();
  const loc = sourceLoc("m.onnx", "in", "Input");
  const pixel = builder.input("pixel", real("f32", [1, 1]), loc);
  const scores = builder.add(
    "ann.concat",
    Array.from({ length: classes }, () => pixel),
    { axis: 1 },
    loc,
  );
  return builder.finish({ name: "m", outputs: [{ name: "out", value: scores }] });
}

const said: Diagnostic[] = [];
const context: CommandContext = {
  terminal: createTerminal({ quiet: true }),
  diagnostics: said,
  report: (...found) => said.push(...found),
  outputs: createOutputs(),
};

async function labelsOf(
  name: string,
  options: DataOptions = {},
  classes = 3,
): Promise<readonly number[] | string> {
  let labels: readonly number[] = [];
  const failed = await failure(async () => {
    const data = await loadData(`${folder}/${name}`, network(classes), options, context, true);
    labels = [...(data.dataset.labels ?? [])];
  });
  return failed === "nothing" ? labels : failed.replaceAll(folder, "");
}

describe("class folders", () => {
  it("count by their order where there is one for each class; one output tells two", async () => {
    expect(await labelsOf("all")).toEqual([0, 1, 2]);
    expect(String(await labelsOf("lacks", {}, 1))).not.toMatch(/^class-folders/);
    expect(String(await labelsOf("all", {}, 1))).toMatch(/^class-folders/);
  });

  it.each([
    ["lacks", 2],
    ["more", 4],
    ["empty", 2],
  ])("%s with %i folders are refused for three classes", async (name, count) => {
    expect(await labelsOf(name)).toBe(
      `class-folders: /${name} has ${count} class folders, and the network has 3 classes: labels counted in folder order may be shifted`,
    );
  });

  it("have the classes that a file, a map or the network's own file names", async () => {
    expect(await labelsOf("lacks", { classes: `${folder}/names.txt` })).toEqual([0, 2]);
    expect(await labelsOf("lacks", { labelMap: `${folder}/map.txt` })).toEqual([2, 0]);
    expect(await labelsOf("lacks", { labelMap: "a=1,c=2" })).toEqual([1, 2]);
    const knownClasses = recordedClasses({ classes: { a: 0, b: 1, c: 2 } });
    expect(await labelsOf("lacks", { knownClasses })).toEqual([0, 2]);
    expect(await labelsOf("more", { knownClasses })).toBe(
      'class-unknown: /more has a class folder of no known class: "d"',
    );
  });

  it("name the classes for others where there is one for each", async () => {
    const load = (name: string) => loadData(`${folder}/${name}`, network(3), {}, context, false);
    const all = await load("all");
    const names = classesAmong(network(3), all.dataset, 0);
    expect(names).toEqual(classNames(["a", "b", "c"]));
    expect(recordedClasses({ classes: recordOfClasses(names ?? new Map()) })).toEqual(names);
    // Not wanted for their labels, folders may be fewer, but then they name no classes.
    expect(classesAmong(network(3), (await load("lacks")).dataset, 0)).toBeNull();
    expect(classesAmong(network(4), all.dataset, 1)).toEqual(names);
  });

  it("say so where the limit draws, because they are sorted by class", async () => {
    said.length = 0;
    expect(await labelsOf("all", { limit: 2, seed: 3 })).toHaveLength(2);
    expect(said.map(({ code }) => code)).toContain("limit-drawn");
  });
});

it("labels that fit when they are shifted are told by how much", async () => {
  const { diagnoseEvaluation } = await import("../../../calibrate/evaluation-diagnostics.ts");
  const params = { label: 3, index: 0, classes: 3, count: 1, of: 3, shift: -1 };
  expect(diagnoseEvaluation("label-out-of-range", null, params).help).toBe(
    'all labels fit after adding -1: set "labelOffset": -1 in --preprocess FILE (add it to an offset that is already there); if 3 stands for class 0, use --label-map 3=0',
  );
  expect(await labelsOf("all", { labelMap: "a=1,b=2,c=3" })).toMatch(/^label-out-of-range/);
  expect(await readLabelMap("10=0")).toEqual(new Map([["10", 0]]));
});
