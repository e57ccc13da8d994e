/** The steps that the loop on torch is given, of a small network. */
import { expect, it } from "vitest";
import { growthNetwork } from "../../../../bench/speed/networks/networks.ts";
import { torchProgram } from "../../../../bench/speed/torch/program.ts";
import { tensorAt } from "../../../../ir/module.ts";

it("writes layers and neurons in order, and their tensors one after another", () => {
  const module = growthNetwork({ width: 2, firingRate: 0.5, timesteps: 4 });
  const { program, tensors } = torchProgram(module, 4);
  const { steps, ...rest } = program;
  expect(rest).toEqual({ input: [1, 2], timesteps: 4, start: 0, output: 7 });
  const [first, second, third] = steps;
  // The first layer sees the image, which stays the same; its weights are the first four numbers.
  expect(first).toEqual({
    ...{ kind: "linear", weight: [0, [2, 2]], bias: null },
    ...{ from: 0, to: 1, fixed: true },
  });
  // Threshold and amplitude are one tensor; the threshold is twice the initial potential.
  expect(second).toEqual({
    ...{ kind: "if", threshold: [4, []], vInit: [5, []], amplitude: [6, []] },
    ...{ from: 1, to: 2, fixed: false },
  });
  expect(third).toMatchObject({ kind: "linear", weight: [7, [2, 2]], from: 2, fixed: false });
  expect([...tensors.subarray(0, 4)]).toEqual([...tensorAt(module, "weight0").data]);
  expect(tensors[4]).toBeCloseTo(2 * (tensors[5] ?? 0), 6);
  expect(tensors[6]).toBe(tensors[4]);
});
