/** model.js in a browser: on the page, in a worker of the page's own, and its pool. */
import type { Browser, Page } from "playwright-core";
import type { Example } from "./example.ts";

export type Check = (what: string, holds: boolean, found: unknown) => void;

/** What the page's script answers. */
interface Answer {
  readonly isolated: boolean;
  readonly logits: readonly (readonly number[])[];
  readonly spikes: readonly number[];
  readonly exited: readonly [timesteps: number, exited: boolean];
  readonly pool: {
    readonly memory: string;
    readonly threads: number;
    readonly reason: string | null;
    readonly logits: readonly (readonly number[])[];
  };
  readonly refusal: string;
  readonly worker: readonly number[];
}

/**
 * Runs as text in the page: compilers of this file must not touch it. `inputs` are given as JSON.
 */
const script = `async (inputs) => {
  const { load } = await import("/model.js");
  const network = await load(new URL("/", location.href));
  const samples = inputs.map((input) => Float32Array.from(input));
  const results = samples.map((input) => network.run(input, { spikes: true }));
  const early = network.run(samples[0], { exit: { margin: 0.5 } });
  const pool = await network.createPool(2);
  const pooled = await pool.runAll(samples);
  pool.close();
  let refusal = "";
  try {
    network.run(new Float32Array(3));
  } catch (error) {
    refusal = error.message;
  }
  const source = "import { load } from '" + location.origin + "/model.js';" +
    "const network = await load('" + location.origin + "/');" +
    "onmessage = ({ data }) => postMessage([...network.run(data).outputs.logits.data]);" +
    "postMessage('ready');";
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  const answer = await new Promise((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.onmessage = ({ data }) => {
      if (data === "ready") worker.postMessage(samples[0]);
      else resolve(data);
    };
  });
  worker.terminate();
  return {
    isolated: crossOriginIsolated,
    logits: results.map(({ outputs }) => [...outputs.logits.data]),
    spikes: results.map(({ spikes }) => spikes.total),
    exited: [early.timesteps, early.exited],
    pool: {
      memory: pool.memory,
      threads: pool.threads,
      reason: pool.reason,
      logits: pooled.map(({ outputs }) => [...outputs.logits.data]),
    },
    refusal,
    worker: answer,
  };
}`;

/** `memory`: what the pool is to find where the page is, or is not, cross-origin isolated. */
export async function checkLoader(
  browser: Browser,
  origin: string,
  memory: "shared" | "separate",
  { samples, timesteps }: Example,
  check: Check,
): Promise<void> {
  const page = await browser.newPage();
  const complaints = complaintsOf(page);
  await page.goto(`${origin}/`);
  const inputs = JSON.stringify(samples.map(({ input }) => input));
  const answer: Answer = await page.evaluate(`(${script})(${inputs})`);
  await page.close();
  const of = (what: string): string => `${what}, page ${memory === "shared" ? "" : "not "}isolated`;
  check(of("cross-origin isolation"), answer.isolated === (memory === "shared"), answer.isolated);
  const error = largestError(
    answer.logits,
    samples.map(({ logits }) => logits),
  );
  check(of("logits at every timestep as the engine's"), error < 1e-4, error);
  const spikes = samples.map((sample) => sample.spikes);
  check(of("spikes as the engine's"), String(answer.spikes) === String(spikes), answer.spikes);
  const [taken, exited] = answer.exited;
  check(of("a run ends early"), exited && taken < timesteps, answer.exited);
  check(of(`the pool's memory is ${memory}`), answer.pool.memory === memory, answer.pool);
  check(of("the pool has its threads"), answer.pool.threads === 2, answer.pool.threads);
  const said = (answer.pool.reason === null) === (memory === "shared");
  check(of("the pool says why it does not share"), said, answer.pool.reason);
  check(
    of("the pool's logits are the page's"),
    JSON.stringify(answer.pool.logits) === JSON.stringify(answer.logits),
    largestError(answer.pool.logits, answer.logits),
  );
  check(
    of("a worker's logits are the page's"),
    String(answer.worker) === String(answer.logits[0]),
    answer.worker,
  );
  check(of("wrong input is refused"), answer.refusal.includes("takes 400 numbers"), answer.refusal);
  check(of("no complaints on the console"), complaints.length === 0, complaints);
}

/** A pool on a page that gets no worker's file still runs its samples. */
export async function checkWithoutWorkers(
  browser: Browser,
  origin: string,
  { samples }: Example,
  check: Check,
): Promise<void> {
  const page = await browser.newPage();
  await page.route("**/model-worker.js", (route) => route.abort());
  await page.goto(`${origin}/`);
  const inputs = JSON.stringify(samples.slice(0, 2).map(({ input }) => input));
  const answer = await page.evaluate<Answer["pool"]>(`(async (inputs) => {
    const { load } = await import("/model.js");
    const network = await load(new URL("/", location.href));
    const pool = await network.createPool(2);
    const results = await pool.runAll(inputs.map((input) => Float32Array.from(input)));
    const logits = results.map(({ outputs }) => [...outputs.logits.data]);
    return { memory: pool.memory, threads: pool.threads, reason: pool.reason, logits };
  })(${inputs})`);
  await page.close();
  const { memory, threads, reason, logits } = answer;
  check("without workers, the pool says so", memory === "none" && threads === 1, answer);
  check("without workers, the pool says why", reason?.includes("model-worker.js") === true, reason);
  const error = largestError(
    logits,
    samples.slice(0, 2).map((sample) => sample.logits),
  );
  check("without workers, logits as the engine's", error < 1e-4, error);
}

/** Errors and warnings of a page, gathered as they come. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  return complaints;
}

/** Relative to the largest of the wanted values; infinite where lengths differ. */
function largestError(
  found: readonly (readonly number[])[],
  wanted: readonly (readonly number[])[],
): number {
  let worst = 0;
  wanted.forEach((row, i) => {
    if (found[i]?.length !== row.length) worst = Infinity;
    const scale = Math.max(...row.map(Math.abs));
    row.forEach((value, k) => {
      worst = Math.max(worst, Math.abs(value - (found[i]?.[k] ?? NaN)) / scale);
    });
  });
  return worst;
}
