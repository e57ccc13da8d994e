/**
 * The names of classes as a network's file keeps them, and whether the class folders of a set are all the
 * classes that a network tells apart.
 */
import type { Dataset } from "../../calibrate/data/dataset.ts";
import { type ClassNames, classNames } from "../../calibrate/data/classes.ts";
import { diagnose as diagnoseData } from "../../calibrate/diagnostics.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import { type Json, membersOf } from "../../ir/file/json.ts";
import { type Module, producerOf } from "../../ir/module.ts";
import type { Provenance } from "../../ir/file/package.ts";
import { elementCount } from "../../ir/type.ts";

/** The names that a network was converted with, where its file has them. */
export function recordedClasses(provenance: Provenance | null): ClassNames | null {
  const members = membersOf(provenance?.["classes"] ?? null);
  if (members === null) return null;
  const numbers = new Map<string, number>();
  for (const [name, number] of members) {
    if (typeof number === "number" && Number.isSafeInteger(number)) numbers.set(name, number);
  }
  return numbers.size === 0 ? null : numbers;
}

/** Names as a network's file keeps them. */
export function recordOfClasses(names: ClassNames): { readonly [name: string]: Json } {
  return Object.fromEntries(names);
}

/** How many numbers the first output has: a score for each class. */
function classesOf(module: Module): number {
  const output = known(module.outputs[0], "an output");
  return elementCount(producerOf(module, output.value).type.shape);
}

/** True where there are as many folders as the network tells classes apart; one output tells two. */
function areAllClasses(module: Module, folders: number, labelOffset: number): boolean {
  const outputs = classesOf(module);
  return folders + labelOffset === (outputs === 1 ? 2 : outputs);
}

/** What the folders of a set are called, where there is one for each class; else null. */
export function classesAmong(
  module: Module,
  { classes }: Dataset,
  labelOffset: number,
): ClassNames | null {
  if (classes === null || !areAllClasses(module, classes.names.length, labelOffset)) return null;
  return classNames(classes.names);
}

/** Fails where class folders count by their order, and there are not as many as classes. */
export function checkFolders(module: Module, dataset: Dataset, labelOffset: number): void {
  const { classes } = dataset;
  if (classes === null || classes.byName || dataset.labels === null) return;
  const folders = classes.names.length;
  if (areAllClasses(module, folders, labelOffset)) return;
  const outputs = classesOf(module);
  const params = { file: dataset.name, folders, classes: outputs === 1 ? 2 : outputs };
  // A folder that was passed over is likely the reason.
  const passedOver = dataset.diagnostics.filter(({ code }) => code === "folders-without-images");
  const notes = passedOver.map(({ message }) => message);
  fail(diagnoseData("class-folders", null, params, notes));
}
