/** Biases as convolutions read them. */
import type { OpOf } from "../../../../ir/op/op.ts";
import type { Buffer } from "../../memory/view.ts";
import type { Lowering } from "../lowering.ts";

/** The bias per group in whole vectors; zeros where there is none. */
export function paddedBias(
  lowering: Lowering,
  op: OpOf<"ann.conv" | "ann.linear" | "ann.conv-transpose">,
  groups: number,
  outputChannels: number,
  into: "f32" | "i32",
): Buffer {
  const lanes = 4 * Math.ceil(outputChannels / 4);
  const bias = op.attrs.bias === null ? null : lowering.tensor(op.attrs.bias).data;
  return lowering.constant(`%${op.result} bias ${into} ${groups}`, () => {
    const padded =
      into === "f32" ? new Float32Array(groups * lanes) : new Int32Array(groups * lanes);
    for (let group = 0; group < groups; group++) {
      for (let i = 0; i < outputChannels; i++) {
        padded[group * lanes + i] = bias?.[group * outputChannels + i] ?? 0;
      }
    }
    return padded;
  });
}
