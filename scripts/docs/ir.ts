/**
 * The parts of docs/ir.md that are written from the sources: every op with its operands, attributes,
 * exactness and spiking form, and what holds of every network.
 */
import { costRuleOf } from "../../ir/account/costs.ts";
import { invariant } from "../../ir/diagnostic.ts";
import type { OpKind } from "../../ir/op/op.ts";
import { type AttrKind, isOpKind, specOf, specs } from "../../ir/op/table.ts";
import { spikingFormOf } from "../../passes/convert/spiking-form.ts";
import { code, table } from "./markdown.ts";
import { type OpComment, opComments } from "./op-comments.ts";

/** What docs/ir.md has of the sources, by the name of its marks. */
export function irBlocks(sources: {
  /** The texts of `ir/op/attrs/`, one after the other. */
  readonly ops: string;
  /** The text of ir/verify.ts. */
  readonly verifier: string;
}): ReadonlyMap<string, string> {
  const comments = opComments(sources.ops);
  const kinds = Object.keys(specs).filter(isOpKind);
  const isPlain = (kind: OpKind): boolean => attributesOf(kind).length === 0;
  const others = kinds.filter((kind) => !isPlain(kind));
  return new Map([
    ["invariants", invariants(sources.verifier)],
    ["ops without attributes", plainTable(kinds.filter(isPlain), comments)],
    [
      "ops with attributes",
      others.map((kind) => section(kind, comments.get(kind) ?? null)).join("\n\n"),
    ],
  ]);
}

/** The list at the head of the verifier. */
function invariants(verifier: string): string {
  const lines = verifier.split("\n").map((line) => line.replace(/^ \* ?/, ""));
  const from = lines.findIndex((line) => /^ ?1\. /.test(line));
  const to = lines.indexOf("", from);
  invariant(from >= 0 && to > from, "ir/verify.ts does not begin with its list");
  return lines
    .slice(from, to)
    .map((line) => (/^ *\d+\. /.test(line) ? line.trim() : `   ${line.trim()}`))
    .join("\n");
}

function attributesOf(kind: OpKind): readonly (readonly [string, AttrKind])[] {
  return Object.entries(specOf(kind).attributes);
}

function plainTable(kinds: readonly OpKind[], comments: ReadonlyMap<string, OpComment>): string {
  const rows = kinds.map((kind) => {
    const { summary, exactness } = specOf(kind);
    const more = comments.get(kind)?.text ?? "";
    const what = more === "" ? summary : `${summary}. ${oneLine(more)}`;
    const operations = costRuleOf(kind);
    return [code(kind), arityOf(kind), sentence(what), exactness, spikingFormOf(kind), operations];
  });
  const head = ["op", "operands", "result", "exactness", "spiking form", "operations"];
  return table(head, rows);
}

function section(kind: OpKind, comment: OpComment | null): string {
  const { summary, exactness } = specOf(kind);
  const parts = [`#### ${code(kind)}`, `${sentence(summary)}.`];
  const text = comment?.text ?? "";
  if (text !== "" && text !== `${sentence(summary)}.`) parts.push("```text\n" + text + "\n```");
  const attributes = attributesOf(kind).map(([name, attribute]) => {
    const more = oneLine(comment?.attributes.get(name) ?? "");
    return `- ${code(name)}: ${kindText(attribute)}${more === "" ? "" : `. ${more}`}`;
  });
  parts.push(attributes.join("\n"));
  parts.push(
    `Operands: ${arityOf(kind)}. Exactness: ${exactness}. Spiking form: ${spikingFormOf(kind)}.`,
  );
  parts.push(`Operations: ${costRuleOf(kind)}.`);
  return parts.join("\n\n");
}

/** With a capital, unless it begins with a formula. */
function sentence(text: string): string {
  return text.replace(/^(?!x\b)[a-z](?=[a-z-]* [a-z])/, (first) => first.toUpperCase());
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}

function arityOf(kind: OpKind): string {
  const { arity } = specOf(kind);
  return typeof arity === "number" ? String(arity) : `${arity.atLeast} or more`;
}

function kindText(kind: AttrKind): string {
  switch (kind) {
    case "tensor":
      return "tensor";
    case "tensor?":
      return "tensor or `none`";
    case "int":
      return "whole number";
    case "ints":
      return "whole numbers";
    case "float":
      return "number";
    case "floats":
      return "numbers";
    case "bool":
      return "`true` or `false`";
    case "string":
      return "string";
    case "dtype":
      return "element type";
    default:
      return kind.oneOf.map((choice) => code(`"${choice}"`)).join(", ");
  }
}
