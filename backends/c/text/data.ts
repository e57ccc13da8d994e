/** Constant arrays as C: their numbers in lines. */
import { float, integer } from "./code.ts";
import type { ConstantArray } from "../lower/arrays.ts";

const width = 98;

export function definitionOf({ name, type, length, data, what }: ConstantArray): string {
  const lines: string[] = [];
  let line = " ";
  for (let i = 0; i < length; i++) {
    const value = data[i] ?? 0;
    const text = ` ${type === "float" ? float(value) : integer(value)},`;
    if (line.length + text.length > width) {
      lines.push(line);
      line = " ";
    }
    line += text;
  }
  lines.push(line);
  return `/* ${what} */\nstatic const ${type} ${name}[${length}] = {\n${lines.join("\n")}\n};`;
}
