/**
 * Which models the benchmarks run on, with which data: read from a folder laid out like ../shared
 * (models/preprocess.json names each model, its data set and its recorded accuracy).
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { diagnose } from "../cli/diagnostics.ts";
import { fail } from "../ir/diagnostic.ts";

/** One model with the data to calibrate and to measure it. */
export interface Case {
  readonly name: string;
  readonly model: string;
  readonly preprocess: string;
  readonly calibration: string;
  readonly test: string;
  /** What is unusual about the data, for the table. */
  readonly note: string;
}

const index = z.object({
  models: z.record(z.string(), z.object({ file: z.string(), dataset: z.string() })),
});

/** Training and test files of a data set, below data/. */
const places: Readonly<Record<string, { calibration: string; test: string; note: string }>> = {
  mnist: { calibration: "mnist/train", test: "mnist/test", note: "" },
  "fashion-mnist": { calibration: "fashion-mnist/train", test: "fashion-mnist/test", note: "" },
  cifar10: {
    calibration: "cifar10/train.bin.gz",
    test: "cifar10/test.bin.gz,cifar10/test_jpeg.bin.gz",
    note: "",
  },
  imagenet: {
    calibration: "imagenet/sample200_128.npz",
    test: "imagenet/sample200_128.npz",
    note: "no training images at hand: calibrated on the images it is measured on",
  },
};

/**
 * The cases of `shared`, or those whose names contain one of `wanted`. Fails with a diagnostic where the
 * folder is not one like ../shared, or where none is called so.
 */
export function casesOf(shared: string, wanted: readonly string[]): Case[] {
  const file = path.join(shared, "models/preprocess.json");
  if (!existsSync(file)) fail(diagnose("no-shared-models", null, { file }));
  const { models } = index.parse(JSON.parse(readFileSync(file, "utf8")));
  const isWanted = (name: string): boolean =>
    wanted.length === 0 || wanted.some((part) => name.includes(part));
  if (!Object.keys(models).some(isWanted)) {
    fail(diagnose("no-such-model", null, { names: wanted, known: Object.keys(models) }));
  }
  return Object.entries(models).flatMap(([name, { file: model, dataset }]) => {
    const place = places[dataset];
    if (place === undefined) return [];
    if (!isWanted(name)) return [];
    const below = (list: string): string =>
      list
        .split(",")
        .map((each) => path.join(shared, "data", each))
        .join(",");
    return [
      {
        name,
        model: path.join(shared, model),
        preprocess: `${file}#${name}`,
        calibration: below(place.calibration),
        test: below(place.test),
        note: place.note,
      },
    ];
  });
}
