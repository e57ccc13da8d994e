/**
 * Where an op comes from. Mandatory on every op, so that each message can point at the user's own
 * node and not at ours. It carries no meaning for execution.
 */
export type Loc =
  /**
   * A node of the source model. `name` is the node's, or its first output's where it has none; `op`
   * is "file" where the model as a whole is meant.
   */
  | { readonly kind: "source"; readonly file: string; readonly name: string; readonly op: string }
  /** A position in IR text, 1-based. */
  | { readonly kind: "text"; readonly file: string; readonly line: number; readonly column: number }
  /** Made by a pass out of what stood at other places. */
  | { readonly kind: "fused"; readonly pass: string; readonly from: readonly Loc[] };

/** A place in a source model. */
export function sourceLoc(file: string, name: string, op: string): Loc {
  return { kind: "source", file, name, op };
}

/** Places that are copied into another list rather than pointed to. */
const longestCopied = 32;

/** The place of an op that `pass` made out of ops at `from`; a chain within one pass is flattened. */
export function fusedLoc(pass: string, from: readonly Loc[]): Loc {
  const flat: Loc[] = [];
  for (const loc of from) {
    // Long lists stay whole: a chain of ops that merge one by one would copy them each time.
    const isShort = loc.kind === "fused" && loc.pass === pass && loc.from.length <= longestCopied;
    if (isShort) for (const each of loc.from) flat.push(each);
    else flat.push(loc);
  }
  return { kind: "fused", pass, from: flat };
}

/** The source nodes a place goes back to, in order, without repeats. */
export function sourcesOf(loc: Loc): readonly Loc[] {
  const found = new Map<string, Loc>();
  for (const leaf of leavesOf(loc)) {
    const text = formatLoc(leaf);
    if (!found.has(text)) found.set(text, leaf);
  }
  return [...found.values()];
}

/** What is not fused, in order; of what is there several times at least the first. */
function* leavesOf(loc: Loc): Generator<Exclude<Loc, { readonly kind: "fused" }>> {
  const seen = new Set<Loc>();
  // An explicit stack, of places still to be looked at: last in, first out.
  const open: Loc[] = [loc];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind !== "fused") {
      yield next;
      continue;
    }
    if (seen.has(next)) continue;
    seen.add(next);
    for (let i = next.from.length - 1; i >= 0; i--) open.push(next.from[i] ?? next);
  }
}

function firstSource(loc: Loc): Exclude<Loc, { readonly kind: "fused" }> | undefined {
  for (const leaf of leavesOf(loc)) return leaf;
  return undefined;
}

/** One line for people: `lenet.onnx node "/conv1/Conv" (Conv)`. */
export function formatLoc(loc: Loc): string {
  switch (loc.kind) {
    case "source":
      return loc.op === "file" ? loc.file : `${loc.file} node "${loc.name}" (${loc.op})`;
    case "text":
      return `${loc.file}:${loc.line}:${loc.column}`;
    case "fused": {
      const first = firstSource(loc);
      return first === undefined ? `made by ${loc.pass}` : formatLoc(first);
    }
  }
}

/** The shortest name that a person would know the op by: the source node's, or the pass's. */
export function shortName(loc: Loc): string {
  const first = firstSource(loc);
  if (first === undefined) return loc.kind === "fused" ? loc.pass : "?";
  return first.kind === "source" ? first.name : formatLoc(first);
}
