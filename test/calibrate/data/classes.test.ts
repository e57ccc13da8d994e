/** Classes by name: files of names, label maps, and folders of images that lack one or have one too many. */
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { choosePlaces, isSortedBeyond } from "../../../calibrate/data/choose.ts";
import {
  classNames,
  parseClassList,
  parseClassNames,
  parseLabelMap,
} from "../../../calibrate/data/classes.ts";
import { openDataset } from "../../../calibrate/data/open.ts";
import { encodeNpz } from "../../../calibrate/data/formats/write.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { failure, line, temporaryFolder, write } from "./files.ts";

const folder = temporaryFolder();
const files = (...names: string[]): Record<string, Uint8Array> =>
  Object.fromEntries(names.map((name) => [name, opaque]));
const opaque = ((): Uint8Array => {
  const image = new PNG({ width: 1, height: 1 });
  image.data.fill(255);
  return new Uint8Array(PNG.sync.write(image, { colorType: 0 }));
})();

describe("names of classes", () => {
  it.each([
    ["cat\n dog \n\nbird\n"],
    ['["cat", "dog", "bird"]'],
    ['{"bird": 2, "cat": 0, "dog": 1}'],
    ['{"0": "cat", "1": "dog", "2": "bird"}'],
  ])("are read from %j", (text) => {
    const expected = [["cat", 0], ["dog", 1], ["bird", 2]]; // prettier-ignore
    const sorted = [...parseClassNames(text, "f")].sort((a, b) => a[1] - b[1]);
    expect(sorted).toEqual(expected);
    expect(parseClassList(text, "f")).toEqual(["cat", "dog", "bird"]);
  });

  it("may be two for a class, and tell none where two classes share one", () => {
    const two = '{"0": ["n1", "tench"], "1": ["n2", "goldfish"]}';
    expect(parseClassNames(two, "f").get("n2")).toBe(1);
    expect(parseClassNames(two, "f").get("goldfish")).toBe(1);
    expect(parseClassList(two, "f")).toEqual(["n1, tench", "n2, goldfish"]);
    expect([...classNames(["crane", "dog", "crane"]).keys()]).toEqual(["dog"]);
    expect(parseClassList("crane\ndog\ncrane", "f")).toEqual(["crane", "dog", "crane"]);
  });

  it.each([
    [""],
    ["[]"],
    ["{}"],
    ["[1]"],
    ['{"a": -1}'],
    ['{"a": 0.5}'],
    ["[nonsense"],
    ['{"a": "b"}'],
  ])("are not in %j", async (text) => {
    expect(await failure(() => parseClassNames(text, "f"))).toBe(
      "not-classes: f holds no names of classes",
    );
  });
});

describe("a label map", () => {
  it.each([["10=0,11=1"], ["10 = 0\n11=1\n"], ['{"10": 0, "11": 1}']])(
    "is read from %j",
    (text) => {
      expect([...parseLabelMap(text, "f")]).toEqual([["10", 0], ["11", 1]]); // prettier-ignore
    },
  );

  it.each([[""], ["10"], ["10=a"], ["=1"], ["10=-1"], ["[1]"]])("is not in %j", async (text) => {
    expect(await failure(() => parseLabelMap(text, "f"))).toMatch(/^label-map: /);
  });

  it("exchanges stored labels: SVHN's 10 is the digit 0", async () => {
    const x = tensorOf("u8", [3, 1], [1, 2, 3]);
    const y = tensorOf("u8", [3, 1], [10, 1, 9]);
    write(folder, { "svhn.npz": encodeNpz(new Map([["X", x], ["y", y]])) }); // prettier-ignore
    const labelMap = new Map([["10", 0]]);
    const set = await openDataset(`${folder}/svhn.npz`, { inputs: ["i"], labelMap });
    expect(set.labels).toEqual(Int32Array.of(0, 1, 9));
    const none = new Map([["11", 0]]);
    const said = await failure(() => openDataset(`${folder}/svhn.npz`, { labelMap: none }));
    expect(said.replace(folder, "")).toBe(
      'label-map-unused: --label-map names "11", and /svhn.npz has none of them',
    );
  });
});

describe("class folders", () => {
  write(folder, {
    ...files("all/a/1.png", "all/b/1.png", "all/c/1.png"),
    ...files("lacks/a/1.png", "lacks/c/1.png", "lacks/c/2.png"),
    ...files("more/a/1.png", "more/z/1.png"),
    ...files("junk/b/1.png", "junk/__MACOSX/b/._1.png", "junk/@eaDir/x.png"),
    ...files("junk/.ipynb_checkpoints/1.png", "junk/b/@eaDir/1.png/thumb.jpg"),
    "junk/empty/notes.txt": "",
  });
  const classes = classNames(["a", "b", "c"]);

  it("count by their order where no names are known, and say so", async () => {
    const set = await openDataset(`${folder}/lacks`);
    expect(set.labels).toEqual(Int32Array.of(0, 1, 1));
    expect(set.classes).toEqual({ names: ["a", "c"], byName: false });
  });

  it("have the class of their name where names are known: one that is missing shifts none", async () => {
    const set = await openDataset(`${folder}/lacks`, { classes });
    expect(set.labels).toEqual(Int32Array.of(0, 2, 2));
    expect(set.classes).toEqual({ names: ["a", "c"], byName: true });
    const labelMap = new Map([["a", 7]]);
    expect((await openDataset(`${folder}/lacks`, { classes, labelMap })).labels).toEqual(
      Int32Array.of(7, 2, 2),
    );
  });

  it("of a name that is none of the known ones are refused", async () => {
    expect(
      (await failure(() => openDataset(`${folder}/more`, { classes }))).replace(folder, ""),
    ).toBe('class-unknown: /more has a class folder of no known class: "z"');
  });

  it("without images, and what systems leave behind, are no classes and are named", async () => {
    const set = await openDataset(`${folder}/junk`);
    expect([set.count, set.classes?.names]).toEqual([1, ["b"]]);
    expect(set.diagnostics.map(line).map((text) => text.replace(folder, ""))).toEqual([
      'folders-without-images: 4 folders in /junk without images are no class: ".ipynb_checkpoints", "@eaDir", "__MACOSX", "empty"',
    ]);
  });

  it("of several parts are joined by name", async () => {
    const set = await openDataset(`${folder}/lacks,${folder}/all`);
    expect(set.classes?.names).toEqual(["a", "b", "c"]);
    expect(set.labels).toEqual(Int32Array.of(0, 2, 2, 0, 1, 2));
  });
});

describe("a limit", () => {
  it("is no longer the first samples where those lack a class", () => {
    expect(isSortedBeyond(Int32Array.of(0, 0, 1, 1), 2)).toBe(true);
    expect(isSortedBeyond(Int32Array.of(0, 0, 1, 1), 3)).toBe(false);
    expect(isSortedBeyond(Int32Array.of(0, 1, 0, 1), 2)).toBe(false);
    expect(isSortedBeyond(Int32Array.of(0, 0, 0, 0), 2)).toBe(false);
    const chosen = choosePlaces(1000, 100, 7);
    expect(chosen).toEqual([...chosen].sort((a, b) => a - b));
    expect(new Set(chosen).size).toBe(100);
    expect(choosePlaces(1000, 200, 7)).toEqual(expect.arrayContaining(chosen));
    expect(choosePlaces(1000, 100, 8)).not.toEqual(chosen);
    // A third of the places, give or take: drawn, not taken from one end.
    expect(chosen.filter((place) => place < 333).length).toBeGreaterThan(15);
    expect(chosen.filter((place) => place >= 667).length).toBeGreaterThan(15);
  });
});
