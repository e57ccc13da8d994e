/** The help of every command, frozen: options do not change their names or vanish by accident. */
import { describe, it } from "vitest";
import { snnc } from "./snnc.ts";

const commands = [
  "check",
  "convert",
  "eval",
  "run",
  "build",
  "report",
  "inspect",
  "diff",
  "passes",
  "ops",
];

describe.concurrent("help", () => {
  it.for(["", ...commands])("of snnc %s is as frozen", async (command, { expect }) => {
    const { code, stdout, stderr } = await snnc([command, "--help"].filter((arg) => arg !== ""));
    expect(code).toBe(0);
    expect(stderr).toBe("");
    const name = command === "" ? "snnc" : command;
    await expect(stdout).toMatchFileSnapshot(`help/${name}.txt`);
    // An option that no group has would stand under a heading of its own.
    if (command !== "") expect(stdout).not.toMatch(/^Options:/m);
  });
});
