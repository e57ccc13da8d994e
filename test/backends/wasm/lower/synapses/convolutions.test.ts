/** Dense convolutions and linear layers as trained networks have them: each way that kernels take. */
import { describe, expect, it } from "vitest";
import { compileProgram } from "../../../../../backends/wasm/compile.ts";
import { compileOptionsOf } from "../../../../../backends/wasm/request.ts";
import { known } from "../../../../../ir/diagnostic.ts";
import type { Module } from "../../../../../ir/module.ts";
import { parseModule } from "../../../../../ir/text/parse.ts";
import { type Tensor, tensorOf } from "../../../../../ir/tensor.ts";
import { both, expectClose } from "../../compare.ts";

/** Numbers between −1 and 1 without a pattern that a window could meet. */
function values(shape: readonly number[], phase: number): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + phase) ** 1.1));
  return tensorOf("f32", shape, data);
}

/** A tensor's line in a module's text, spelled out. */
function spelled(name: string, { shape, data }: Tensor): string {
  return `@${name} = f32[${shape.join(", ")}] dense<[${data.join(", ")}]>`;
}

interface Shape {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly height: number;
  readonly width: number;
  readonly pad: number;
}

/** relu(conv(x) + y), where y has the shape of the convolution and lies among zeros for a pool. */
function residual(shape: Shape): { readonly module: Module; readonly inputs: readonly Tensor[] } {
  const { inputs, outputs, kernel, height, width, pad } = shape;
  const [rows, columns] = [height, width].map((extent) => extent + 2 * pad - kernel + 1);
  const x = [1, inputs, height, width];
  const y = [1, outputs, known(rows, "rows"), known(columns, "columns")];
  const of = (type: readonly number[]): string => `real[${type.join(", ")}]`;
  const text = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : ${of(x)}
  %1 = ann.input() {name = "y"} : ${of(y)}
  %2 = ann.conv(%0) {strides = [1, 1], padsBegin = [${pad}, ${pad}], padsEnd = [${pad}, ${pad}], dilations = [1, 1], weight = @w, bias = @b, groups = 1} : ${of(y)}
  %3 = ann.add(%2, %1) : ${of(y)}
  %4 = ann.relu(%3) : ${of(y)}
  %5 = ann.average-pool(%1) {strides = [1, 1], padsBegin = [1, 1], padsEnd = [1, 1], dilations = [1, 1], kernel = [3, 3], ceilMode = false, countIncludePad = true} : ${of(y)}
  ann.output(%4) {name = "out"}
  ann.output(%5) {name = "other"}
}
tensors {
  ${spelled("w", values([outputs, inputs, kernel, kernel], 1))}
  ${spelled("b", values([outputs], 2))}
}
`;
  const module = parseModule(text, { file: "test" });
  return { module, inputs: [values(x, 3), values(y, 4)] };
}

async function stepsOf(module: Module): Promise<string> {
  const program = await compileProgram(module, compileOptionsOf(module, { timesteps: 1 }));
  return program.functions.join("\n");
}

describe("a 3 × 3 convolution with a shortcut", () => {
  it.each([
    { height: 8, width: 8, pad: 1 },
    { height: 7, width: 9, pad: 1 },
    { height: 6, width: 14, pad: 0 },
    { height: 3, width: 3, pad: 0 },
  ])("by Winograd's tiles: %j", async (extents) => {
    const { module, inputs } = residual({ inputs: 8, outputs: 12, kernel: 3, ...extents });
    expect(await stepsOf(module)).toContain("into tiles");
    const { wanted, found } = await both(module, inputs, { timesteps: 1 });
    expectClose(known(found.sample.outputs[0], "y"), known(wanted.sample.outputs[0], "y"), 1e-5);
  });
});

describe("a convolution summed directly", () => {
  it.each([
    { inputs: 6, outputs: 10, kernel: 5, height: 14, width: 14, pad: 2 },
    { inputs: 3, outputs: 16, kernel: 3, height: 9, width: 7, pad: 1 },
    { inputs: 8, outputs: 13, kernel: 1, height: 5, width: 3, pad: 0 },
    { inputs: 4, outputs: 9, kernel: 2, height: 3, width: 3, pad: 0 },
  ])("in rows that tiles do not fill: %j", async (shape) => {
    const { module, inputs } = residual(shape);
    expect(await stepsOf(module)).not.toContain("into tiles");
    const { wanted, found } = await both(module, inputs, { timesteps: 1 });
    expectClose(known(found.sample.outputs[0], "y"), known(wanted.sample.outputs[0], "y"), 1e-5);
  });
});

describe("a vector through a matrix", () => {
  it("may be zero in runs", async () => {
    const text = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 64]
  %1 = ann.linear(%0) {weight = @w, bias = none} : real[1, 37]
  ann.output(%1) {name = "out"}
}
tensors {
  ${spelled("w", values([37, 64], 5))}
}
`;
    const module = parseModule(text, { file: "test" });
    const x = Array.from({ length: 64 }, (_, i) => (i % 16 < 9 ? 0 : Math.sin(i)));
    const { wanted, found } = await both(module, [tensorOf("f32", [1, 64], x)], { timesteps: 1 });
    expectClose(known(found.sample.outputs[0], "y"), known(wanted.sample.outputs[0], "y"), 1e-6);
  });
});
