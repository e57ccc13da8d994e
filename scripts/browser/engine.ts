/**
 * The engine itself in a browser, on the page's own thread and on its workers: the same bytes as
 * here. What bundlers do to the names of packages is done while serving.
 */
import { readFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import type { Example } from "./example.ts";
import type { Check } from "./loader.ts";

/** The compiled sources: here where this is compiled too, else as `npm run build` left them. */
const dist = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../../dist/" : "../../", import.meta.url),
);
const packages = path.resolve("node_modules");

const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

interface Answer {
  readonly codes: readonly string[];
  readonly logits: readonly (readonly number[])[];
}

/** Runs as text in the page. Inputs are given as JSON; `how` are the options of `load`. */
const script = `async ({ inputs, timesteps, how }) => {
  const { browserWasmEngine } = await import("/dist/backends/wasm/runtime/web-workers.js");
  const { decodePackage } = await import("/dist/ir/file/package.js");
  const { inputsOf } = await import("/dist/ir/module.js");
  const bytes = new Uint8Array(await (await fetch("/network.snn")).arrayBuffer());
  const { module } = decodePackage(bytes, "network.snn");
  const [{ type: { dtype, shape } }] = inputsOf(module);
  const codes = [];
  const onDiagnostic = ({ code }) => codes.push(code);
  const executable = await browserWasmEngine.load(module, { ...how, onDiagnostic });
  const get = (i) => [{ dtype, shape, data: Float32Array.from(inputs[i]) }];
  const logits = [];
  await executable.run({ count: inputs.length, get }, { timesteps }, ({ outputs }) => {
    logits.push([...outputs[0]]);
  });
  await executable.close();
  return { codes, logits };
}`;

/** `network` is the file that the example was built from. */
export async function checkEngine(
  browser: Browser,
  network: string,
  { samples, timesteps }: Example,
  check: Check,
): Promise<void> {
  const inputs = samples.map(({ input }) => input);
  const expected = JSON.stringify(samples.map(({ logits }) => logits));
  for (const isolated of [true, false]) {
    const server = await serve(network, isolated);
    const page = await browser.newPage();
    await page.goto(`${originOf(server)}/`);
    for (const how of [{ threads: 1 }, { threads: 2 }, { threads: 2, split: "tiles" }] as const) {
      const given = JSON.stringify({ inputs, timesteps, how });
      const answer: Answer = await page.evaluate(`(${script})(${given})`);
      const what = `engine, ${isolated ? "isolated" : "plain"} page, ${JSON.stringify(how)}`;
      check(`${what}: logits`, JSON.stringify(answer.logits) === expected, answer.logits[0]);
      const remarks = isolated || how.threads === 1 ? "" : "no-shared-memory";
      check(`${what}: remarks`, answer.codes.join() === remarks, answer.codes);
    }
    await page.close();
    server.close();
  }
}

async function serve(network: string, isolated: boolean): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://here");
    const headers = isolated ? isolation : {};
    if (pathname === "/") {
      response.writeHead(200, { "Content-Type": "text/html", ...headers });
      response.end('<!doctype html><link rel="icon" href="data:,"><title>empty</title>');
      return;
    }
    const file = fileOf(pathname, network);
    const type = file.endsWith(".js")
      ? "text/javascript; charset=utf-8"
      : "application/octet-stream";
    readFile(file).then(
      (bytes) => {
        response.writeHead(200, { "Content-Type": type, ...headers });
        response.end(file.startsWith(dist) && file.endsWith(".js") ? linked(bytes) : bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function fileOf(pathname: string, network: string): string {
  if (pathname === "/network.snn") return network;
  const [, top = "", ...rest] = pathname.split("/");
  return path.join(top === "dist" ? dist : packages, ...rest);
}

/** Names of packages as addresses. */
function linked(source: Buffer): string {
  return source
    .toString()
    .replace(/"(@noble\/hashes\/[\w.]+)"/g, '"/node_modules/$1"')
    .replaceAll('import("#binaryen")', 'import("/dist/browser/binaryen.js")');
}

function originOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") return "";
  return `http://127.0.0.1:${address.port}`;
}
