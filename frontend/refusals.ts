/**
 * Gathers what could not be imported, over the whole model, and groups it: one message for an
 * operator however often it occurs, with all its places.
 */
import type { Diagnostic } from "../ir/diagnostic.ts";
import { limited } from "./diagnostics.ts";

/** A node of the source's graph, as far as a refusal names it. */
export interface SourceNode {
  readonly name: string;
  readonly opType: string;
  /** "" for the format's own operators. */
  readonly domain: string;
}

/** Why a node could not be imported. */
export interface Refusal {
  readonly diagnostic: Diagnostic;
  readonly op: string;
  /** "" for the format's own operators. */
  readonly domain: string;
  /** The version of the operators; 0 where the format has none. */
  readonly opset: number;
  /** The node's name. */
  readonly node: string;
}

/** One kind of refusal, for `snnc check`. */
export interface UnsupportedOperator {
  readonly op: string;
  /** "" for the format's own operators. */
  readonly domain: string;
  readonly opset: number;
  readonly count: number;
  /** Names of the nodes. */
  readonly nodes: readonly string[];
  /** Why, where the operator as such is known, and the way out. */
  readonly help: string;
}

interface Group {
  readonly first: Diagnostic;
  readonly op: string;
  readonly domain: string;
  readonly opset: number;
  readonly nodes: string[];
  readonly help: string;
}

const codesOfUnsupported: readonly string[] = [
  "unsupported-op",
  "unsupported-form",
  "not-constant",
];

/** More places than this are counted, not named, in a message. */
const listedPlaces = 5;

export class Refusals {
  /** How often each operator occurs, by name with its domain. */
  readonly operators = new Map<string, number>();
  private readonly all: Refusal[] = [];
  private readonly groups = new Map<string, Group>();
  private readonly others: Diagnostic[] = [];

  noteOperator(node: SourceNode): void {
    const key = node.domain === "" ? node.opType : `${node.domain}:${node.opType}`;
    this.operators.set(key, (this.operators.get(key) ?? 0) + 1);
  }

  /** Whatever a node failed with. */
  refused(node: SourceNode, opset: number, diagnostics: readonly Diagnostic[]): readonly Refusal[] {
    const { opType: op, domain, name } = node;
    const refusals = diagnostics.map((diagnostic) => ({
      diagnostic,
      op,
      domain,
      opset,
      node: name,
    }));
    for (const refusal of refusals) this.all.push(refusal);
    return refusals;
  }

  /** Keeps those that count, in the order in which they were found, and groups them. */
  settle(counts: ReadonlySet<Refusal>): void {
    for (const refusal of this.all) if (counts.has(refusal)) this.group(refusal);
  }

  private group({ diagnostic, op, domain, opset, node }: Refusal): void {
    if (!codesOfUnsupported.includes(diagnostic.code)) {
      this.others.push(diagnostic);
      return;
    }
    const key = [diagnostic.code, domain, op, opset, diagnostic.message].join("\n");
    const group = this.groups.get(key);
    if (group !== undefined) {
      group.nodes.push(node);
      return;
    }
    const known = diagnostic.code !== "unsupported-op";
    const help = (known ? `${diagnostic.message}; ` : "") + (diagnostic.help ?? "");
    this.groups.set(key, { first: diagnostic, op, domain, opset, nodes: [node], help });
  }

  unsupported(): readonly UnsupportedOperator[] {
    return [...this.groups.values()].map(({ op, domain, opset, nodes, help }) => {
      return { op, domain, opset, count: nodes.length, nodes, help };
    });
  }

  /** All of it as diagnostics, grouped. */
  diagnostics(): readonly Diagnostic[] {
    const grouped = [...this.groups.values()].map(({ first, nodes }): Diagnostic => {
      if (nodes.length === 1) return first;
      const others = nodes.slice(1, 1 + listedPlaces).map((name) => `"${name}"`);
      const more = nodes.length - 1 - others.length;
      const places = others.join(", ") + (more > 0 ? ` and ${more} more` : "");
      return { ...first, notes: [...first.notes, `${nodes.length} of this kind; also ${places}`] };
    });
    return limited([...grouped, ...this.others]);
  }
}
