/** Whatever is done to a text or a file, the answer is a network or diagnostics, never a crash. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import { decodePackage, encodePackage } from "../../ir/file/package.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { printModule } from "../../ir/text/print.ts";
import { verify } from "../../ir/verify.ts";
import { networks } from "../random/module.ts";

const scraps = [
  ..."%0 @x [ ] { } inf nan none -1 0 3 2.5 1e999 99999999999999999999 -9007199254740991".split(
    " ",
  ),
  ..."spike current real <i64> loc( // true ann.conv snn.if ann.output , = \\ é \u0000 \n".split(
    " ",
  ),
  '"',
  '"a"',
  "",
];

/** Replaces `length` characters at a place (modulo the length of the text). */
const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 5 }), fc.constantFrom(...scraps)), {
  minLength: 1,
  maxLength: 3,
});

/** Runs; a failure by diagnostics is as good as none, but each must say where or in which file. */
function survives(run: () => void, file: string): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    for (const { message, loc } of error.diagnostics) {
      expect(loc?.kind === "text" || message.includes(file) || message.includes("invariant")).toBe(
        true,
      );
    }
  }
}

describe("a text with random edits", () => {
  it("is read or refused; what is read prints and reads again", () => {
    fc.assert(
      fc.property(networks(), edits, ({ module }, changes) => {
        let text = printModule(module, { locs: "full" });
        for (const [at, length, scrap] of changes) {
          const start = at % text.length;
          text = text.slice(0, start) + scrap + text.slice(start + length);
        }
        survives(() => {
          const read = parseModule(text, { file: "x.snnir", tensors: module.tensors });
          verify(read);
          const again = printModule(read, { locs: "full" });
          const options = { file: "x.snnir", tensors: read.tensors };
          expect(printModule(parseModule(again, options), { locs: "full" })).toBe(again);
        }, "x.snnir");
      }),
      { numRuns: 300 },
    );
  });

  it("is read or refused when its numbers are others", () => {
    const numbers = fc.constantFrom("-1", "0", "3", "2.5", "99999999", "-9007199254740991", "1, 1");
    const changes = fc.array(fc.tuple(fc.nat(), numbers), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(networks(), changes, ({ module }, replaced) => {
        let text = printModule(module);
        for (const [which, number] of replaced) {
          const all = [...text.matchAll(/\d+/g)];
          const old = all[which % all.length];
          if (old === undefined) continue;
          text = text.slice(0, old.index) + number + text.slice(old.index + old[0].length);
        }
        survives(() => {
          verify(parseModule(text, { file: "x.snnir", tensors: module.tensors }));
        }, "x.snnir");
      }),
      { numRuns: 300 },
    );
  });
});

describe("a file with random bytes", () => {
  it("is read or refused", () => {
    const bytes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 });
    fc.assert(
      fc.property(networks(4), bytes, fc.option(fc.nat()), ({ module }, changes, cut) => {
        const whole = encodePackage({ module, provenance: {} });
        for (const [at, byte] of changes) whole[at % whole.length] = byte;
        const file = cut === null ? whole : whole.slice(0, cut % whole.length);
        survives(() => {
          decodePackage(file, "x.snn");
        }, "x.snn");
      }),
      { numRuns: 300 },
    );
  });
});

describe("a text that is long in one place", () => {
  const long = 3_000_000;
  it.each([
    ["blanks", " \n".repeat(long)],
    ["a comment", `//${"a".repeat(long)}\n`],
    ["a string", `"${"\\n".repeat(long)}"`],
    ["an open string", `"${"\\n".repeat(long)}`],
    ["a name", `@${"a/".repeat(long)}`],
    ["a word", "a".repeat(long)],
    ["a number", "1".repeat(long)],
  ])("is refused without exhausting the stack: %s", (_what, text) => {
    const read = (): unknown => parseModule(text, { file: "x.snnir" });
    expect(read).toThrow(DiagnosticError);
  });
});
