/**
 * Suite `growth`: time of a spiking network against what it should grow with, one thing at a time,
 * as rows and as a page of plots. The ratio compares with linear growth from the first point on.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import type { SampleSource } from "../../../ir/executable.ts";
import { encodePackage } from "../../../ir/file/package.ts";
import { f32 } from "../../../ir/tensor.ts";
import { type Bench, ourName, rowsOrAlert, threadsNote } from "../context.ts";
import { type Contestant, interleave, withContestants } from "../processes/contestant.ts";
import { type Curve, type Point, drawGrowth } from "./growth-page.ts";
import { writeInputs } from "../processes/inputs.ts";
import { type GrowthNetwork, growthNetwork } from "../networks/networks.ts";
import { fillUniform } from "../networks/noise.ts";
import { outFolder } from "../project.ts";
import type { InputFile, Measurement } from "../processes/protocol.ts";
import { type Row, rowOf } from "../rows.ts";
import { startOurs } from "../sides.ts";

/** One point to measure, before it is. */
interface Setting extends GrowthNetwork {
  readonly label: string;
  readonly x: number;
  /** Work relative to other points of the same curve, if growth is linear; null: x as measured. */
  readonly work: number | null;
  readonly images: number;
  readonly threads: number;
}

interface GrowthSize {
  readonly axis: string;
  /** What the values are per: an image, or a run of several. */
  readonly metric: "ms/image" | "ms/run";
  readonly linearIn: string;
  readonly settings: readonly Setting[];
}

/** What stands still while something else grows. */
const middle = { width: 512, firingRate: 0.1, timesteps: 16, images: 1, threads: 1 } as const;

/** The curves, each with few points where the run is to be quick. */
export function plansOf(quick: boolean, threads: number): GrowthSize[] {
  const some = (values: readonly number[]): readonly number[] =>
    quick ? values.filter((_, i) => i % 2 === 0) : values;
  const vary = (
    axis: string,
    values: readonly number[],
    set: (x: number) => Partial<Setting> & { readonly work: number | null },
    metric: GrowthSize["metric"] = "ms/image",
  ): GrowthSize => ({
    axis,
    metric,
    linearIn: axis === "width" ? "synapses, the square" : axis === "threads" ? "1 / threads" : axis,
    settings: values.map((x) => ({ ...middle, label: `${axis} ${x}`, x, ...set(x) })),
  });
  const counts = Array.from({ length: threads }, (_, i) => i + 1);
  const powers = counts.filter((n) => (n & (n - 1)) === 0 || n === threads);
  return [
    vary("timesteps", some([4, 8, 16, 32, 64]), (timesteps) => ({ timesteps, work: timesteps })),
    vary("batch", some([1, 2, 4, 16, 64]), (images) => ({ images, work: images }), "ms/run"),
    // Synapses of layers of equal width grow with its square.
    vary("width", some([64, 128, 256, 512, 1024]), (width) => ({ width, work: width ** 2 })),
    vary("firing rate", some([0.01, 0.03, 0.1, 0.2, 0.4]), (firingRate) => ({
      firingRate,
      work: null,
    })),
    vary("threads", powers, (count) => ({ threads: count, images: 64, work: 1 / count }), "ms/run"),
  ];
}

export async function growthSuite(bench: Bench): Promise<Row[]> {
  const curves: Curve[] = [];
  const rows: Row[] = [];
  for (const plan of plansOf(bench.settings.quick, availableParallelism())) {
    const work = async (): Promise<Row[]> => {
      const { made, points } = await measurePlan(plan, bench);
      const { axis, metric, linearIn } = plan;
      curves.push({ axis, metric, linearIn, points });
      return made;
    };
    rows.push(...(await rowsOrAlert(bench, `growth with ${plan.axis}`, work)));
  }
  const file = path.join(outFolder, "growth.html");
  await writeFile(file, await drawGrowth(curves, ourName(bench.settings)));
  bench.context.terminal.note(`growth: wrote ${path.relative(process.cwd(), file)}`);
  return rows;
}

/** Measures all points of one curve in turns. */
async function measurePlan(
  plan: GrowthSize,
  bench: Bench,
): Promise<{ made: Row[]; points: Point[] }> {
  const { settings } = bench;
  return withContestants(bench.node, async (start) => {
    const images = new Map<Contestant, number>();
    const xs: number[] = [];
    for (const setting of plan.settings) {
      bench.status(`growth with ${plan.axis}: preparing ${setting.label}`);
      const { threads, timesteps } = setting;
      const files = await writeNetwork(setting);
      const contestant = await startOurs(start, bench, { ...files, timesteps, threads });
      images.set(contestant, setting.images);
      const { activity } = await contestant.answers(Math.min(8, files.inputs.count));
      xs.push(setting.work === null ? (activity?.firingRate ?? 0) : setting.x);
    }
    const contestants = [...images.keys()];
    const perImage = await interleave(
      contestants,
      settings.rounds,
      (contestant): Measurement => ({
        mode: "batch",
        seconds: settings.seconds / 2,
        batch: images.get(contestant) ?? 1,
      }),
      (round) => bench.status(`growth with ${plan.axis}: round ${round} of ${settings.rounds}`),
    );
    const values = perImage.map((each, i) => {
      const factor = plan.metric === "ms/run" ? (plan.settings[i]?.images ?? 1) : 1;
      return each.map((milliseconds) => milliseconds * factor);
    });
    const made = plan.settings.map((setting, i) =>
      pointRow(plan, setting, xs[i] ?? 0, xs[0] ?? 0, values[i] ?? [], values[0] ?? [], settings),
    );
    const points = made.map((row, i) => ({
      x: xs[i] ?? 0,
      milliseconds: row.subjectValue,
      linear: row.baselineValue ?? 0,
    }));
    return { made, points };
  });
}

/** One point beside what linear growth from the first point would have given. */
function pointRow(
  plan: GrowthSize,
  setting: Setting,
  x: number,
  firstX: number,
  values: readonly number[],
  first: readonly number[],
  settings: Bench["settings"],
): Row {
  const reference = plan.settings[0] ?? setting;
  const factor =
    setting.work === null || reference.work === null
      ? x / (firstX === 0 ? 1 : firstX)
      : setting.work / reference.work;
  const { width, timesteps, images, threads } = setting;
  return rowOf({
    suite: "growth",
    case: `${plan.axis} ${Number(x.toPrecision(3))}`,
    metric: plan.metric,
    better: "lower",
    subject: { name: ourName(settings), values },
    baseline: { name: `linear from ${reference.label}`, values: first.map((ms) => ms * factor) },
    note:
      `three layers of ${width}, T = ${timesteps}, ${images} ` +
      `${images === 1 ? "image" : "images"} a run, ${threadsNote(threads)}`,
  });
}

async function writeNetwork(
  setting: Setting,
): Promise<{ readonly model: string; readonly inputs: InputFile }> {
  const { width, firingRate, timesteps } = setting;
  const folder = path.join(outFolder, "growth");
  await mkdir(folder, { recursive: true });
  const model = path.join(folder, `w${width}-r${firingRate}-T${timesteps}.snn`);
  const module = growthNetwork({ width, firingRate, timesteps });
  await writeFile(model, encodePackage({ module, provenance: {} }));
  const file = path.join(folder, `w${width}.f32`);
  return { model, inputs: await writeInputs(file, noiseSamples(width), sampleCount) };
}

const sampleCount = 64;

function noiseSamples(width: number): SampleSource {
  return {
    count: sampleCount,
    get(index) {
      const data = new Float32Array(width);
      fillUniform(data, index + 1, 0, 1);
      return [f32([1, width], data)];
    },
  };
}
