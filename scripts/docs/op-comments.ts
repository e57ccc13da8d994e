/**
 * The doc comments of the op set, which say what the tables of specs cannot: equations, operands,
 * ties. Read from the source texts of `ir/op/attrs/`, where each op and attribute has its own.
 */
import ts from "typescript";

export interface OpComment {
  /** Of the op itself; "" where it has none. */
  readonly text: string;
  /** Of its attributes that have one, by name. */
  readonly attributes: ReadonlyMap<string, string>;
}

/** The comments by op kind, of the ops that the interfaces of `source` list. */
export function opComments(source: string): ReadonlyMap<string, OpComment> {
  const file = ts.createSourceFile("attrs.ts", source, ts.ScriptTarget.ES2022, true);
  const interfaces = new Map<string, ts.InterfaceDeclaration>();
  for (const statement of file.statements) {
    if (ts.isInterfaceDeclaration(statement)) interfaces.set(statement.name.text, statement);
  }
  const comments = new Map<string, OpComment>();
  const members = [...interfaces.values()].flatMap((each) => [...each.members]);
  for (const member of members) {
    if (!ts.isPropertySignature(member) || !ts.isStringLiteral(member.name)) continue;
    const attributes = new Map<string, string>();
    if (member.type !== undefined) collect(member.type, interfaces, attributes);
    comments.set(member.name.text, { text: commentOf(member), attributes });
  }
  return comments;
}

/** Adds the comments of the members that `type` writes out, takes over, or is made of. */
function collect(
  type: ts.TypeNode,
  interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>,
  into: Map<string, string>,
): void {
  if (ts.isIntersectionTypeNode(type)) {
    for (const part of type.types) collect(part, interfaces, into);
  } else if (ts.isTypeLiteralNode(type)) {
    collectMembers(type.members, into);
  } else if (ts.isTypeReferenceNode(type)) {
    const named = interfaces.get(type.typeName.getText());
    if (named === undefined) return;
    collectMembers(named.members, into);
    for (const clause of named.heritageClauses ?? []) {
      for (const { expression } of clause.types) {
        const parent = interfaces.get(expression.getText());
        if (parent !== undefined) collectMembers(parent.members, into);
      }
    }
  }
}

function collectMembers(members: ts.NodeArray<ts.TypeElement>, into: Map<string, string>): void {
  for (const member of members) {
    const text = commentOf(member);
    if (text !== "" && member.name !== undefined) into.set(member.name.getText(), text);
  }
}

/** The text of a doc comment as it was written, without its stars. */
function commentOf(node: ts.Node): string {
  const last = ts.getJSDocCommentsAndTags(node).findLast((part) => ts.isJSDoc(part));
  if (last === undefined) return "";
  return last
    .getText()
    .replace(/^\/\*\*|\*\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .trim();
}
