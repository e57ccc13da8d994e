/** A short run of the bars of damaged files; `npm run verify -- npz` and `-- snn` are the long ones. */
import { describe, expect, it } from "vitest";
import { attempt } from "../../scripts/fuzz/supervise.ts";
import { target as npz } from "../../scripts/verify/npz.ts";
import { target as snn } from "../../scripts/verify/snn.ts";

describe.each([npz, snn])("damaged files of the kind $name", (target) => {
  it("come from whole ones that are used to their end", async () => {
    for (const seed of target.seeds.slice(0, 12)) {
      expect(await attempt(target, seed)).toEqual({ kind: "used", why: "" });
    }
  });

  it("are refused with diagnostics or used, and the same each time", async () => {
    for (let run = 0; run < 60; run++) {
      const bytes = target.mutant(7, run);
      expect(target.mutant(7, run)).toEqual(bytes);
      expect((await attempt(target, bytes)).why).toBe("");
    }
  });

  it("would be found if reading them ended otherwise", async () => {
    const broken = { use: (): void => expect.unreachable("ours") };
    expect((await attempt(broken, target.mutant(7, 0))).kind).toBe("crashed");
  });
});
