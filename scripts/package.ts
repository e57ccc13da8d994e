/**
 * What a user of the package gets: packs it, installs it in a project of its own, compiles that with
 * every check of the compiler on, libraries included, and bundles it for a browser.
 *
 *     npm run test:package
 *
 * Asks the package registry for the dependencies, as any installation does.
 */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { build } from "esbuild";
import { optionsOf } from "../cli/script.ts";

/** Bytes, minified, of a bundle that only reads models; measured: 331 kB. Binaryen alone is 14 MB. */
const mostImporterBytes = 450_000;

optionsOf(
  new Command("test:package").description(
    "pack and install the package, compile a project with it, and bundle that",
  ),
);

let passed = 0;
let failed = 0;
function check(what: string, holds: boolean, found = ""): void {
  if (holds) passed++;
  else failed++;
  console.log(`${holds ? "ok" : "FAILED"}  ${what}${holds || found === "" ? "" : `: ${found}`}`);
}

const scratch = mkdtempSync(path.join(os.tmpdir(), "snnc-package-"));
const project = path.join(scratch, "project");
mkdirSync(project);

/** What a command prints, or null and its words where it fails. */
function run(
  what: string,
  command: string,
  parameters: readonly string[],
  cwd: string,
): string | null {
  try {
    const output = execFileSync(command, parameters, { cwd, encoding: "utf8", stdio: "pipe" });
    check(what, true);
    return output;
  } catch (error) {
    const said = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    check(what, false, `${error instanceof Error ? error.message : String(error)}\n${said}`);
    return null;
  }
}

function write(name: string, text: string): void {
  writeFileSync(path.join(project, name), text);
}

/** A program for each place that the library is for; none has more types than its place gives it. */
function writeProject(): void {
  write("package.json", JSON.stringify({ private: true, type: "module" }));
  write("importer.ts", 'import { importOnnx } from "snnc";\nglobalThis.importer = importOnnx;\n');
  write("page.ts", 'import * as snnc from "snnc";\nglobalThis.everything = snnc;\n');
  write(
    "server.ts",
    'import * as snnc from "snnc";\nimport * as node from "snnc/node";\nglobalThis.everything = [snnc, node];\n',
  );
  write("globals.d.ts", "declare var importer: unknown;\ndeclare var everything: unknown;\n");
  const strict = {
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
    target: "es2022",
    module: "nodenext",
    types: [],
    noEmit: true,
  };
  for (const [name, files, lib] of [
    ["page", ["globals.d.ts", "importer.ts", "page.ts"], ["es2023", "dom", "dom.iterable"]],
    ["server", ["globals.d.ts", "server.ts"], ["es2023", "dom"]],
  ] as const) {
    write(`tsconfig.${name}.json`, JSON.stringify({ compilerOptions: { ...strict, lib }, files }));
  }
}

/** Bundles one file for a browser without a word on what is outside; its size, or null. */
async function bundle(name: string): Promise<number | null> {
  const outfile = path.join(project, "bundle", `${name}.js`);
  try {
    const { warnings } = await build({
      entryPoints: [path.join(project, `${name}.ts`)],
      bundle: true,
      platform: "browser",
      format: "esm",
      minify: true,
      outfile,
      logLevel: "silent",
    });
    check(`${name} bundles for a browser`, warnings.length === 0, JSON.stringify(warnings));
    return statSync(outfile).size;
  } catch (error) {
    check(`${name} bundles for a browser`, false, error instanceof Error ? error.message : "");
    return null;
  }
}

try {
  const packing = ["pack", "--ignore-scripts", "--pack-destination", scratch];
  run("npm pack", "npm", packing, process.cwd());
  const tarball = readdirSync(scratch).find((name) => name.endsWith(".tgz")) ?? "";
  writeProject();
  const installing = ["install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
  run("npm install", "npm", [...installing, path.join(scratch, tarball)], project);

  const installed = path.join(project, "node_modules", "snnc");
  for (const folder of ["test", "dist/test", "dist/scripts", "dist/bench", "examples", "bench"]) {
    check(`${folder} is not in the package`, !existsSync(path.join(installed, folder)));
  }
  const ops = run("snnc ops", "npx", ["--no-install", "snnc", "ops", "--json"], project);
  check("snnc ops prints JSON", ops !== null && typeof JSON.parse(ops) === "object");

  const compiler = path.resolve("node_modules/typescript/bin/tsc");
  for (const place of ["page", "server"]) {
    const parameters = [compiler, "-p", `tsconfig.${place}.json`];
    run(`a strict ${place} compiles`, process.execPath, parameters, project);
  }
  const importer = await bundle("importer");
  console.log(`the importer alone: ${importer ?? 0} bytes`);
  check("the importer comes alone", importer !== null && importer <= mostImporterBytes);
  const page = await bundle("page");
  console.log(`everything: ${page ?? 0} bytes`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
