/**
 * Which arrays of an archive are the samples and which the labels: as the user says, else by the
 * names of the model's inputs, else by the names that people give them. Where names leave a choice,
 * nothing is guessed: the message lists what there is.
 */
import { type Diagnostic, fail } from "../../../ir/diagnostic.ts";
import { shortened } from "../../../ir/text/printable.ts";
import { diagnose } from "../../diagnostics.ts";
import type { ArchivedArray } from "./archive.ts";

/** What a set is for: to learn from, or to measure on. */
export type SetPart = "train" | "test";

/** What is known about the arrays that are wanted. */
export interface WantedArrays {
  /** Names of the model's inputs; empty where they are not known. */
  readonly inputs: readonly string[];
  /** The array of samples, and the one of labels, where the user names them. */
  readonly x: string | null;
  readonly y: string | null;
  /** Which part is meant where an archive holds several; null where nobody says. */
  readonly part: SetPart | null;
  /** False where labels are of no interest. */
  readonly withLabels: boolean;
}

export interface ChosenArrays {
  /** The samples, by the names that they have from here on: an array that is the only one is "x". */
  readonly fields: readonly (readonly [name: string, array: ArchivedArray])[];
  readonly labels: ArchivedArray | null;
}

type Split = SetPart | "val" | "none";
interface ArrayMeaning {
  readonly role: "x" | "y" | null;
  readonly split: Split;
  /** The word that gives the role. */
  readonly word: string;
}

const splits: ReadonlyMap<string, Split> = new Map([
  ...["train", "training", "trn", "tr"].map((word) => [word, "train"] as const),
  ...["test", "testing", "tst", "te"].map((word) => [word, "test"] as const),
  ...["val", "valid", "validation", "dev"].map((word) => [word, "val"] as const),
]);
const sampleWords = "x data image images img imgs input inputs sample samples feature features";
const labelWords = "y label labels target targets";
const roles: ReadonlyMap<string, "x" | "y"> = new Map([
  ...sampleWords.split(" ").map((word) => [word, "x"] as const),
  ...labelWords.split(" ").map((word) => [word, "y"] as const),
]);

/** Which part goes first where an archive holds several. */
const preference: Readonly<Record<SetPart, readonly Split[]>> = {
  train: ["train", "none", "val", "test"],
  test: ["test", "val", "none", "train"],
};

/** What a name says: `train_images`, `xTest`, `y_val`, `Xtr`; a word too many says nothing. */
function meaningOf(name: string): ArrayMeaning {
  const words = name
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/^([xy])(tr|te|train|test|val)$/, "$1_$2")
    .split(/[^a-z]+/)
    .filter((each) => each !== "");
  let split: Split = "none";
  let word = "";
  let others = 0;
  for (const each of words) {
    const part = splits.get(each);
    if (part !== undefined) split = part;
    else if (roles.has(each) && word === "") word = each;
    else others++;
  }
  const plain = others === 0 && !/\d/.test(name);
  return { role: plain ? (roles.get(word) ?? null) : null, split, word };
}

/** `np.savez(file, a, b)` calls its arrays so; of more than two nobody knows what they are. */
function meaningsOf(arrays: readonly ArchivedArray[]): ReadonlyMap<ArchivedArray, ArrayMeaning> {
  const numbered = arrays.filter(({ name }) => /^arr_\d+$/.test(name));
  return new Map(
    arrays.map((array): [ArchivedArray, ArrayMeaning] => {
      if (numbered.length === 2 && arrays.length === 2) {
        const role = array.name === "arr_0" ? "x" : array.name === "arr_1" ? "y" : null;
        return [array, { role, split: "none", word: role ?? "" }];
      }
      return [array, meaningOf(array.name)];
    }),
  );
}

/** Chooses among `arrays`; fails where there is no telling. A remark says what was taken. */
export function chooseArrays(
  arrays: readonly ArchivedArray[],
  wanted: WantedArrays,
  file: string,
  diagnostics: Diagnostic[],
): ChosenArrays {
  const { inputs } = wanted;
  const choice = new ArrayChoice(arrays, wanted, file);
  const chosen =
    wanted.x !== null
      ? choice.byOption(wanted.x)
      : inputs.length > 1 || arrays.some(({ name }) => name === inputs[0])
        ? choice.byInputs()
        : choice.byConvention();
  remark(chosen, wanted, file, diagnostics);
  return chosen;
}

/** Says what was taken where neither the user nor plain names did. */
function remark(
  chosen: ChosenArrays,
  wanted: WantedArrays,
  file: string,
  diagnostics: Diagnostic[],
): void {
  const { fields, labels } = chosen;
  const samples = fields.filter(([name, array]) => name === "x" && array.name !== "x");
  const [first] = samples;
  const x = first === undefined || wanted.x !== null ? null : first[1].name;
  const y = labels === null || labels.name === "y" || wanted.y !== null ? null : labels.name;
  if (x === null && y === null) return;
  diagnostics.push(diagnose("arrays-taken", null, { file, x, y }));
}

/** The names that messages list; a thousand of them help nobody. */
const mostListed = 20;

/** One choice. A class because its steps share the arrays, what they mean and what is wanted. */
class ArrayChoice {
  private readonly arrays: readonly ArchivedArray[];
  private readonly wanted: WantedArrays;
  private readonly file: string;
  private readonly meanings: ReadonlyMap<ArchivedArray, ArrayMeaning>;

  constructor(arrays: readonly ArchivedArray[], wanted: WantedArrays, file: string) {
    this.arrays = arrays;
    this.wanted = wanted;
    this.file = file;
    this.meanings = meaningsOf(arrays);
  }

  /** --x names the samples; the labels are those that go with them. */
  byOption(x: string): ChosenArrays {
    const { inputs } = this.wanted;
    if (inputs.length > 1) {
      fail(diagnose("x-of-several-inputs", null, { file: this.file, inputs }));
    }
    const samples = this.find(x, "--x");
    const rest = this.arrays.filter((array) => array !== samples);
    const { split } = this.meaning(samples);
    const beside = this.with("y", split, rest);
    const labels = beside.length > 0 ? beside : this.with("y", "none", rest);
    return { fields: [["x", samples]], labels: this.labels(labels) };
  }

  /** Each input has the array of its name; an array that is one is never taken for labels. */
  byInputs(): ChosenArrays {
    const { inputs, part } = this.wanted;
    const asked = new Set(inputs);
    const taken = this.arrays.filter(({ name }) => asked.has(name));
    const rest = this.arrays.filter(({ name }) => !asked.has(name));
    const order = part === null ? (["none"] as const) : preference[part];
    const split = order.find((each) => this.with("y", each, rest).length > 0) ?? "none";
    const labels = this.labels(this.with("y", split, rest));
    // Whoever fits arrays to inputs says which is missing, and what there is instead.
    const shown = taken.length === inputs.length ? taken : rest.filter((array) => array !== labels);
    const fields = [...new Set([...taken, ...shown])];
    return { fields: fields.map((array) => [array.name, array] as const), labels };
  }

  byConvention(): ChosenArrays {
    const { arrays } = this;
    const { inputs } = this.wanted;
    const [single] = arrays;
    if (single !== undefined && arrays.length === 1) {
      return { fields: [[inputs.length === 1 ? "x" : single.name, single]], labels: null };
    }
    const split = this.split();
    const found = this.preferred(split === null ? [] : this.with("x", split, arrays));
    const labelled = this.with("y", split ?? "none", arrays);
    const asLabels = new Set(labelled);
    const [samples] = found;
    if (samples !== undefined && found.length === 1) {
      const labels = this.labels(labelled);
      // Of an unknown model any array may be an input.
      const others =
        inputs.length > 0 ? [] : arrays.filter((a) => a !== samples && !asLabels.has(a));
      const more = others.filter((array) => this.meaning(array).split === "none");
      return {
        fields: [["x", samples], ...more.map((array) => [array.name, array] as const)],
        labels,
      };
    }
    const rest = arrays.filter((a) => !asLabels.has(a) && a.name !== this.wanted.y);
    const [only] = rest;
    if (only !== undefined && rest.length === 1) {
      return { fields: [["x", only]], labels: this.labels(labelled) };
    }
    if (inputs.length > 0) this.ambiguous("data-arrays");
    const y = labelled.length === 1 ? this.labels(labelled) : null;
    const fields = arrays.filter((array) => array !== y);
    return { fields: fields.map((array) => [array.name, array] as const), labels: y };
  }

  /** The part to take samples from, or null where names tell of none, or of several and nobody says which. */
  private split(): Split | null {
    const there = preference.test.filter((each) => this.with("x", each, this.arrays).length > 0);
    const { part } = this.wanted;
    if (part === null) return there.length === 1 ? (there[0] ?? null) : null;
    return preference[part].find((each) => there.includes(each)) ?? null;
  }

  private meaning(array: ArchivedArray): ArrayMeaning {
    return this.meanings.get(array) ?? { role: null, split: "none", word: "" };
  }

  private with(role: "x" | "y", split: Split, among: readonly ArchivedArray[]): ArchivedArray[] {
    return among.filter((array) => {
      const meaning = this.meaning(array);
      return meaning.role === role && meaning.split === split;
    });
  }

  /** Those whose word is the plainest: x before images, y before labels. */
  private preferred(arrays: readonly ArchivedArray[]): readonly ArchivedArray[] {
    const plain = arrays.filter((array) => ["x", "y"].includes(this.meaning(array).word));
    return plain.length > 0 ? plain : arrays;
  }

  private labels(candidates: readonly ArchivedArray[]): ArchivedArray | null {
    const { y, withLabels } = this.wanted;
    if (!withLabels) return null;
    if (y !== null) return this.find(y, "--y");
    const found = this.preferred(candidates);
    if (found.length > 1) this.ambiguous("data-labels");
    return found[0] ?? null;
  }

  private find(name: string, option: string): ArchivedArray {
    const found = this.arrays.find((array) => array.name === name);
    if (found !== undefined) return found;
    const params = { file: this.file, option, name, found: this.arrays.map((a) => a.name) };
    return fail(diagnose("array-not-found", null, params, this.listed()));
  }

  private ambiguous(code: "data-arrays" | "data-labels"): never {
    const found = this.arrays.map(({ name }) => name);
    return fail(diagnose(code, null, { file: this.file, found }, this.listed()));
  }

  private listed(): string[] {
    const shown = this.arrays.slice(0, mostListed);
    return shown.map((array) => `"${shortened(array.name)}" is ${array.describe()}`);
  }
}
