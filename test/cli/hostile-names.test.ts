/**
 * Names that command a terminal, fake a message, close an HTML element or leave a folder: through
 * every command that shows names, in one process with colours on, and with `--json`.
 */
import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { Budget } from "../../calibrate/data/budget.ts";
import { openDataset } from "../../calibrate/data/open.ts";
import { parseData } from "../../calibrate/data/parse.ts";
import { archiveNames, encodeNpy, encodeNpz } from "../../calibrate/data/formats/write.ts";
import { renderDiagnostics } from "../../cli/terminal/render.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { floats, model, node, pseudoRandom, value } from "../frontend/build-model.ts";
import { importBytes } from "../frontend/run.ts";
import { entry, start, temporaryFolder } from "./snnc.ts";

const at = temporaryFolder("names");
const evil =
  "../../\u001b[31mEVIL\u001b]0;title\u0007\u009b2J\r\nerror[faked]: gone\u202e\u007f<img src=x onerror=1>'\"&";
const n = (what: string): string => `${what}${evil}`;

beforeAll(async () => {
  const wide = { name: "w", dims: [4, 3] } as const;
  const network = (second: string) =>
    model({
      name: n("graph"),
      inputs: [value(n("in"), [1, 4])],
      outputs: [value(n("out"), [1, 2])],
      initializers: [floats(n("w1"), wide.dims), floats(n("w2"), [3, 2])],
      nodes: [
        node("MatMul", [n("in"), n("w1")], [n("a")], {}, { name: n("first") }),
        node(second, [n("a")], [n("b")], {}, { name: n("act") }),
        node("MatMul", [n("b"), n("w2")], [n("out")], {}, { name: n("last") }),
      ],
    });
  await writeFile(at("net.onnx"), network("Relu"));
  await writeFile(at("other.onnx"), network("Sigmoid"));
  await writeFile(at("unknown.onnx"), network(n("Op")));
  const open = {
    inputs: [value(n("in"), [n("batch"), n("axis"), 4])],
    outputs: [value(n("out"), null)],
    nodes: [node("Relu", [n("in")], [n("out")])],
  };
  await writeFile(at("axis.onnx"), model(open));
  const x = tensorOf("f32", [12, 4], pseudoRandom(48, "x"));
  const y = tensorOf(
    "i32",
    [12],
    Array.from({ length: 12 }, (_, i) => i % 2),
  );
  await writeFile(
    at("data.npz"),
    encodeNpz(
      new Map([
        ["x", x],
        ["y", y],
      ]),
    ),
  );
  await writeFile(at("x.npy"), encodeNpy(x));
});

const data = ["--threads", "1", "--data"];

/** Each command that shows names, with a message of each kind among them. */
function commands(): readonly (readonly string[])[] {
  const { calib, out } = {
    calib: ["--calib", at("data.npz"), "--threads", "1"],
    out: at("net.snn"),
  };
  const probe = [...["run", out, "--input", at("x.npy"), "--threads", "1"], "--probe"];
  return [
    ["check", at("net.onnx")],
    ["check", at("unknown.onnx")],
    ["check", at("axis.onnx")],
    [
      "convert",
      at("net.onnx"),
      ...calib,
      "-o",
      out,
      "--report",
      at("report"),
      "--print-after",
      "all",
    ],
    ["eval", out, ...data, at("data.npz")],
    [...probe, n("act"), "-o", at("out.npz")],
    ["inspect", out, "--locs", "full"],
    ["diff", at("net.onnx"), at("other.onnx")],
    ["build", out, "--target", "wasm", "-o", at("site")],
  ];
}

/** Messages alone, which are quick. */
function failures(): readonly (readonly string[])[] {
  const probe = ["run", at("net.snn"), "--input", at("x.npy"), "-o", at("no.npz"), "--probe"];
  return [
    ["check", at("net.onnx")],
    ["check", at("unknown.onnx")],
    ["check", at("axis.onnx")],
    [...probe, n("nowhere")],
    ["inspect", at("net.snn")],
    ["diff", at("net.onnx"), at("other.onnx")],
    ["eval", at(n("none").replaceAll("/", "-")), ...data, at("data.npz")],
  ];
}

/** Commands in one process, with colours. */
async function run(list: readonly (readonly string[])[]) {
  const address = pathToFileURL(path.join(path.dirname(entry), "program.js")).href;
  const program = `
    import { runProgram } from ${JSON.stringify(address)};
    for (const args of ${JSON.stringify(list)}) await runProgram(args);`;
  await writeFile(at("all.mjs"), program);
  return start(process.execPath, [at("all.mjs")], { env: { FORCE_COLOR: "1" } });
}

/** What is left of a text without line breaks and our own colours. */
function bare(text: string): string {
  return text.replace(/\u001b\[\d{1,2}m/g, "").replaceAll("\n", "");
}

describe("names of models, files and data", () => {
  it("command no terminal and fake no line", async () => {
    const { stdout, stderr } = await run(commands());
    expect(stderr).toContain("array-renamed");
    for (const text of [stdout, stderr]) {
      expect(text).toContain("\\u001b[31mEVIL");
      expect(bare(text)).not.toMatch(/[\p{Cc}\u202e]/u);
      expect(text).not.toContain("\u001b[31mEVIL");
      expect(text).not.toMatch(/^ *error\[faked/m);
    }
  });

  it("are escaped in JSON, and the same when it is read", async () => {
    const { stdout, stderr } = await run(failures().map((args) => [...args, "--json"]));
    expect(bare(stdout)).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(bare(stderr)).not.toMatch(/[\p{Cc}\u202e]/u);
    const values: unknown[] = stdout
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(values).toHaveLength(failures().length);
    expect(JSON.stringify(values)).toContain(JSON.stringify(evil).slice(1, -1));
  });

  it("leave no element of a page and no folder", async () => {
    const report = await readFile(at("report", "report.html"), "utf8");
    expect(report).not.toContain("<img");
    expect(report).not.toMatch(/\u001b|\u009b|\u202e/);
    expect((await readdir(at("site"))).filter((name) => name.includes("EVIL"))).toEqual([]);
    const { fields } = await openDataset(at("out.npz"), { withLabels: false });
    const names = fields.map((field) => field.name);
    expect(names).toHaveLength(2);
    expect(names.join("")).toContain("out../%2E%2E/%1B[31mEVIL");
    expect(names.join("")).not.toMatch(/(^|\/)\.\.(\/|$)|[\\\p{Cc}]/u);
  });
});

describe("names in an archive", () => {
  it("stay apart from each other, and the plain ones as they are", () => {
    const long = "é".repeat(40_000);
    const names = archiveNames(["../a", "%2E%2E/a", "/b", "c:0", "..\\d", long, `${long}!`]);
    const written = [...names.values()];
    expect(new Set(written).size).toBe(7);
    expect(names.get("%2E%2E/a")).toBe("%2E%2E/a");
    expect([names.get("../a"), names.get("/b"), names.get("c:0"), names.get("..\\d")]).toEqual([
      "%2E%2E/a.2",
      "/b",
      "c:0",
      "..%5Cd",
    ]);
    expect(Math.max(...written.map((name) => Buffer.byteLength(name)))).toBeLessThan(65_000);
    const one = tensorOf("f32", [1], [1]);
    expect(encodeNpz(new Map(written.map((name) => [name, one]))).length).toBeGreaterThan(0);
  });
});

describe("names of 60,000 characters", () => {
  const long = (letter: string): string => letter.repeat(60_000);

  it("of arrays are cut in what is said, so that the rest can be read", async () => {
    const x = tensorOf("u8", [1], [1]);
    const bytes = encodeNpz(
      new Map([
        [long("a"), x],
        [long("b"), x],
      ]),
    );
    const wanted = { inputs: ["input"], x: null, y: null, part: null, withLabels: true };
    const parsing = { wanted, labelsOnly: false, budget: new Budget(), diagnostics: [] };
    const said = await parseData(bytes, "d.npz", parsing).catch((error: unknown) =>
      error instanceof DiagnosticError ? error.diagnostics : [],
    );
    expect(said).toMatchObject([{ code: "data-arrays" }]);
    const text = renderDiagnostics(said instanceof Array ? said : [], false);
    expect(text.length).toBeLessThan(2000);
    expect(text).toContain("(60000 characters)");
  });

  it("of operators are cut where people read them", () => {
    const nodes = [node(long("Op"), ["x"], ["y"], {}, { name: long("n") })];
    const parts = { inputs: [value("x", [1, 4])], outputs: [value("y", null)], nodes };
    const text = renderDiagnostics(importBytes(model(parts)).diagnostics, false);
    expect(text).toContain("OpOp");
    for (const line of text.split("\n")) expect(line.length).toBeLessThan(2200);
  });
});
