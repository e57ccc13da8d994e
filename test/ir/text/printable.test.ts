/** Names made visible: nothing that a terminal or a page obeys is left, and nothing is lost. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { printable, printableLines } from "../../../ir/text/printable.ts";

const units = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((u) => String.fromCharCode(u)),
});

it("leaves no control characters, no direction marks and no halves of pairs", () => {
  fc.assert(
    fc.property(fc.oneof(units, fc.string({ unit: "binary" })), (text) => {
      const shown = printable(text);
      expect(shown).not.toMatch(
        /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u,
      );
      expect(printable(shown)).toBe(shown);
      expect(printableLines(text).split("\n").map(printable).join("\n")).toBe(printableLines(text));
    }),
  );
});

it("keeps the meaning of JSON", () => {
  fc.assert(
    fc.property(units, (text) => {
      expect(JSON.parse(printable(JSON.stringify({ [text]: text })))).toEqual({ [text]: text });
    }),
  );
});

it.each([
  ["/conv1/Relu", "/conv1/Relu"],
  ["größe 名前 🙂 می‌خواهم", "größe 名前 🙂 می‌خواهم"],
  ["\u001b[31mred", "\\u001b[31mred"],
  ["a\nb\tc\u007f\u009b", "a\\u000ab\\u0009c\\u007f\\u009b"],
  ["\u202etxt.exe\u2066", "\\u202etxt.exe\\u2066"],
  ["tag \u{e0041}", "tag \\udb40\\udc41"],
])("%j becomes %j", (text, wanted) => {
  expect(printable(text)).toBe(wanted);
});
