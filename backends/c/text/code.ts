/**
 * C as a small tree: lines, and blocks with lines inside. What is generated is built as such a tree and
 * printed once, so that indentation and braces are nobody else's business. Knows no network.
 */

/** A line without its indentation, a block, or several of these one after another. */
export type Code = string | Block | readonly Code[];

/** `head {`, the body, `}`. */
export interface Block {
  readonly head: string;
  readonly body: Code;
}

const indent = "  ";

export function block(head: string, body: Code): Block {
  return { head, body };
}

/** `for` from 0 up to `count`; the body alone where it runs once, with the index 0 said. */
export function loop(index: string, count: number | string, body: Code): Block {
  return block(`for (int32_t ${index} = 0; ${index} < ${count}; ${index}++)`, body);
}

/** The lines of a tree, indented. */
export function linesOf(code: Code, depth = 0): readonly string[] {
  if (typeof code === "string") {
    return code.split("\n").map((line) => (line === "" ? "" : indent.repeat(depth) + line));
  }
  if (isBlock(code)) {
    return [
      `${indent.repeat(depth)}${code.head} {`,
      ...linesOf(code.body, depth + 1),
      `${indent.repeat(depth)}}`,
    ];
  }
  return code.flatMap((each) => linesOf(each, depth));
}

function isBlock(code: Code): code is Block {
  return typeof code !== "string" && "head" in code;
}

/** A comment of these sentences, wrapped; `*` and `/` that would end it are kept apart. */
export function comment(lines: readonly string[], width = 96): string {
  const safe = lines.map((line) => line.replaceAll("*/", "* /").replaceAll("/*", "/ *"));
  const [only = ""] = safe;
  if (safe.length === 1 && only.length + 6 <= width) return `/* ${only} */`;
  const wrapped = safe.flatMap((line) => wrap(line, width - 3));
  return [`/*`, ...wrapped.map((line) => (line === "" ? " *" : ` * ${line}`)), " */"].join("\n");
}

/** A line as several of at most `width` characters, broken at spaces; what is longer stays whole. */
function wrap(line: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const at = rest.lastIndexOf(" ", width);
    if (at <= 0) break;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...lines, rest];
}

/** A whole number as a constant of 32 bits; the smallest one has no constant of its own in C. */
export function integer(value: number): string {
  return value === -(2 ** 31) ? "(-2147483647 - 1)" : String(value);
}

/** A float32 as a constant that reads back as the same bits. */
export function float(value: number): string {
  const digits = String(Math.fround(value));
  const shortest = shortestFloat(value, digits);
  return `${/[.e]/.test(shortest) ? shortest : `${shortest}.0`}f`;
}

/** As few digits as name the same float32. */
function shortestFloat(value: number, otherwise: string): string {
  for (let digits = 6; digits <= 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === Math.fround(value)) return text;
  }
  return otherwise;
}

/** `a + b + …` of what is not 0; "0" where nothing is left. */
export function sumOf(terms: readonly string[]): string {
  const left = terms.filter((term) => term !== "" && term !== "0");
  return left.length === 0 ? "0" : left.join(" + ");
}

/** `index * stride`, without what multiplies by 1; "" for 0. */
export function scaled(index: string, stride: number): string {
  if (stride === 0 || index === "0") return "";
  return stride === 1 ? index : `${index} * ${stride}`;
}
