/**
 * What a large model costs: time and memory of `check` and `convert` on a network of 100 MB, in
 * processes of their own. Takes a minute, so it runs only with SNNC_SLOW=1; its figures are annotations,
 * which `--reporter verbose` shows.
 */
import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeNpz } from "../../calibrate/data/write.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { entry, start, temporaryFolder } from "../cli/snnc.ts";
import { model, node, pseudoRandom, value } from "../frontend/build-model.ts";

const layers = 25;
const width = 1024;
/** Bytes of the weights, in units of 10⁶. */
const modelMegabytes = (layers * width * width * 4) / 1e6;

const at = temporaryFolder("memory");

/** A preload that tells the largest resident set when the process ends. */
const meter =
  "data:text/javascript,process.on('exit',()=>console.error('rss',process.resourceUsage().maxRSS))";

interface Cost {
  readonly seconds: number;
  readonly megabytes: number;
}

async function cost(args: readonly string[]): Promise<Cost> {
  const begin = performance.now();
  const { code, stderr } = await start(process.execPath, ["--import", meter, entry, ...args]);
  if (code !== 0) throw new Error(stderr);
  const kibibytes = Number(/^rss (\d+)$/m.exec(stderr)?.[1]);
  return { seconds: (performance.now() - begin) / 1000, megabytes: (kibibytes * 1024) / 1e6 };
}

/** Linear layers with a ReLU between each two. */
function mlp(count: number, size: number): Uint8Array {
  // All from one list of numbers, in turn another way round: making them is most of the work.
  const gain = Math.sqrt(24 / size);
  const values = Float32Array.from(pseudoRandom(size * size, "w"), (x) => gain * x);
  return model({
    inputs: [value("x", ["batch", size])],
    outputs: [value(`a${count - 1}`, ["batch", size])],
    nodes: Array.from({ length: count }, (_, i) => [
      node("Gemm", [i === 0 ? "x" : `r${i - 1}`, `w${i}`], [`a${i}`], { transB: 1 }),
      ...(i < count - 1 ? [node("Relu", [`a${i}`], [`r${i}`])] : []),
    ]).flat(),
    initializers: Array.from({ length: count }, (_, i) => {
      const turned = new Float32Array(values.length);
      const shift = (i * values.length) / count;
      turned.set(values.subarray(shift));
      turned.set(values.subarray(0, shift), values.length - Math.floor(shift));
      return {
        name: `w${i}`,
        dims: [size, size],
        dataType: 1,
        rawData: new Uint8Array(turned.buffer),
      };
    }),
  });
}

function samples(size: number): Uint8Array {
  const x = tensorOf("f32", [16, size], pseudoRandom(16 * size, "x"));
  return encodeNpz(new Map([["x", x]]));
}

describe.skipIf(process.env["SNNC_SLOW"] !== "1")(
  `a model of ${modelMegabytes.toFixed(0)} MB`,
  { timeout: 300_000 },
  () => {
    beforeAll(async () => {
      await writeFile(at("large.onnx"), mlp(layers, width));
      await writeFile(at("large.npz"), samples(width));
      await writeFile(at("small.onnx"), mlp(2, 16));
      await writeFile(at("small.npz"), samples(16));
    });

    const convert = (size: string, threads: number): string[] => {
      const calib = ["--calib", at(`${size}.npz`), "-T", "8", "--threads", String(threads)];
      return ["convert", at(`${size}.onnx`), ...calib, "--no-eval", "-o", at(`${size}.snn`)];
    };

    it("is checked within seconds", async ({ annotate }) => {
      const { seconds, megabytes } = await cost(["check", at("large.onnx")]);
      await annotate(`check: ${seconds.toFixed(1)} s, ${megabytes.toFixed(0)} MB`);
      expect(seconds).toBeLessThan(10);
    });

    // A thread has a heap of its own, and its own statistics of some thousand channels.
    it.for([
      [1, 4],
      [2, 6],
    ] as const)("is converted on %d threads in %d times its size", async (bounds, { annotate }) => {
      const [threads, most] = bounds;
      const baseline = await cost(convert("small", threads));
      const { seconds, megabytes } = await cost(convert("large", threads));
      const factor = (megabytes - baseline.megabytes) / modelMegabytes;
      await annotate(
        `convert on ${threads}: ${seconds.toFixed(1)} s, ${megabytes.toFixed(0)} MB, ` +
          `${factor.toFixed(2)} times the model above ${baseline.megabytes.toFixed(0)} MB`,
      );
      expect(factor).toBeLessThan(most);
    });
  },
);
