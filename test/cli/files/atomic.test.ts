/**
 * Files and folders that are replaced whole: links and modes, names of any length, what was left by
 * processes that were killed, and folders in which not everything is ours.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import os from "node:os";
import path from "node:path";
import { abandon, replaceFile, replaceInFolder, tryToWrite } from "../../../cli/files/atomic.ts";
import { createOutputs } from "../../../cli/files/outputs.ts";
import {
  checkBuildFolder,
  writeBuildFolder,
  writeReportFolder,
} from "../../../cli/files/own-folder.ts";
import { buildNames, isOwnName } from "../../../cli/files/own-names.ts";
import { pageNames, runtimeNames } from "../../../backends/wasm/emit/assets.ts";
import { DiagnosticError } from "../../../ir/diagnostic.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), "snnc-atomic-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
/** A new folder with these files in it. */
function folderWith(files: Readonly<Record<string, string>> = {}): (...names: string[]) => string {
  const folder = path.join(root, String(folders++));
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return (...names) => path.join(folder, ...names);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The codes of the diagnostics that `work` ends with. */
function codesOf(work: () => void): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics.map(({ code }) => code);
  }
}

const host = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
/** No process of this number is there: it is past what Linux, macOS and Windows give. */
const dead = 2 ** 30;

describe("a file", () => {
  it("keeps its mode, and a link to it stays a link", () => {
    const at = folderWith({ "real.snn": "old" });
    chmodSync(at("real.snn"), 0o600);
    symlinkSync("real.snn", at("link.snn"));
    symlinkSync("new.snn", at("dangling.snn"));
    replaceFile(at("link.snn"), [bytes("ne"), bytes("w")]);
    replaceFile(at("dangling.snn"), [bytes("first")]);
    expect(readFileSync(at("real.snn"), "utf8")).toBe("new");
    expect(statSync(at("real.snn")).mode & 0o777).toBe(0o600);
    expect(lstatSync(at("link.snn")).isSymbolicLink()).toBe(true);
    expect(readFileSync(at("new.snn"), "utf8")).toBe("first");
    expect(readdirSync(at())).toHaveLength(4);
  });

  it("may have a name of 255 bytes", () => {
    const at = folderWith();
    const name = `${"é".repeat(125)}x.snn`;
    expect(Buffer.byteLength(name)).toBe(255);
    tryToWrite(at(name));
    replaceFile(at(name), [bytes("x")]);
    expect(readdirSync(at())).toEqual([name]);
    expect(() => tryToWrite(at(`x${name}`))).toThrow("ENAMETOOLONG");
    expect(() => tryToWrite(at("new", "folder", `x${name}`, "file"))).toThrow("ENAMETOOLONG");
    expect(readdirSync(at())).toEqual([name]);
  });

  it("removes what dead processes left, and nothing else", () => {
    const left = `.snnc-${host}-${dead}-0.part`;
    const others = [`.snnc-${host}-${process.ppid}-0.part`, ".snnc-mine.part", ".x.snn.12.part"];
    const at = folderWith(Object.fromEntries([left, ...others].map((name) => [name, "half"])));
    mkdirSync(at(`.snnc-${host}-${dead}-1.part`));
    writeFileSync(at(`.snnc-${host}-${dead}-1.part`, "model.wasm"), "half");
    const elsewhere = ".snnc-00000000-1-0.part";
    writeFileSync(at(elsewhere), "of another machine, which may be at it");
    tryToWrite(at("x.snn"));
    expect(readdirSync(at()).sort()).toEqual([...others, elsewhere].sort());
    // What this process had in work goes when it ends.
    writeFileSync(at(`.snnc-${host}-${process.pid}-99.part`), "half");
    abandon(at());
    expect(readdirSync(at()).sort()).toEqual([...others, elsewhere].sort());
  });
});

describe("files of a folder", () => {
  const files = new Map([
    ["model.js", bytes("new js")],
    ["manifest.json", bytes("new manifest")],
  ]);

  it("replace the old ones in place: the folder, its mode and links to it stay", () => {
    const at = folderWith();
    mkdirSync(at("real"), { mode: 0o700 });
    writeFileSync(at("real", "model.js"), "old", { mode: 0o640 });
    writeFileSync(at("real", "samples.bin"), "old");
    writeFileSync(at("real", "demo.html"), "changed");
    symlinkSync("real", at("link"));
    const inode = statSync(at("real")).ino;
    replaceInFolder(at("link"), files, [
      { path: "samples.bin", sha256: hash("old") },
      { path: "demo.html", sha256: hash("as it was") },
    ]);
    expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
    expect([statSync(at("real")).ino, statSync(at("real")).mode & 0o777]).toEqual([inode, 0o700]);
    expect(statSync(at("real", "model.js")).mode & 0o777).toBe(0o640);
    expect(readdirSync(at("real")).sort()).toEqual(["demo.html", "manifest.json", "model.js"]);
  });

  it("are finished by whoever comes next, once they were all there", () => {
    const at = folderWith({ "model.js": "old", "samples.bin": "old", "mine.txt": "mine" });
    mkdirSync(at(".snnc-commit"));
    const removals = [{ path: "samples.bin", sha256: hash("old") }];
    const plan = { host, pid: dead, files: ["model.js", "model.wasm"], removals };
    writeFileSync(at(".snnc-commit", "plan.json"), JSON.stringify(plan));
    // The other file has been renamed already.
    writeFileSync(at(".snnc-commit", "model.js"), "new");
    writeFileSync(at("model.wasm"), "new");
    tryToWrite(at("any.snn"));
    expect(readdirSync(at()).sort()).toEqual(["mine.txt", "model.js", "model.wasm"]);
    expect(readFileSync(at("model.js"), "utf8")).toBe("new");
  });

  it("wait for no process that is at work, and trust no plan with other names", () => {
    const at = folderWith({ "thesis.tex": "mine" });
    mkdirSync(at(".snnc-commit"));
    const plan = (pid: number, name: string): void => {
      const removals = [{ path: name, sha256: hash("mine") }];
      const text = JSON.stringify({ host, pid, files: [], removals });
      writeFileSync(at(".snnc-commit", "plan.json"), text);
    };
    plan(process.ppid, "model.js");
    expect(() => replaceInFolder(at(), files, [])).toThrow("EBUSY");
    for (const name of ["thesis.tex", "../1/thesis.tex", "/etc/passwd", "."]) {
      plan(dead, name);
      expect(() => replaceInFolder(at(), files, [])).toThrow("EBADMSG");
    }
    expect(readdirSync(at()).sort()).toEqual([".snnc-commit", "thesis.tex"]);
  });

  it("take nothing from where a link leads", () => {
    const plan = JSON.stringify({ host, pid: dead, files: ["model.js"], removals: [] });
    const elsewhere = folderWith({ "plan.json": plan, "model.js": "mine" });
    const at = folderWith();
    symlinkSync(elsewhere(), at(".snnc-commit"));
    expect(() => replaceInFolder(at(), files, [])).toThrow("EBADMSG");
    expect([readdirSync(at()), readdirSync(elsewhere()).sort()]).toEqual([
      [".snnc-commit"],
      ["model.js", "plan.json"],
    ]);
  });
});

function manifestOf(files: Readonly<Record<string, string>>, target: string | null): string {
  const listed = Object.entries(files).map(([name, text]) => ({ path: name, sha256: hash(text) }));
  const kind = target === null ? { model: "0" } : { target };
  return JSON.stringify({ tool: { name: "snnc" }, ...kind, files: listed });
}

describe("a build's folder", () => {
  it("knows every name that a build writes", () => {
    expect([...runtimeNames, ...pageNames].every((name) => buildNames.includes(name))).toBe(true);
    expect(["model.js", "report.html", "lenet_4.c", "lenet_4_test.c"].map(isOwnName)).toEqual([
      ...[true, true, true, true],
    ]);
    expect(["../x.c", "a/b.c", ".c", "X.c", "x.cpp"].some(isOwnName)).toBe(false);
  });

  const build = new Map([["model.js", bytes("new")]]);

  it("loses what an earlier build had besides, and only that", () => {
    const old = { "model.js": "old", "samples.bin": "s" };
    const at = folderWith({ ...old, "manifest.json": manifestOf(old, "wasm") });
    writeBuildFolder(at(), new Map([...build, ["manifest.json", bytes("{}")]]), false);
    expect(readdirSync(at()).sort()).toEqual(["manifest.json", "model.js"]);
  });

  it.for([
    ["lists other names", { "thesis.tex": "mine" }, { "thesis.tex": "mine" }],
    ["lists a folder above", { "../x": "mine" }, {}],
    ["has another hash", { "model.js": "as built" }, { "model.js": "changed since" }],
  ] as const)("is not ours where its manifest %s", ([, listed, there]) => {
    const files = { ...there, "manifest.json": manifestOf(listed, "wasm") };
    const at = folderWith(files);
    const wanted = Object.keys(there).length > 0 ? ["folder-not-ours"] : [];
    expect(codesOf(() => checkBuildFolder(at(), false))).toEqual(wanted);
    if (wanted.length > 0) {
      expect(codesOf(() => writeBuildFolder(at(), build, false))).toEqual(wanted);
      for (const [name, text] of Object.entries(files)) {
        expect(readFileSync(at(name), "utf8")).toBe(text);
      }
      // Among them only files of the build's names are written, even where that is wanted.
      writeBuildFolder(at(), build, true);
      if ("thesis.tex" in there) expect(readFileSync(at("thesis.tex"), "utf8")).toBe("mine");
    }
  });

  it("is not a report's, nor the other way round", () => {
    const report = { "report.json": "r" };
    const at = folderWith({ ...report, "manifest.json": manifestOf(report, null) });
    expect(codesOf(() => checkBuildFolder(at(), false))).toEqual(["folder-not-ours"]);
    const other = folderWith({ ...report, "manifest.json": manifestOf(report, "wasm") });
    const files = new Map([["report.json", bytes("new")]]);
    expect(codesOf(() => writeReportFolder(other(), files))).toEqual(["report-not-ours"]);
    writeReportFolder(at(), files);
    expect(readFileSync(at("report.json"), "utf8")).toBe("new");
  });

  it("does not lose a folder that has a file's name", () => {
    const at = folderWith();
    mkdirSync(at("model.js"));
    expect(codesOf(() => writeBuildFolder(at(), build, true))).toEqual(["cannot-write"]);
    expect(readdirSync(at())).toEqual(["model.js"]);
  });
});

describe("a report's folder", () => {
  it.for(["report.json", "report.html", "manifest.json"])("keeps a %s of others", (name) => {
    const at = folderWith({ [name]: '{"name": "my app"}', "mine.txt": "mine" });
    const files = new Map([["report.json", bytes("new")]]);
    expect(codesOf(() => writeReportFolder(at(), files))).toEqual(["report-not-ours"]);
    expect(readFileSync(at(name), "utf8")).toBe('{"name": "my app"}');
    renameSync(at(name), at("moved"));
    writeReportFolder(at(), files);
    expect(readdirSync(at()).sort()).toEqual(["mine.txt", "moved", "report.json"]);
  });
});

describe("outputs", () => {
  it("replace nothing that is read, by whatever name", () => {
    const at = folderWith({ a: "1", b: "2" });
    symlinkSync("a", at("link"));
    linkSync(at("b"), at("hard"));
    mkdirSync(at("sub"));
    symlinkSync("..", at("sub", "up"));
    for (const name of ["a", "link", "sub/../a", "sub/up/link", "hard", "b"]) {
      const [first, second] = [createOutputs(), createOutputs()];
      first.reads(at("a"), at("b"), at("nothing"));
      expect(codesOf(() => first.writes(at(name)))).toEqual(["output-is-input"]);
      second.writes(at(name));
      expect(codesOf(() => second.reads(at("a"), at("b")))).toEqual(["output-is-input"]);
      expect(codesOf(() => second.reads(at("nothing")))).toEqual([]);
    }
  });

  it("have a place each, and none of them is a folder", () => {
    const at = folderWith();
    const outputs = createOutputs();
    outputs.writes(at("out", "report.json"));
    outputs.writes("/dev/null");
    outputs.writes("/dev/null");
    const into = (): void => outputs.writesInto(at("out"), ["report.json"]);
    expect(codesOf(into)).toEqual(["outputs-collide"]);
    expect(codesOf(() => outputs.writes(at()))).toEqual(["cannot-write"]);
    expect(existsSync(at("out"))).toBe(false);
  });
});
