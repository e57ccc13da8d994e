/**
 * Reads a grammar in the notation of the XML specification and tells whether a text is one of its
 * language: so a grammar in the documentation can be held to what the parser takes. Names in capitals
 * are tokens, and the longest wins; the others are rules over tokens.
 */
import { known } from "../../ir/diagnostic.ts";

type Expression =
  | { readonly kind: "literal"; readonly text: string }
  /** The body of a character class, as regular expressions write it. */
  | { readonly kind: "set"; readonly body: string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Expression[] }
  | { readonly kind: "repeat"; readonly part: Expression; readonly mark: "?" | "*" | "+" };

type Grammar = ReadonlyMap<string, Expression>;

/** What the rule `start` of the grammar `text` derives. Every rule must be there, and be used. */
export function recogniser(text: string, start: string): (input: string) => boolean {
  const grammar = readGrammar(text);
  const used = new Set([start, blank, ...[...grammar.values()].flatMap((rule) => namesIn(rule))]);
  for (const name of used) if (!grammar.has(name)) throw new Error(`there is no rule ${name}`);
  for (const name of grammar.keys()) if (!used.has(name)) throw new Error(`no rule uses ${name}`);
  const lexer = lexerOf(grammar);
  return (input) => {
    const tokens = lexer.tokens(input);
    return tokens !== null && new Matcher(grammar, lexer.patterns, tokens).isWhole(start);
  };
}

const blank = "BLANK";

function isToken(name: string): boolean {
  return name === name.toUpperCase();
}

function readGrammar(text: string): Grammar {
  const rules = new Map<string, Expression>();
  // A rule goes on where a line begins with a blank.
  for (const rule of text.trim().split(/\n(?!\s)/)) {
    const [, name = "", body = ""] = /^(\w+)\s*::=(.*)$/s.exec(rule) ?? [];
    if (rule.trim() === "") continue;
    if (name === "" || rules.has(name)) throw new Error(`not one rule: ${rule}`);
    rules.set(name, readExpression(body));
  }
  return rules;
}

function readExpression(text: string): Expression {
  const found = text.match(/"[^"]*"|'[^']*'|\[\^?.[^\]]*\]|\w+|[()|?*+]|\S/g) ?? [];
  let at = 0;
  const choice = (): Expression => {
    const parts = [sequence()];
    while (found[at] === "|") {
      at++;
      parts.push(sequence());
    }
    return parts.length === 1 ? known(parts[0], "a part") : { kind: "choice", parts };
  };
  const sequence = (): Expression => {
    const parts: Expression[] = [];
    while (at < found.length && found[at] !== ")" && found[at] !== "|") {
      let part = primary(known(found[at++], "a part"));
      for (let mark = found[at]; mark === "?" || mark === "*" || mark === "+"; mark = found[at]) {
        part = { kind: "repeat", part, mark };
        at++;
      }
      parts.push(part);
    }
    return { kind: "sequence", parts };
  };
  const primary = (part: string): Expression => {
    if (part === "(") {
      const inner = choice();
      if (found[at++] !== ")") throw new Error(`a bracket is open in ${text}`);
      return inner;
    }
    if (/^["'].*["']$/.test(part)) return { kind: "literal", text: part.slice(1, -1) };
    if (/^\[.*\]$/.test(part)) return { kind: "set", body: part.slice(1, -1) };
    if (/^\w+$/.test(part)) return { kind: "name", name: part };
    throw new Error(`what is ${part} in ${text}?`);
  };
  const whole = choice();
  if (at < found.length) throw new Error(`what is ${found[at] ?? ""} in ${text}?`);
  return whole;
}

function namesIn(rule: Expression): string[] {
  if (rule.kind === "name") return [rule.name];
  if (rule.kind === "repeat") return namesIn(rule.part);
  return "parts" in rule ? rule.parts.flatMap(namesIn) : [];
}

interface Lexer {
  /** What each kind of token is, as a whole. */
  readonly patterns: ReadonlyMap<string, RegExp>;
  /** The tokens of a text; null where something begins none. */
  readonly tokens: (text: string) => readonly string[] | null;
}

function lexerOf(grammar: Grammar): Lexer {
  const rules = [...grammar].filter(([name]) => !isToken(name));
  const terminals = new Set(rules.flatMap(([, rule]) => namesIn(rule)).filter(isToken));
  const sources = [...terminals].map((name) => [name, patternOf(grammar, name)] as const);
  // The longest first, as a pattern takes the first choice that fits.
  const literals = [...new Set(rules.flatMap(([, rule]) => literalsIn(rule)))]
    .sort((a, b) => b.length - a.length)
    .map(escaped);
  const starts = [...sources.map(([, source]) => source), literals.join("|")].map(
    (source) => new RegExp(source, "y"),
  );
  const blanks = new RegExp(`(?:${patternOf(grammar, blank)})*`, "y");
  const number = new RegExp(`^(?:${patternOf(grammar, "NUMBER")})$`);
  const lengthAt = (pattern: RegExp, text: string, at: number): number => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0].length ?? 0;
  };
  const tokens = (commented: string): readonly string[] | null => {
    const text = withoutComments(commented);
    const found: string[] = [];
    for (let at = lengthAt(blanks, text, 0); at < text.length;) {
      const length = Math.max(...starts.map((pattern) => lengthAt(pattern, text, at)));
      const token = text.slice(at, at + length);
      at += length;
      if (length === 0 || (number.test(token) && /^[A-Za-z0-9_.]/.test(text.slice(at))))
        return null;
      found.push(token);
      at += lengthAt(blanks, text, at);
    }
    return found;
  };
  const patterns = sources.map(([name, source]) => [name, new RegExp(`^(?:${source})$`)] as const);
  return { patterns: new Map(patterns), tokens };
}

/** Comments begin wherever no string is open. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)*")|\/\/[^\n]*/g,
    (_all, quoted?: string) => quoted ?? " ",
  );
}

function patternOf(grammar: Grammar, name: string): string {
  const source = (rule: Expression): string => {
    switch (rule.kind) {
      case "literal":
        return escaped(rule.text);
      case "set":
        return `[${rule.body
          .replaceAll("\\", "\\\\")
          .replace(/#x([0-9A-F]+)/g, (_all, digits: string) => `\\u${digits.padStart(4, "0")}`)}]`;
      case "name":
        return source(known(grammar.get(rule.name), rule.name));
      case "repeat":
        return `(?:${source(rule.part)})${rule.mark}`;
      case "sequence":
        return rule.parts.map(source).join("");
      case "choice":
        return `(?:${rule.parts.map(source).join("|")})`;
    }
  };
  return source({ kind: "name", name });
}

function literalsIn(rule: Expression): string[] {
  if (rule.kind === "literal") return [rule.text];
  if (rule.kind === "repeat") return literalsIn(rule.part);
  return "parts" in rule ? rule.parts.flatMap(literalsIn) : [];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}

/** Where a rule may end that begins at some token: all places at once, so that nothing is tried twice. */
class Matcher {
  private readonly grammar: Grammar;
  private readonly patterns: ReadonlyMap<string, RegExp>;
  private readonly tokens: readonly string[];

  constructor(grammar: Grammar, patterns: ReadonlyMap<string, RegExp>, tokens: readonly string[]) {
    this.grammar = grammar;
    this.patterns = patterns;
    this.tokens = tokens;
  }

  isWhole(start: string): boolean {
    return this.ends({ kind: "name", name: start }, 0).has(this.tokens.length);
  }

  private ends(rule: Expression, at: number): ReadonlySet<number> {
    switch (rule.kind) {
      case "literal":
        return new Set(this.tokens[at] === rule.text ? [at + 1] : []);
      case "set":
        throw new Error("a set of characters outside a token");
      case "name": {
        const pattern = this.patterns.get(rule.name);
        if (pattern === undefined)
          return this.ends(known(this.grammar.get(rule.name), "a rule"), at);
        const token = this.tokens[at];
        return new Set(token !== undefined && pattern.test(token) ? [at + 1] : []);
      }
      case "sequence":
        return rule.parts.reduce<ReadonlySet<number>>(
          (open, part) => this.endsFrom(part, open),
          new Set([at]),
        );
      case "choice":
        return new Set(rule.parts.flatMap((part) => [...this.ends(part, at)]));
      case "repeat": {
        const once = this.endsFrom(rule.part, new Set([at]));
        const all = new Set(rule.mark === "+" ? once : [at, ...once]);
        if (rule.mark === "?") return all;
        for (let open = once; open.size > 0;) {
          const next = [...this.endsFrom(rule.part, open)].filter((end) => !all.has(end));
          for (const end of next) all.add(end);
          open = new Set(next);
        }
        return all;
      }
    }
  }

  private endsFrom(rule: Expression, open: ReadonlySet<number>): ReadonlySet<number> {
    return new Set([...open].flatMap((at) => [...this.ends(rule, at)]));
  }
}
