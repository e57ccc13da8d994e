/** Names of classes and maps of labels in files that options name. */
import {
  type ClassNames,
  type LabelMap,
  parseClassList,
  parseClassNames,
  parseLabelMap,
} from "../../calibrate/data/classes.ts";
import { readInput } from "../files/files.ts";

/** The names in a file that an option names. */
export async function readClassNames(file: string): Promise<ClassNames> {
  return parseClassNames(new TextDecoder().decode(await readInput(file)), file);
}

/** The same by their numbers, for people. */
export async function readClassList(file: string): Promise<readonly string[]> {
  return parseClassList(new TextDecoder().decode(await readInput(file)), file);
}

/** `10=0,11=1`, or the file that says so. */
export async function readLabelMap(spec: string): Promise<LabelMap> {
  if (/^[^=,]+=\d+(,[^=,]+=\d+)*$/.test(spec)) return parseLabelMap(spec, "--label-map");
  return parseLabelMap(new TextDecoder().decode(await readInput(spec)), spec);
}
