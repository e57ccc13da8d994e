/** Commands on networks whose input changes over time: they run as long as the samples, and say what has no meaning. */
import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeNpz } from "../../calibrate/data/formats/write.ts";
import { encodePackage } from "../../ir/file/package.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { codesIn, digits, jsonOf, snnc, temporaryFolder } from "./snnc.ts";

const inFolder = temporaryFolder("over-time");

/** Events on the left speak for class 0, those on the right for class 1. */
const weighing = `%0 = snn.input() {name = "events"} : DOMAIN[1, 1, 1, 2]
  %1 = ann.reshape(%0) {shape = [1, 2]} : DOMAIN[1, 2]
  %2 = ann.linear(%1) {weight = @w, bias = none} : VALUE[1, 2]`;
const tensors = `tensors {
  @w = f32[2, 2] dense<[1, 0, 0, 1]>
}
`;
const spiking = `module @m attributes {code = "rate", timesteps = 7, properties = []} {
  ${weighing.replaceAll("DOMAIN", "spike").replace("VALUE", "current")}
  %3 = snn.readout(%2) {start = 0} : real[1, 2]
  ann.output(%3) {name = "y"}
}
${tensors}`;
/** The same without a mean: each answer is that of one frame. */
const analogue = `module @m attributes {code = "none", timesteps = 7, properties = []} {
  ${weighing.replaceAll("DOMAIN", "real").replace("VALUE", "real")}
  ann.output(%2) {name = "y"}
}
${tensors}`;

/** The first sample begins on the right, and then goes to the left; the second one has one event, on the left. */
const recording: readonly (readonly [string, Tensor])[] = [
  ["xyp", tensorOf("u8", [4, 3], [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1])],
  ["t", tensorOf("u32", [4], [0, 1100, 1200, 50])],
  ["offset", tensorOf("i64", [3], [0, 3, 4])],
  ["y", tensorOf("i64", [2], [0, 0])],
];

beforeAll(() => {
  for (const [name, text] of [
    ["spiking.snn", spiking],
    ["analogue.snn", analogue],
  ] as const) {
    const module = parseModule(text, { file: name });
    writeFileSync(inFolder(name), encodePackage({ module, provenance: {} }));
  }
  writeFileSync(inFolder("events.npz"), encodeNpz(new Map(recording)));
  const long = new Map(recording)
    .set("xyp", tensorOf("u8", [5, 3], [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0]))
    .set("t", tensorOf("f64", [5], [0, 1100, 1200, 0, 9e15]))
    .set("offset", tensorOf("i64", [3], [0, 3, 5]));
  writeFileSync(inFolder("long.npz"), encodeNpz(long));
  const none = new Map(recording)
    .set("xyp", tensorOf("u8", [0, 3], []))
    .set("t", tensorOf("u32", [0], []))
    .set("offset", tensorOf("i64", [3], [0, 0, 0]));
  writeFileSync(inFolder("silent.npz"), encodeNpz(none));
});

/**
 * A command line, in which `@` stands for the folder. Other engines are compared with the interpreter elsewhere, and
 * take longer to get ready.
 */
const on = (line: string) =>
  snnc(`${line} --engine interpret`.split(" ").map((word) => word.replace("@", `${inFolder()}/`)));

const evaluated = async (line: string) => jsonOf(await on(`eval ${line} --json`));

describe("a network whose input changes over time", () => {
  it("is evaluated as long as the longest sample, at each timestep", async () => {
    // On the right at first; then two of three events were on the left.
    const found = await evaluated("@spiking.snn --data @events.npz");
    expect(found).toMatchObject({ kind: "snn", timesteps: [1, 2], accuracy: [0.5, 1] });
    expect(found).toMatchObject({ spikesPerSample: [0, 0], synapticOperationsPerSample: [2, 3] });
    // Where nothing happens in a frame, the first class is as good as the other.
    const frames = await evaluated("@analogue.snn --data @events.npz");
    expect(frames).toMatchObject({ kind: "ann", timesteps: [1, 2], accuracy: [0.5, 1] });
    const table = await on("eval @analogue.snn --data @events.npz");
    expect(table.stdout).toMatch(/^1 +50\.00 %.*\n2 +100\.00 %/m);
  });

  it("says which frames -T drops, and stops early where it is sure", async () => {
    const cut = await on("eval @spiking.snn --data @events.npz -T 1");
    expect(codesIn(cut.stderr)).toContain("frames-dropped");
    expect(cut.stderr).toContain("the longest sample of events.npz has 2 frames: -T 1 drops");
    const longer = await evaluated("@spiking.snn --data @events.npz -T 3");
    expect(longer).toMatchObject({ timesteps: [1, 2, 3], accuracy: [0.5, 1, 1] });
    expect(JSON.stringify(longer["diagnostics"])).not.toContain("frames-dropped");
    const early = await evaluated("@spiking.snn --data @events.npz --early-exit 0.4");
    // e/(e + 1) − 1/(e + 1) = 0.46 after the first frame.
    expect(early["earlyExit"]).toMatchObject({ meanTimesteps: 1, accuracy: 0.5 });
    const ran = await on("run @spiking.snn --input @events.npz -o @y.npy -T 1");
    expect(codesIn(ran.stderr)).toContain("frames-dropped");
  });

  it("runs for no more frames than timesteps can be asked for, and makes those only that it reads", async () => {
    const refused = async (line: string) => {
      const { code, stderr } = await on(`${line} --quiet`);
      return [code, stderr];
    };
    const said =
      /error\[too-many-frames\]: sample 1 of .*long\.npz has 9000000000001 frames; .*1000000 timesteps/;
    for (const line of [
      "run @spiking.snn --input @long.npz -o @y.npy",
      "eval @spiking.snn --data @long.npz",
      "convert @analogue.snn --passes canonical --calib @long.npz -o @out.snn",
    ]) {
      expect(await refused(line)).toEqual([1, expect.stringMatching(said)]);
    }
    // The event after 9e12 frames is dropped, which leaves the samples of events.npz.
    const cut = await on("eval @spiking.snn --data @long.npz -T 2 --json");
    expect(jsonOf(cut)).toMatchObject({ timesteps: [1, 2], accuracy: [0.5, 1] });
    const made = await on(
      "convert @analogue.snn --passes canonical --calib @long.npz -o @out.snn -T 2 --json",
    );
    expect(jsonOf(made)).toMatchObject({ timesteps: 2 });
    const ran = await on("run @spiking.snn --input @long.npz -o @y.npy -T 2");
    expect(ran.code).toBe(0);
    expect(codesIn(ran.stderr)).toContain("frames-dropped");
  });

  it("takes samples without events: one frame of nothing", async () => {
    const found = await evaluated("@spiking.snn --data @silent.npz");
    expect(found).toMatchObject({ timesteps: [1], synapticOperationsPerSample: [0] });
  });

  it("is rewritten by passes that keep what it computes, with as many timesteps as there are frames", async () => {
    const ran = await on(
      "convert @analogue.snn --passes canonical --calib @events.npz -o @out.snn --json",
    );
    expect(jsonOf(ran)).toMatchObject({ timesteps: 2 });
    const cut = await on(
      "convert @analogue.snn --passes canonical --calib @events.npz -o @out.snn -T 1",
    );
    expect(codesIn(cut.stderr)).toContain("frames-dropped");
  });

  it("has no report, no conversion to spikes, and no still data", async () => {
    const refused = async (line: string) => {
      const { code, stderr } = await on(`${line} --quiet`);
      return [code, ...codesIn(stderr)];
    };
    expect(
      await refused(`report @spiking.snn --model ${digits.model} --data @events.npz -o @report`),
    ).toEqual([1, "report-over-time"]);
    const passes = "fold-batchnorm,convert-differential";
    expect(
      await refused(`convert @analogue.snn --passes ${passes} --calib @events.npz -o @out.snn`),
    ).toEqual([1, "pass-not-over-time"]);
    expect(await refused(`run @spiking.snn --input ${digits.test} -o @y.npy`)).toEqual([
      1,
      "input-frames",
    ]);
    const missing = await on("eval @spiking.snn --data @nowhere.npz");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("nowhere.npz");
  });
});
