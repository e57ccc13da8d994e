/** What becomes of a pipeline that is to make integers. */
import { describe, expect, it } from "vitest";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import { stepsOf } from "../../library/convert.ts";
import { printPipeline } from "../../passes/pipeline.ts";

/** The passes from the one that converts on. */
function endOf(pipeline: string, options: Parameters<typeof stepsOf>[1]): string {
  const text = printPipeline(stepsOf(pipeline, options));
  return text.slice(text.indexOf("centre-activations"));
}

function failureOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map(({ code }) => code);
  }
  return [];
}

describe("--integer", () => {
  it("quantises behind the passes of any pipeline, whose steps then are powers of two", () => {
    expect(endOf("differential", { integer: true })).toBe(
      "centre-activations{inputs=true},convert-differential,balance-mmse,fit-steps{precision=9,steps=power},quantise{method=gptq,input=12}",
    );
    expect(endOf("sparse", { integer: true, weightBits: 6 })).toBe(
      "centre-activations{inputs=true},convert-differential,balance-mmse,fit-steps{precision=6,steps=power,extra=2},quantise{bits=6,method=gptq,input=12}",
    );
    expect(endOf("burst", { integer: true, bits: 3 })).toBe(
      "centre-activations{inputs=true},convert-activations{bits=3},fit-layers,quantise",
    );
  });

  it("averages planes in weights that meet spikes of 1 and −1", () => {
    expect(endOf("signed-rate", { integer: true })).toBe(
      "centre-activations{inputs=true},convert-activations{sign=retract,pools=weights},fit-layers,merge-pools,quantise",
    );
  });

  it("has leaky neurons without filters, whose gains stay apart from weights", () => {
    expect(endOf("lif", { integer: true })).toBe(
      "centre-activations{inputs=true},soft-lif{synapse=0,spikeTime=step},delay-readout{pace=10},quantise",
    );
  });

  it("rounds weights of few bits together, where the pass is not written out", () => {
    expect(endOf("rate", { integer: true, weightBits: 8 })).toMatch(/,quantise$/);
    expect(endOf("rate", { integer: true, weightBits: 6 })).toMatch(/bits=6,method=gptq\}$/);
    const written = "centre-activations,convert-activations,balance-mmse,quantise";
    expect(endOf(written, { integer: true, weightBits: 6 })).toMatch(/,quantise\{bits=6\}$/);
  });

  it("packs weights of few bits", () => {
    expect(endOf("ttfs", { integer: true, weightBits: 4 })).toMatch(
      /,quantise\{bits=4,method=gptq\},pack-weights$/,
    );
  });

  it("chooses bits of weights by layer where their mean is given", () => {
    expect(endOf("differential", { integer: true, weightBits: { mean: 3.5 } })).toMatch(
      /,allocate-weight-bits\{budget=3\.5\},quantise\{method=gptq,input=12\},pack-weights$/,
    );
    expect(endOf("integer", { weightBits: { mean: 3 } })).toMatch(
      /,allocate-weight-bits\{budget=3\},quantise\{method=gptq\},pack-weights$/,
    );
    const floats = () => stepsOf("differential", { weightBits: { mean: 3 } });
    expect(failureOf(floats)).toEqual(["weight-bits-of-floats"]);
  });

  it("keeps steps that somebody has chosen", () => {
    const given = "centre-activations,convert-differential,fit-steps";
    const made = (options: string): string => endOf(`${given}${options}`, { integer: true });
    const byChannel = "{precision=9,steps=power-by-channel},quantise";
    expect(made("{steps=power-by-channel}")).toContain(byChannel);
    expect(made("{precision=12}")).toContain("{precision=12,steps=power},quantise");
  });

  it("keeps all that is written with a pass, a default among it", () => {
    const differential = (centre: string, fit: string): string =>
      endOf(`centre-activations${centre},convert-differential,fit-steps${fit}`, { integer: true });
    expect(differential("{inputs=false}", "")).toMatch(/^centre-activations,/);
    expect(differential("", "{precision=10}")).toContain("fit-steps{steps=power},");
    expect(differential("", "{steps=free}")).toContain("fit-steps{precision=9},");
    const lif = endOf("centre-activations,soft-lif{synapse=5}", { integer: true });
    expect(lif).toContain("soft-lif{spikeTime=step},");
    const signed = "convert-activations{sign=retract,pools=neurons}";
    const rate = endOf(`centre-activations,${signed}`, { integer: true });
    expect(rate).toContain("convert-activations{sign=retract},");
  });

  it("makes of rate code what the pipeline integer is", () => {
    const integer = printPipeline(stepsOf("integer"));
    expect(printPipeline(stepsOf("rate", { integer: true }))).toBe(integer);
    expect(printPipeline(stepsOf("integer", { integer: true }))).toBe(integer);
    expect(endOf("integer", { weightBits: 5 })).toMatch(/,quantise\{bits=5,method=gptq\}$/);
  });

  it("has weights of bits in integers only", () => {
    expect(failureOf(() => stepsOf("differential", { weightBits: 4 }))).toEqual([
      "weight-bits-of-floats",
    ]);
  });
});
