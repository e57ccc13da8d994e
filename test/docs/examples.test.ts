/**
 * The worked examples of docs/ir.md are what the interpreter computes, and what the equations of
 * docs/numerics.md come to.
 */
import { isNeuron } from "../../ir/op/known.ts";
import { describe, expect, it } from "vitest";
import { accountOf } from "../../ir/account/account.ts";
import { operationsOf } from "../../ir/account/work.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Probe, type SampleResult } from "../../ir/executable.ts";
import { interpret } from "../../ir/interpret.ts";
import { type Module, inputsOf, tensorAt } from "../../ir/module.ts";
import { type Op, isOp } from "../../ir/op/op.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { printModule } from "../../ir/text/print.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { verify } from "../../ir/verify.ts";
import { textOf } from "./markdown.ts";

const pages = ["docs/ir.md", "docs/numerics.md", "docs/adding-an-op.md"];

type Row = Readonly<Record<string, string>>;

/** An example: a section with a network, its input, and tables of what becomes of it. */
interface Example {
  readonly module: Module;
  readonly result: SampleResult;
  /** What the probes of the value keep. */
  readonly kept: (value: number, keep: Probe["keep"]) => readonly number[];
  readonly tables: readonly (readonly Row[])[];
}

function example(heading: string): Example {
  const page = textOf("docs/ir.md");
  const from = page.indexOf(`\n## ${heading}\n`);
  const section = page.slice(from, page.indexOf("\n## ", from + 1));
  const text = known(/^```text\n(module .*?)^```$/ms.exec(section)?.[1], "a network");
  const module = parseModule(text, { file: heading });
  const given = known(/x = \[(.*?)\]/.exec(section)?.[1], "an input")
    .split(",")
    .map(number);
  const { type } = known(inputsOf(module)[0], "an input");
  const probes = module.ops.filter((op) => op.kind !== "ann.input").flatMap(probesOf);
  const result = interpret(module, [tensorOf(type.dtype, type.shape, given)], {
    timesteps: module.timesteps,
    probes,
  });
  return {
    module,
    result,
    kept: (value, keep) => {
      const i = probes.findIndex((probe) => probe.value === value && probe.keep === keep);
      return [...known(result.probes[i], `%${value}`)];
    },
    tables: [...section.matchAll(/(?:^\|.*\|\n)+/gm)].map(([table]) => rowsOf(table)),
  };
}

function probesOf(op: Op): readonly Probe[] {
  const trace = { value: op.result, keep: "trace" } as const;
  return isNeuron(op) ? [trace, { value: op.result, keep: "state" }] : [trace];
}

function rowsOf(table: string): readonly Row[] {
  const cells = (line: string): string[] =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("\\", ""));
  const [head = "", , ...lines] = table.trim().split("\n");
  const names = cells(head);
  return lines.map((line) =>
    Object.fromEntries(cells(line).map((cell, i) => [names[i] ?? "", cell])),
  );
}

function number(text: string | undefined): number {
  return Number(known(text, "a cell").replaceAll("−", "-"));
}

/** The numbers of a cell, with commas between them. */
function numbers(text: string | undefined): readonly number[] {
  return known(text, "a cell").split(",").map(number);
}

/** The op and the element that `%3[1]` names. */
function place(module: Module, name = ""): { readonly op: Op; readonly at: number } {
  const [, value, at] = /^%(\d+)\[(\d+)\]$/.exec(name) ?? [];
  const op = module.ops.find(({ result }) => result === Number(value));
  return { op: known(op, name), at: Number(at) };
}

describe.each([
  ["Graded neurons, timestep by timestep", 1, 2],
  ["Few spikes, frame by frame", 1, 2],
  ["First spikes", 1, 2],
])("what is counted of %s", (heading, countsAt, operationsAt) => {
  const { module, result, tables } = example(heading);
  const last = result.timestepsTaken - 1;

  it("is what the interpreter counts, by timestep", () => {
    const counts = known(tables[countsAt], "a table of counts");
    const { spikes, bits, events, eventBits, plainEvents } = result.activity;
    const counted = [spikes, bits, events, eventBits, plainEvents];
    const names = ["spikes", "bits", "events", "event bits", "plain events"];
    expect(counts.map((row) => names.map((name) => number(row[name])))).toEqual(
      counts.map((_, t) => counted.map((each) => each[t])),
    );
    expect(counts).toHaveLength(result.timestepsTaken);
  });

  it("makes the operations of the run", () => {
    const { events, plainEvents, eventBits } = result.activity;
    const operations = operationsOf(accountOf(module), {
      steps: result.timestepsTaken,
      events: events[last] ?? NaN,
      plainEvents: plainEvents[last] ?? NaN,
      eventBits: eventBits[last] ?? NaN,
      spikes: result.spikes,
    });
    const rows = known(tables[operationsAt], "a table of operations");
    const kinds = [
      "multiplyAccumulates",
      "multiplications",
      "additions",
      "comparisons",
      "divisions",
    ] as const;
    const numbersOf = (row: Row): number[] =>
      ["multiply-accumulates", ...kinds.slice(1)].map((name) => number(row[name]));
    const all = known(rows.at(-1), "a row");
    expect(numbersOf(all)).toEqual(kinds.map((kind) => operations[kind]));
    // The rows above the last are its parts.
    if (rows.length === 1) return;
    const parts = rows.slice(0, -1).map(numbersOf);
    expect(parts.reduce((a, b) => a.map((x, i) => x + (b[i] ?? 0)))).toEqual(numbersOf(all));
  });
});

describe("texts of networks in the documentation", () => {
  const texts = pages.flatMap((page) =>
    [...textOf(page).matchAll(/^```text\n(module .*?)^```$/gms)].map(([, text = ""]) => text),
  );

  it("parse, verify, and print as they are written", () => {
    expect(texts.length).toBeGreaterThanOrEqual(4);
    for (const text of texts) {
      const module = parseModule(text, { file: "page" });
      expect(verify(module)).toEqual([]);
      expect(printModule(module)).toBe(text);
    }
  });
});

describe("graded neurons", () => {
  const { module, kept, tables } = example("Graded neurons, timestep by timestep");
  const [steps = []] = tables;

  it("go through the timesteps as the table says, by the equations of numerics.md", () => {
    const fl = Math.fround;
    const sent = new Map<string, number>();
    const held = new Map<string, number>();
    for (const row of steps) {
      const { t = "", neuron = "" } = row;
      const { op, at } = place(module, neuron);
      if (!isOp(op, "snn.graded")) throw new Error(neuron);
      const size = op.type.shape[1] ?? 0;
      const now = (Number(t) - 1) * size + at;
      const of = (ref: string, i: number): number => {
        const { data } = tensorAt(module, ref);
        return data[data.length === 1 ? 0 : i] ?? 0;
      };
      const x = known(kept(known(op.inputs[0], "an operand"), "trace")[now], "x");
      const share = of(known(op.attrs.shares ?? undefined, "shares"), Number(t) - 1);
      const [q, a] = [op.attrs.threshold, op.attrs.amplitude].map((ref) => fl(of(ref, at) * share));
      const r = sent.get(neuron) ?? 0;
      const u = fl((held.get(neuron) ?? of(op.attrs.vInit, at)) + x);
      const w = Math.max(u, -r);
      const n = Math.floor(fl(fl(w / (q ?? 0)) + 0.5));
      const k = Math.max(-3, Math.min(3, n));
      const v = fl(u - fl(k * (q ?? 0)));
      held.set(neuron, v);
      sent.set(neuron, fl(r + fl(k * (q ?? 0))));
      const y = fl(k * (a ?? 0));
      expect([v, y]).toEqual([kept(op.result, "state")[now], kept(op.result, "trace")[now]]);
      const found = ["x", "u", "w", "k", "v", "r", "y"].map((name) => number(row[name]) + 0);
      expect(found, `${neuron} at ${t}`).toEqual(
        [x, u, w, k, v, sent.get(neuron) ?? 0, y].map((value) => value + 0),
      );
    }
    expect(steps).toHaveLength(module.timesteps * 5);
  });

  it("give the output that is said", () => {
    const said = [...textOf("docs/ir.md").matchAll(/The output is %8 = ([^a-z]*) at t/g)];
    const found = [...(said[0]?.[1] ?? "").matchAll(/-?[0-9.]+/g)].map(([text]) => Number(text));
    expect(found).toEqual(kept(8, "trace"));
  });
});

describe("few spikes", () => {
  const { module, kept, tables } = example("Few spikes, frame by frame");
  const [frames = []] = tables;

  it("go through their frames as the table says", () => {
    for (const row of frames) {
      const { op, at } = place(module, row["neuron"]);
      if (!isOp(op, "snn.few-spikes")) throw new Error(row["neuron"]);
      const digits = [...tensorAt(module, op.attrs.threshold).data];
      const start = tensorAt(module, op.attrs.vInit).data;
      const operand = kept(known(op.inputs[0], "an operand"), "trace")[at] ?? 0;
      let v = Math.fround((start[start.length === 1 ? 0 : at] ?? 0) + operand);
      expect(number(row["v[0]"])).toBe(v);
      const z = digits.map((digit) => {
        const fires = v >= digit;
        if (fires) v = Math.fround(v - digit);
        return Number(fires);
      });
      expect(numbers(row["z"])).toEqual(z);
      expect(numbers(row["y"])).toEqual(z.map((fires, t) => fires * (digits[t] ?? 0)));
      expect(number(row["v[3]"])).toBe(v);
      expect(v).toBe(kept(op.result, "state")[at]);
      const sum = numbers(row["y"]).reduce((total, y) => total + y, 0);
      expect(sum).toBe(kept(op.result, "trace")[at]);
    }
    expect(frames).toHaveLength(4);
    expect(kept(8, "trace")).toEqual([-0.5]);
  });
});

describe("first spikes", () => {
  const { module, kept, tables } = example("First spikes");
  const [spikes = []] = tables;

  it("come when the table says", () => {
    for (const row of spikes) {
      const { op, at } = place(module, row["neuron"]);
      if (!isOp(op, "snn.ttfs")) throw new Error(row["neuron"]);
      const slope = tensorAt(module, op.attrs.threshold).data[0] ?? 0;
      const [v = 0, y = 0] = [kept(op.result, "state")[at], kept(op.result, "trace")[at]];
      const height = Math.fround(v / slope);
      const rounded =
        op.attrs.resolution === "tick" ? Math.floor(Math.fround(height + 0.5)) : height;
      const worth = rounded > 0 ? Math.min(rounded, module.timesteps) : 0;
      expect(["v", "v/q", "worth", "y"].map((name) => number(row[name]))).toEqual([
        v,
        height,
        worth,
        y,
      ]);
      const time = module.timesteps + 1 - worth;
      const [star, tick] =
        worth === 0
          ? ["none", "none"]
          : [String(time), String(Math.min(module.timesteps, Math.floor(time)))];
      expect([row["t*"], row["tick"]]).toEqual([star, tick]);
      expect(y).toBe(Math.fround(worth * slope));
    }
    expect(spikes).toHaveLength(6);
  });
});
