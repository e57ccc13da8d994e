/** The Nodes that engines run on. */
import { describe, expect, it } from "vitest";
import { nodesAt, ownNode, shortVersion } from "../../../bench/speed/node-binary.ts";

describe("nodesAt", () => {
  it("asks each for its version", async () => {
    expect(await nodesAt(`${process.execPath},${process.execPath}`)).toEqual([ownNode, ownNode]);
    expect(shortVersion({ path: "", version: "26.10.0" })).toBe("26.10");
  });

  it("refuses what is no Node", async () => {
    await expect(nodesAt("/nowhere/node")).rejects.toThrow(/--node: \/nowhere\/node is not a Node/);
  });
});
