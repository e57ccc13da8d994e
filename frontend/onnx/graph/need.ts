/**
 * Which nodes what is asked for depends on. The walk goes back from the wanted outputs, through
 * calls of model functions output by output; whatever it does not reach is never imported, so it
 * can neither be refused nor cost anything.
 */
import { type OnnxNode, namesUsedBy } from "./graph.ts";
import { type OnnxFunction, functionKey } from "../file/model.ts";

export interface Need {
  /** The nodes that are needed, in their order. */
  readonly nodes: readonly OnnxNode[];
  /** The others. */
  readonly unneeded: readonly OnnxNode[];
  /** Every name that is wanted or that a needed node reads. */
  readonly names: ReadonlySet<string>;
}

/** Subgraphs within one another that are looked through for the names they use. */
const nestingDepth = 32;

/**
 * Names that are looked at for functions called with different outputs wanted. Beyond it, all of
 * a function's outputs count as wanted: calls may ask for as many choices as there are calls.
 */
const mostWork = 4_000_000;

export class Needs {
  private readonly file: string;
  private readonly functions: ReadonlyMap<string, OnnxFunction>;
  private readonly byFunction = new Map<string, Need>();
  /** Functions that are being looked at, for one that calls itself. */
  private readonly active = new Set<string>();
  private workLeft = mostWork;

  constructor(file: string, functions: ReadonlyMap<string, OnnxFunction>) {
    this.file = file;
    this.functions = functions;
  }

  /** What `wanted`, names of values, needs of `nodes`, which are in topological order. */
  of(nodes: readonly OnnxNode[], wanted: Iterable<string>): Need {
    const names = new Set(wanted);
    const kept: OnnxNode[] = [];
    const unneeded: OnnxNode[] = [];
    for (const node of nodes.toReversed()) {
      if (!node.outputs.some((name) => name !== "" && names.has(name))) {
        unneeded.push(node);
        continue;
      }
      kept.push(node);
      for (const name of this.readBy(node, names)) names.add(name);
    }
    return { nodes: kept.toReversed(), unneeded: unneeded.toReversed(), names };
  }

  /** What a call of `fn` needs of its body. `wanted` says which of its outputs, by name. */
  ofFunction(fn: OnnxFunction, wanted: readonly string[]): Need {
    const limited = this.workLeft > 0 ? wanted : fn.outputs;
    const key = JSON.stringify([functionKey(fn.domain, fn.name), ...limited]);
    const before = this.byFunction.get(key);
    if (before !== undefined) return before;
    this.workLeft -= fn.nodes.length + fn.outputs.length;
    const need = this.of(fn.nodes, limited);
    this.byFunction.set(key, need);
    return need;
  }

  /** The formal outputs of `fn` that a call has a use for. */
  wantedOf(fn: OnnxFunction, call: OnnxNode, used: (name: string) => boolean): readonly string[] {
    const names = fn.outputs.slice(0, call.outputs.length);
    return names.filter((_, i) => {
      const name = call.outputs[i] ?? "";
      return name !== "" && used(name);
    });
  }

  private readBy(node: OnnxNode, names: ReadonlySet<string>): readonly string[] {
    const key = functionKey(node.domain, node.opType);
    const fn = this.functions.get(key);
    // A function that is at fault, or calls itself, is refused when it is imported.
    if (
      fn === undefined ||
      fn.faults.length > 0 ||
      this.active.has(key) ||
      this.active.size >= nestingDepth
    ) {
      return namesUsedBy(node, nestingDepth, this.file);
    }
    this.active.add(key);
    const need = this.ofFunction(
      fn,
      this.wantedOf(fn, node, (name) => names.has(name)),
    );
    this.active.delete(key);
    return node.inputs.filter((name, i) => {
      const formal = fn.inputs[i];
      // More inputs than the function has: the call is wrong, and is to be seen.
      return name !== "" && (formal === undefined || need.names.has(formal));
    });
  }
}
