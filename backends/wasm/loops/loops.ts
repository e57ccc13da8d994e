/**
 * The loops of fitting (ir/run/loops.ts) as WebAssembly: one small module, with a memory that grows with what is
 * asked of it and is kept for the next call.
 */
import { invariant, known } from "../../../ir/diagnostic.ts";
import type {
  ErrorWithin,
  FitLoops,
  RateNeurons,
  RateRule,
  RowMajor,
  WordGroup,
  WordNeurons,
  WordRule,
} from "../../../ir/run/loops.ts";
import { openAssembler } from "../assembler/assembler.ts";
import { mostPages, pagesOf } from "../memory/pages.ts";
import { neuronsTogether, ruleBytes, writeRateNeurons } from "./neurons.ts";
import {
  type WordForm,
  errorNameOf,
  errorPlaces,
  nameOf,
  wordPlaces,
  writeWordError,
  writeWords,
} from "./words.ts";
import { writeProduct, writeTransposedProduct } from "./products.ts";

/** Bytes to take at most: what a fit holds itself beside them is as much again. */
const mostBytes = 2 ** 28;
/** Rows of a product to copy at a time: what they are multiplied with stays in the cache. */
const rowsTogether = 64;

const either = [false, true];
const wordForms: readonly WordForm[] = either.flatMap((sends) =>
  either.flatMap((retracts) => either.map((bounded) => ({ sends, retracts, bounded }))),
);

let ready: Promise<FitLoops> | null = null;

/** The loops, made when first asked for. */
export function fitLoops(): Promise<FitLoops> {
  ready ??= makeLoops();
  return ready;
}

async function makeLoops(): Promise<FitLoops> {
  const assembler = await openAssembler({ shared: false, relaxed: false });
  assembler.define("retracting", 5, (code) => {
    writeRateNeurons(code, true);
  });
  assembler.define("rate", 5, (code) => {
    writeRateNeurons(code, false);
  });
  for (const form of wordForms) {
    assembler.define(nameOf(form), 5, (code) => {
      writeWords(code, form);
    });
  }
  for (const form of wordForms.filter(({ sends }) => sends)) {
    assembler.define(errorNameOf(form), 4, (code) => {
      writeWordError(code, form);
    });
  }
  assembler.define("transposed", 7, writeTransposedProduct);
  assembler.define("product", 6, writeProduct);
  const compiled = await WebAssembly.compile(new Uint8Array(assembler.finish(false)));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: mostPages });
  const arena = new WebAssembly.Global({ value: "i32", mutable: false }, 0);
  const { exports } = await WebAssembly.instantiate(compiled, { env: { memory, arena }, math: {} });
  return new Loops(memory, (name, ...operands) => {
    const found = exports[name];
    invariant(typeof found === "function", `no function "${name}"`);
    Reflect.apply(found, undefined, operands);
  });
}

class Loops implements FitLoops {
  private readonly memory: WebAssembly.Memory;
  private readonly call: (name: string, ...operands: readonly number[]) => void;

  constructor(
    memory: WebAssembly.Memory,
    call: (name: string, ...operands: readonly number[]) => void,
  ) {
    this.memory = memory;
    this.call = call;
  }

  rateNeurons(currents: Float32Array, places: number): RateNeurons | null {
    const timesteps = currents.length / places;
    const width = Math.ceil(places / neuronsTogether) * neuronsTogether;
    const out = ruleBytes + 4 * timesteps * width;
    if (!this.hasRoom(out + 8 * width)) return null;
    const { buffer } = this.memory;
    const given = new Float32Array(buffer, ruleBytes, timesteps * width);
    if (width === places) given.set(currents);
    else {
      given.fill(0);
      for (let t = 0; t < timesteps; t++)
        given.set(currents.subarray(t * places, (t + 1) * places), t * width);
    }
    const rule = new Float64Array(buffer, 0, 5);
    const units = new Float64Array(buffer, out, width);
    const { call } = this;
    return {
      unitsSent({ step, bias, most, least, retracts }: RateRule, first, count) {
        rule.set([step, 1 / step, bias, most, least]);
        const from = Math.floor(first / neuronsTogether) * neuronsTogether;
        const end = Math.ceil((first + count) / neuronsTogether) * neuronsTogether;
        call(
          retracts ? "retracting" : "rate",
          ...[ruleBytes + 4 * from, 4 * width, timesteps, out + 8 * from, end - from],
        );
        return units.subarray(first, first + count);
      },
    };
  }

  wordNeurons(count: number, vInit: number): WordNeurons | null {
    // One more where they are odd: it has nothing to send, and nothing arrives.
    const even = count + (count % 2);
    const [v, sent, missing, arriving] = this.placed(even, even, even, even / 2);
    if (v === undefined || sent === undefined || missing === undefined || arriving === undefined)
      return null;
    v.fill(vInit, 0, count).fill(0, count);
    sent.fill(0);
    const { buffer } = this.memory;
    const given = new Float32Array(buffer, arriving.byteOffset, even).fill(0, count);
    const header = new Float64Array(buffer, 0, ruleBytes / 8);
    const places = [v, sent, missing, arriving].map(({ byteOffset }) => byteOffset);
    const { call } = this;
    return {
      v: v.subarray(0, count),
      sent: sent.subarray(0, count),
      missing: missing.subarray(0, count),
      advance({ most, least, ceiling, retracts, floor }, before, currents) {
        given.set(currents);
        header.set([before ?? 1, most, least, ceiling, floor]);
        const form = { sends: before !== null, retracts, bounded: ceiling !== Infinity };
        call(nameOf(form), ...places, even / 2);
        const found = (place: number): number => header[place / 8] ?? NaN;
        return { furthest: found(wordPlaces.furthest), seen: found(wordPlaces.seen) };
      },
    };
  }

  wordErrors(
    groups: readonly WordGroup[],
    { most, least, ceiling, retracts }: WordRule,
  ): ErrorWithin | null {
    const evens = groups.map(({ v }) => v.length + (v.length % 2));
    const places = this.placed(...evens.flatMap((even) => [even, even, even]));
    if (places.length < 3 * groups.length) return null;
    const held = groups.map(({ v, sent, missing, weight }, i) => {
      const operands = [v, sent, missing].map((values, j) => {
        const place = known(places[3 * i + j], "a place");
        // One more where they are odd: it has nothing to send.
        place.fill(0).set(values);
        return place.byteOffset;
      });
      return { weight, operands: [...operands, (evens[i] ?? 0) / 2] };
    });
    const header = new Float64Array(this.memory.buffer, 0, ruleBytes / 8);
    const name = errorNameOf({ retracts, bounded: ceiling !== Infinity });
    const { call } = this;
    return (limit, step) => {
      let error = 0;
      for (const { weight, operands } of held) {
        header.set([step, most, least, ceiling, weight, limit, error]);
        call(name, ...operands);
        error = header[errorPlaces.error / 8] ?? NaN;
      }
      return error;
    };
  }

  addTransposedProduct(into: Float64Array, a: RowMajor, b: RowMajor, upper: boolean): boolean {
    const rows = Math.min(a.count, rowsTogether);
    const [x, y, sums] = this.placed(rows * a.width, rows * b.width, into.length);
    if (x === undefined || y === undefined || sums === undefined) return false;
    sums.set(into);
    for (let row = 0; row < a.count; row += rows) {
      const taken = Math.min(rows, a.count - row);
      x.set(a.data.subarray(row * a.width, (row + taken) * a.width));
      y.set(b.data.subarray(row * b.width, (row + taken) * b.width));
      this.call(
        "transposed",
        ...[x.byteOffset, a.width, y.byteOffset, b.width, taken, sums.byteOffset, upper ? 1 : 0],
      );
    }
    into.set(sums);
    return true;
  }

  product(a: RowMajor, b: RowMajor): Float64Array<ArrayBuffer> | null {
    const rows = Math.min(a.count, rowsTogether);
    const [x, y, sums] = this.placed(rows * a.width, b.data.length, rows * b.width);
    if (x === undefined || y === undefined || sums === undefined) return null;
    const made = new Float64Array(a.count * b.width);
    y.set(b.data);
    for (let row = 0; row < a.count; row += rows) {
      const taken = Math.min(rows, a.count - row);
      x.set(a.data.subarray(row * a.width, (row + taken) * a.width));
      sums.fill(0);
      this.call("product", x.byteOffset, a.width, y.byteOffset, b.width, taken, sums.byteOffset);
      made.set(sums.subarray(0, taken * b.width), row * b.width);
    }
    return made;
  }

  /** Room for so many doubles each, one behind the other; nothing where there is none. */
  private placed(...lengths: readonly number[]): readonly Float64Array[] {
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (!this.hasRoom(ruleBytes + 8 * total)) return [];
    let at = ruleBytes;
    return lengths.map((length) => {
      const place = new Float64Array(this.memory.buffer, at, length);
      at += 8 * length;
      return place;
    });
  }

  private hasRoom(bytes: number): boolean {
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing <= 0) return true;
    if (bytes > mostBytes) return false;
    try {
      this.memory.grow(pagesOf(missing));
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }
}
