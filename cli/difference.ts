/**
 * What two networks differ in. Everything that a module consists of is compared, as networks of the
 * same ops and tensors may compute different things: other feedback, other outputs, other timesteps.
 */
import { diffArrays } from "diff";
import { shortName, sourcesOf } from "../ir/loc.ts";
import { type Module, carriedTo, properties } from "../ir/module.ts";
import { formatString } from "../ir/op/attribute.ts";
import type { ValueId } from "../ir/op/op.ts";
import { type Tensor, sameTensor, storedAs } from "../ir/tensor.ts";
import { formatOp } from "../ir/text/print.ts";
import type { Network } from "../library/network.ts";

type Compared = Pick<Network, "module" | "provenance">;

interface TensorChange {
  readonly name: string;
  readonly left: string | null;
  readonly right: string | null;
  /** Largest absolute difference; null where shapes or types differ. */
  readonly largest: number | null;
}

/** A line of a list, and which of the networks has it. */
export interface Line {
  readonly side: "left" | "right" | "both";
  readonly text: string;
}

/** A value that both networks have, as text. */
interface Change {
  readonly key: string;
  readonly left: string;
  readonly right: string;
}

export interface Difference {
  /** Whether all but the provenance is the same. */
  readonly equal: boolean;
  /** Code, timesteps and properties, where they differ. */
  readonly head: readonly Change[];
  readonly ops: readonly Line[];
  readonly carries: readonly Line[];
  readonly outputs: readonly Line[];
  readonly tensors: readonly TensorChange[];
  readonly provenance: readonly Change[];
}

/** Compares two networks in all that they consist of, except for the names of their modules. */
export function differenceOf(left: Compared, right: Compared): Difference {
  const head = headChanges(left.module, right.module);
  const [a, b] = [linesOf(left.module), linesOf(right.module)];
  const ops = linesOfBoth(a.ops, b.ops);
  const carries = linesOfBoth(a.carries, b.carries);
  const outputs = linesOfBoth(a.outputs, b.outputs);
  const tensors = tensorChanges(left.module, right.module);
  const provenance = provenanceChanges(left, right);
  const isShared = [...ops, ...carries, ...outputs].every(({ side }) => side === "both");
  const equal = isShared && head.length === 0 && tensors.length === 0;
  return { equal, head, ops, carries, outputs, tensors, provenance };
}

function headChanges(left: Module, right: Module): readonly Change[] {
  const claims = ({ properties: claimed }: Module): string =>
    properties.filter((property) => claimed.has(property)).join(", ") || "none";
  const changes: readonly Change[] = [
    { key: "code", left: left.code, right: right.code },
    { key: "timesteps", left: `${left.timesteps}`, right: `${right.timesteps}` },
    { key: "properties", left: claims(left), right: claims(right) },
  ];
  return changes.filter((change) => change.left !== change.right);
}

function linesOfBoth(left: readonly string[], right: readonly string[]): readonly Line[] {
  return diffArrays([...left], [...right]).flatMap((part) =>
    part.value.map((text) => ({
      side: part.added ? ("right" as const) : part.removed ? ("left" as const) : ("both" as const),
      text,
    })),
  );
}

/**
 * A module as lines, with operands called by the names of their ops, so that numbering does not
 * matter. No two ops share a name: the same lines are the same network.
 */
function linesOf(module: Module) {
  const names = namesOf(module);
  const nameOf = (value: ValueId): string => names.get(value) ?? "?";
  const carried = carriedTo(module);
  return {
    ops: module.ops.map((op) => `${nameOf(op.result)}: ${formatOp(op, nameOf)}`),
    // In the order of the ops that they come back in, as they have none of their own.
    carries: module.ops.flatMap(({ result }) => {
      const value = carried.get(result);
      return value === undefined ? [] : [`snn.carry(${nameOf(value)}, ${nameOf(result)})`];
    }),
    outputs: module.outputs.map(
      ({ name, value }) => `ann.output(${nameOf(value)}) {name = ${formatString(name)}}`,
    ),
  };
}

/** A name for each op: that of its node or, where it stands in text, its kind; further ones get a number. */
function namesOf(module: Module): ReadonlyMap<ValueId, string> {
  const wanted = module.ops.map((op) => {
    const [first] = sourcesOf(op.loc);
    return first?.kind === "text" ? op.kind : shortName(op.loc);
  });
  // A number must not make the name that another node has.
  const taken = new Set(wanted);
  const counts = new Map<string, number>();
  const names = new Map<ValueId, string>();
  for (const [i, op] of module.ops.entries()) {
    const base = wanted[i] ?? op.kind;
    let count = (counts.get(base) ?? 0) + 1;
    let name = base;
    if (count > 1) {
      while (taken.has(`${base}#${count}`)) count++;
      name = `${base}#${count}`;
    }
    counts.set(base, count);
    taken.add(name);
    names.set(op.result, name);
  }
  return names;
}

function tensorChanges(left: Module, right: Module): TensorChange[] {
  const names = [...new Set([...left.tensors.keys(), ...right.tensors.keys()])].sort();
  return names.flatMap((name) => {
    const a = left.tensors.get(name);
    const b = right.tensors.get(name);
    if (a !== undefined && b !== undefined && sameTensor(a, b)) return [];
    return [{ name, left: shapeText(a), right: shapeText(b), largest: largestDifference(a, b) }];
  });
}

function shapeText(t: Tensor | undefined): string | null {
  return t === undefined ? null : `${storedAs(t)}[${t.shape.join(", ")}]`;
}

function largestDifference(a: Tensor | undefined, b: Tensor | undefined): number | null {
  if (a === undefined || b === undefined || shapeText(a) !== shapeText(b)) return null;
  let most = 0;
  for (const [i, x] of a.data.entries()) most = Math.max(most, Math.abs(x - (b.data[i] ?? 0)));
  return most;
}

function provenanceChanges(left: Compared, right: Compared): readonly Change[] {
  const a = left.provenance ?? {};
  const b = right.provenance ?? {};
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return keys.flatMap((key) => {
    const [x, y] = [JSON.stringify(a[key] ?? null), JSON.stringify(b[key] ?? null)];
    return x === y ? [] : [{ key, left: x, right: y }];
  });
}
