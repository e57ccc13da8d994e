/** A static server for one folder, as small as the test of built networks needs it. */
import { type Server, createServer } from "node:http";
import { readFile } from "node:fs/promises";
import path from "node:path";

const types: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".json", "application/json"],
  [".wasm", "application/wasm"],
]);

/** What makes a page cross-origin isolated, so that its workers may share memory. */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export interface Serving {
  readonly origin: string;
  close(): void;
}

/** Serves the files of `folder` on a free port of this machine; `/` is an empty page. */
export async function serveFolder(folder: string, isolated: boolean): Promise<Serving> {
  const server = createServer((request, response) => {
    const name = path.basename(new URL(request.url ?? "/", "http://here").pathname);
    const type = types.get(path.extname(name)) ?? "application/octet-stream";
    const headers = isolated ? isolation : {};
    if (name === "") {
      response.writeHead(200, { "Content-Type": "text/html", ...headers });
      response.end('<!doctype html><link rel="icon" href="data:,"><title>empty</title>');
      return;
    }
    readFile(path.join(folder, name)).then(
      (bytes) => {
        response.writeHead(200, { "Content-Type": type, ...headers });
        response.end(bytes);
      },
      () => {
        response.writeHead(404).end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: originOf(server), close: () => server.close() };
}

function originOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") return "";
  return `http://127.0.0.1:${address.port}`;
}
