/**
 * Builds the example and runs it in a real browser: on a page, in a worker, in pools with and without
 * shared memory, as the demo page, and on the engine itself. Every answer is compared with the engine's here; screenshots
 * go to out/browser/.
 *
 *     npm run test:browser
 *
 * The browser is CHROMIUM_PATH, or a Chromium or Chrome where systems put them. Exit code 3 says that
 * there is none: then nothing was tested.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { chromium } from "playwright-core";
import { optionsOf } from "../cli/script.ts";
import { checkDemo } from "./browser/demo.ts";
import { checkEngine } from "./browser/engine.ts";
import { makeExample } from "./browser/example.ts";
import { checkLoader, checkWithoutWorkers } from "./browser/loader.ts";
import { serveFolder } from "./browser/server.ts";

optionsOf(
  new Command("test:browser").description(
    "run the built example in a browser: CHROMIUM_PATH, or where systems put one",
  ),
);

const browsers = [
  process.env["CHROMIUM_PATH"] ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

const executablePath = browsers.find((file) => file !== "" && existsSync(file));
if (executablePath === undefined) {
  console.error("NO BROWSER FOUND, NOTHING TESTED: install Chromium or set CHROMIUM_PATH");
  process.exit(3);
}
let passed = 0;
let failed = 0;
function check(what: string, holds: boolean, found: unknown): void {
  if (holds) passed++;
  else failed++;
  const detail = holds ? "" : `: found ${JSON.stringify(found)}`;
  console.log(`${holds ? "ok" : "FAILED"}  ${what}${detail}`);
}

const folder = mkdtempSync(path.join(os.tmpdir(), "snnc-browser-"));
const pictures = path.resolve("out/browser");
mkdirSync(pictures, { recursive: true });
// Root may run browsers only without their sandbox; what runs in it is ours.
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  console.log(`Chromium ${browser.version()}`);
  const example = await makeExample(folder);
  const isolated = await serveFolder(example.build, true);
  const plain = await serveFolder(example.build, false);
  await checkLoader(browser, isolated.origin, "shared", example, check);
  await checkLoader(browser, plain.origin, "separate", example, check);
  await checkWithoutWorkers(browser, isolated.origin, example, check);
  await checkDemo(browser, isolated.origin, pictures, example, check);
  await checkEngine(browser, path.join(folder, "digits.snn"), example, check);
  isolated.close();
  plain.close();
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
