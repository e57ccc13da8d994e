/**
 * The machine's own limits, as WebAssembly: loops that do nothing but what they are named after,
 * with everything else in registers. A kernel can at best be as fast as the loop of what it does
 * most. Results are checked against their closed form at each call.
 */
import type Binaryen from "binaryen";
import { invariant } from "../../../ir/diagnostic.ts";
import { fillUniform } from "../networks/noise.ts";
import { dotOfBytes } from "../../../backends/wasm/assembler/relaxed.ts";
import type { Meter } from "./meter.ts";

export const limitNames = [
  "int16 adds",
  "f32 multiply-adds",
  "16-bit products",
  "8-bit products",
  "int16 multiply-adds from 16 KB",
  "int16 multiply-adds from 256 KB",
  "bytes from 16 KB",
  "bytes from 256 KB",
  "bytes from 256 MB",
] as const;
export type LimitName = (typeof limitNames)[number];

/** What the loop of a limit is, for the row's note. */
export const limitNotes: Readonly<Record<LimitName, string>> = {
  "int16 adds": "i16x8.add on 12 independent registers, 8 additions each",
  "16-bit products": "i32x4.dot_i16x8_s then i32x4.add on 12 independent registers, 8 each",
  "8-bit products":
    "i16x8.relaxed_dot_i8x16_i7x16_s then i16x8.add on 12 independent registers, 16 each; where there is relaxed SIMD",
  "f32 multiply-adds": "f32x4.mul then f32x4.add on 12 independent registers, 4 each",
  "int16 multiply-adds from 16 KB":
    "v128.load, i16x8.mul by a register and i16x8.add over 16 KB again and again: first-level cache",
  "int16 multiply-adds from 256 KB": "the same over 256 KB: second-level cache",
  "bytes from 16 KB": "v128.load and i32x4.add over 16 KB again and again: first-level cache",
  "bytes from 256 KB": "v128.load and i32x4.add over 256 KB again and again: second-level cache",
  "bytes from 256 MB": "v128.load and i32x4.add over 256 MB: memory",
};

const pageBytes = 65536;

export async function createLimit(name: LimitName): Promise<Meter> {
  // Loaded on first use: it takes about a second.
  const { default: binaryen } = await import("binaryen");
  switch (name) {
    case "int16 adds":
      return additions(binaryen);
    case "f32 multiply-adds":
      return multiplyAdds(binaryen);
    case "16-bit products":
      return products(binaryen, false);
    case "8-bit products":
      return products(binaryen, true);
    case "int16 multiply-adds from 16 KB":
      return loads(binaryen, 16 * 1024, 256, "products");
    case "int16 multiply-adds from 256 KB":
      return loads(binaryen, 256 * 1024, 16, "products");
    case "bytes from 16 KB":
      return loads(binaryen, 16 * 1024, 256, "bytes");
    case "bytes from 256 KB":
      return loads(binaryen, 256 * 1024, 32, "bytes");
    case "bytes from 256 MB":
      return loads(binaryen, 256 * 1024 * 1024, 1, "bytes");
  }
}

/**
 * As many as stay in registers beside two operands: x64 has 16, of which V8 keeps one. The chains
 * must also outnumber latency × throughput: 8 cycles for multiply then add, two of them at a time.
 */
const chains = 12;
/** Rounds of all chains per turn of the loop, so that counting does not show. */
const unrolled = 4;

type Expression = number;

function additions(binaryen: typeof Binaryen): Meter {
  const iterations = 50_000;
  const run = compile(binaryen, 1, (m, local) => {
    const add = (chain: number): Expression =>
      m.i16x8.add(local(chain), local(chains + (chain % 2)));
    return { step: add, lane: (x) => m.i16x8.extract_lane_u(x, 0), sum: m.i16x8.add.bind(m.i16x8) };
  });
  const operands = new Uint16Array(run.memory.buffer, 0, 16);
  operands.fill(3, 0, 8);
  operands.fill(5, 8, 16);
  // Half of the chains add 3 each time, half add 5.
  const expected = (iterations * unrolled * (chains / 2) * (3 + 5)) & 0xffff;
  return {
    work: iterations * unrolled * chains * 8,
    run() {
      const found = run.call(iterations);
      invariant(found === expected, `int16 additions gave ${found}, not ${expected}`);
    },
  };
}

function multiplyAdds(binaryen: typeof Binaryen): Meter {
  const iterations = 20_000;
  const run = compile(binaryen, 1, (m, local) => ({
    // A product that depends on the chain: an unchanging one would be computed once.
    step: (chain) => m.f32x4.add(m.f32x4.mul(local(chain), local(chains)), local(chains + 1)),
    lane: (x) => m.i32.trunc_s.f32(m.f32x4.extract_lane(x, 0)),
    sum: m.f32x4.add.bind(m.f32x4),
  }));
  const operands = new Float32Array(run.memory.buffer, 0, 8);
  operands.fill(0.5, 0, 4);
  operands.fill(1, 4, 8);
  // x ← x/2 + 1 tends to 2, and is 2 after two dozen steps in float32.
  const expected = 2 * chains;
  return {
    work: iterations * unrolled * chains * 4,
    run() {
      const found = run.call(iterations);
      invariant(found === expected, `multiply-adds gave ${found}, not ${expected}`);
    },
  };
}

/** x ← w · x + 3, where w takes the upper half of each pair, which is 0: x is 3 after a step. */
function products(binaryen: typeof Binaryen, isByte: boolean): Meter {
  const iterations = 20_000;
  const run = compile(
    binaryen,
    1,
    (m, local) => ({
      // A product that depends on the chain: an unchanging one would be computed once.
      step(chain) {
        const [w, x, three] = [local(chains), local(chain), local(chains + 1)];
        if (!isByte) return m.i32x4.add(m.i32x4.dot_i16x8_s(w, x), three);
        return m.i16x8.add(dotOfBytes(binaryen, m, w, x), three);
      },
      lane: (x) => m.i16x8.extract_lane_u(x, 0),
      sum: m.i16x8.add.bind(m.i16x8),
    }),
    isByte ? binaryen.Features.RelaxedSIMD : 0,
  );
  if (isByte) {
    new Uint16Array(run.memory.buffer, 0, 8).fill(0x0100);
    new Uint16Array(run.memory.buffer, 16, 8).fill(3);
  } else {
    new Uint32Array(run.memory.buffer, 0, 4).fill(0x0001_0000);
    new Uint32Array(run.memory.buffer, 16, 4).fill(3);
  }
  const expected = 3 * chains;
  return {
    work: iterations * unrolled * chains * (isByte ? 16 : 8),
    run() {
      const found = run.call(iterations);
      invariant(found === expected, `products gave ${found}, not ${expected}`);
    },
  };
}

interface Compiled {
  readonly memory: WebAssembly.Memory;
  readonly call: (count: number) => number;
}

interface Chain {
  /** The next value of a chain. */
  step(chain: number): Expression;
  /** A lane of a vector as i32. */
  lane(vector: Expression): Expression;
  sum(a: Expression, b: Expression): Expression;
}

/**
 * (count) → i32: a loop of `step` over all chains, which are locals 1 … `chains` as `local` reads
 * them by number from 0; the two operands behind them come from the first 32 bytes of memory.
 */
function compile(
  binaryen: typeof Binaryen,
  pages: number,
  define: (m: Binaryen.Module, local: (index: number) => Expression) => Chain,
  features = 0,
): Compiled {
  const m = newModule(binaryen, pages, features);
  const local = (index: number): Expression => m.local.get(index + 1, binaryen.v128);
  const chain = define(m, local);
  const indices = Array.from({ length: chains }, (_, i) => i);
  const operands = [0, 1].map((i) =>
    m.local.set(chains + 1 + i, m.v128.load(16 * i, 16, m.i32.const(0))),
  );
  const steps = Array.from({ length: unrolled }, () =>
    indices.map((i) => m.local.set(i + 1, chain.step(i))),
  ).flat();
  const [first = local(0), ...rest] = indices.map((i) => local(i));
  const total = rest.reduce((sum, each) => chain.sum(sum, each), first);
  const body = m.block(
    null,
    [...operands, countDown(binaryen, m, 0, steps), chain.lane(total)],
    binaryen.i32,
  );
  const vars = new Array<number>(chains + 2).fill(binaryen.v128);
  m.addFunction("run", binaryen.createType([binaryen.i32]), binaryen.i32, vars, body);
  m.addFunctionExport("run", "run");
  return instantiate(m);
}

/** What all loaded numbers are multiplied by. */
const multiplier = 3;

/**
 * Reads `bytes` of memory `passes` times a call. Eight loads a turn into six registers is the
 * fastest of the shapes tried: longer bodies take longer instructions, shorter ones count more.
 */
function loads(
  binaryen: typeof Binaryen,
  bytes: number,
  passes: number,
  what: "bytes" | "products",
): Meter {
  const isProduct = what === "products";
  const width = 6;
  const perTurn = 8;
  const m = newModule(binaryen, Math.ceil(bytes / pageBytes));
  const i32 = (index: number): Expression => m.local.get(index, binaryen.i32);
  const vector = (index: number): Expression => m.local.get(index, binaryen.v128);
  // Locals: passes left, address, then the sums.
  const sums = Array.from({ length: width }, (_, i) => 2 + i);
  const [whole, factor] = [2 + width, 3 + width];
  const add = (a: Expression, b: Expression): Expression =>
    isProduct ? m.i16x8.add(a, b) : m.i32x4.add(a, b);
  const read = Array.from({ length: perTurn }, (_, i) => {
    const sum = 2 + (i % width);
    const loaded = m.v128.load(16 * i, 16, i32(1));
    const term = isProduct ? m.i16x8.mul(vector(factor), loaded) : loaded;
    return m.local.set(sum, add(vector(sum), term));
  });
  const onePass = m.loop(
    "bytes",
    m.block(null, [
      ...read,
      m.local.set(1, m.i32.add(i32(1), m.i32.const(16 * perTurn))),
      m.br("bytes", m.i32.lt_u(i32(1), m.i32.const(bytes))),
    ]),
  );
  const turn = [m.local.set(1, m.i32.const(0)), onePass];
  const total = sums.slice(1).reduce((sum, each) => add(sum, vector(each)), vector(2));
  const lanes = Array.from({ length: isProduct ? 8 : 4 }, (_, lane) =>
    isProduct
      ? m.i16x8.extract_lane_u(vector(whole), lane)
      : m.i32x4.extract_lane(vector(whole), lane),
  );
  const [first = m.i32.const(0), ...others] = lanes;
  const body = m.block(
    null,
    [
      m.local.set(factor, m.i16x8.splat(m.i32.const(multiplier))),
      countDown(binaryen, m, 0, turn),
      m.local.set(whole, total),
      others.reduce((sum, each) => m.i32.add(sum, each), first),
    ],
    binaryen.i32,
  );
  const vars = [binaryen.i32, ...new Array<number>(width + 2).fill(binaryen.v128)];
  m.addFunction("run", binaryen.createType([binaryen.i32]), binaryen.i32, vars, body);
  m.addFunctionExport("run", "run");
  const { memory, call } = instantiate(m);
  const words = isProduct
    ? new Int16Array(memory.buffer, 0, bytes / 2)
    : new Int32Array(memory.buffer, 0, bytes / 4);
  fillUniform(new Float32Array(memory.buffer, 0, bytes / 4), bytes, 0, 1);
  let sum = 0;
  for (let i = 0; i < words.length; i++) sum = (sum + (words[i] ?? 0)) | 0;
  // Lanes of 16 bits wrap: their sum is known in its lower half.
  const kept = isProduct ? 0xffff : -1;
  const expected = Math.imul(Math.imul(sum, isProduct ? multiplier : 1), passes) & kept;
  return {
    work: isProduct ? words.length * passes : bytes * passes,
    run() {
      const found = call(passes) & kept;
      invariant(found === expected, `reading ${bytes} bytes gave ${found}, not ${expected}`);
    },
  };
}

function newModule(binaryen: typeof Binaryen, pages: number, features = 0): Binaryen.Module {
  const m = new binaryen.Module();
  m.setFeatures(binaryen.Features.SIMD128 | features);
  m.setMemory(pages, pages, "memory");
  return m;
}

/** `turn` as often as the i32 local says. */
function countDown(
  binaryen: typeof Binaryen,
  m: Binaryen.Module,
  counter: number,
  turn: readonly Expression[],
): Expression {
  const less = m.i32.sub(m.local.get(counter, binaryen.i32), m.i32.const(1));
  const tee = m.local.tee(counter, less, binaryen.i32);
  return m.loop("turns", m.block(null, [...turn, m.br("turns", tee)]));
}

function instantiate(m: Binaryen.Module): Compiled {
  invariant(m.validate() === 1, "a module of the machine's limits is not valid");
  // Copied into memory of its own: the encoder's buffer may be larger, and shared.
  const bytes = new Uint8Array(m.emitBinary());
  m.dispose();
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const { memory, run } = exports;
  invariant(memory instanceof WebAssembly.Memory, "no memory is exported");
  invariant(isRun(run), "no function is exported");
  return { memory, call: run };
}

/** Its type is the one that the module was just given. */
function isRun(value: unknown): value is (count: number) => number {
  return typeof value === "function";
}
