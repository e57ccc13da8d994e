/**
 * The engines that ours are compared with. They are too large to be dependencies: they are
 * installed on first use, from a lock file of their own, and are left out, loudly, where they
 * cannot be.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { peersFolder } from "./project.ts";
import type { PeerName } from "./processes/protocol.ts";

/** The packages of each peer, as npm knows them. */
const packages: Readonly<Record<PeerName, readonly string[]>> = {
  "onnxruntime-web": ["onnxruntime-web"],
  "onnxruntime-node": ["onnxruntime-node"],
  "tfjs-backend-wasm": ["@tensorflow/tfjs-backend-wasm", "@tensorflow/tfjs-core"],
};

const packageFile = z.object({ version: z.string() });

/** Null where the peer is ready to use, else why it is not. Installs it if need be. */
export async function preparePeer(peer: PeerName): Promise<string | null> {
  if (isInstalled(peer)) return null;
  const why = await install();
  if (why !== null) return why;
  return isInstalled(peer) ? null : `npm ci in ${peersFolder} did not bring it`;
}

function isInstalled(peer: PeerName): boolean {
  return packages[peer].every(isPackageInstalled);
}

/** Whether the version that the lock file names is there. */
function isPackageInstalled(name: string): boolean {
  const place = `node_modules/${name}`;
  const installed = path.join(peersFolder, place, "package.json");
  if (!existsSync(installed)) return false;
  const lock = readFileSync(path.join(peersFolder, "package-lock.json"), "utf8");
  const { version } = packageFile.parse(JSON.parse(readFileSync(installed, "utf8")));
  const wanted = z.object({ packages: z.record(z.string(), z.unknown()) }).parse(JSON.parse(lock));
  return packageFile.parse(wanted.packages[place]).version === version;
}

/** Null, or the last thing npm said. */
function install(): Promise<string | null> {
  const child = spawn("npm", ["ci", "--prefix", peersFolder, "--no-audit", "--no-fund"], {
    stdio: ["ignore", "ignore", "pipe"],
    shell: process.platform === "win32",
    // Its install script would fetch what only a graphics card can run.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  return new Promise((resolve) => {
    child.on("error", (error) => resolve(`npm could not be started: ${error.message}`));
    child.on("close", (code) => {
      const said = errors.split("\n").filter((line) => /^npm (ERR!|error)/.test(line));
      resolve(
        code === 0 ? null : `npm ci ended with ${String(code)}: ${said.slice(0, 3).join(" ")}`,
      );
    });
  });
}
