/** Colours and progress are for terminals: seen through util-linux's `script`, which makes one. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Ran, digits, entry, snnc, start } from "../snnc.ts";

const script = "/usr/bin/script";
const escape = String.fromCharCode(27);

function onTerminal(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const command = [process.execPath, entry, ...args].map((word) => `'${word}'`).join(" ");
  return start(script, ["-qec", command, "/dev/null"], { env: { TERM: "xterm", ...env } });
}

describe.concurrent("colours", () => {
  it.skipIf(!existsSync(script))("are shown on a terminal", async () => {
    const { code, stdout } = await onTerminal(["check", digits.model]);
    expect(code).toBe(0);
    expect(stdout).toContain(`${escape}[32m`);
  });

  it.skipIf(!existsSync(script))("are left out with NO_COLOR, and with --json", async () => {
    const plain = await onTerminal(["check", digits.model], { NO_COLOR: "1" });
    expect(plain.stdout).toContain("can be converted");
    expect(plain.stdout).not.toContain(escape);
    const json = await onTerminal(["check", digits.model, "--json"]);
    expect(json.stdout).not.toContain(escape);
  });

  it("are left out where there is no terminal, also on a build server", async () => {
    const { stdout } = await snnc(["check", digits.model], { env: { CI: "true" } });
    expect(stdout).not.toContain(escape);
    const { stderr } = await snnc(["check", "nowhere.onnx"], { env: { CI: "true" } });
    expect(stderr).toContain("file-not-found");
    expect(stderr).not.toContain(escape);
  });
});
