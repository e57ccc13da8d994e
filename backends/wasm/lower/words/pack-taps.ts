/** Words through a weight each as kernels take them: weights by padded channel, in chunks whose sums fit 16 bits. */
import {
  type WordLayer,
  type WordTaps,
  paddedChannels,
  wordBlock,
} from "../../kernels/words/form.ts";
import type { Lowering } from "../lowering.ts";
import type { TapsDrive } from "./drive.ts";
import { worthOfShares } from "./worth.ts";

type DrivenTap = TapsDrive["taps"][number];

export function packTaps(
  lowering: Lowering,
  drive: TapsDrive,
  name: string,
  shape: Pick<WordLayer, "grid" | "vectors" | "together">,
): WordTaps {
  const { planes, shares, stride, taps, shift, outputs } = drive;
  const width = wordBlock(shape);
  const lanes = paddedChannels(shape);
  const byChannel = (what: string, of: (output: number) => number) =>
    lowering.constant(`${name} ${what} ${lanes}`, () => {
      const all = new Int16Array(lanes);
      for (let o = outputs[0]; o < outputs[1]; o++) all[o] = of(o);
      return all;
    });
  // One product needs as many instructions in either width.
  const chunks = taps.length === 1 ? null : chunksOf(drive);
  let packed = 0;
  return {
    ...{ words: planes, stride, shift },
    chunks: (chunks ?? [taps]).map((each, i) => ({
      taps: each.map(({ origin, weightOf }) => ({
        origin,
        weights: byChannel(`${packed++}`, weightOf),
      })),
      starts:
        chunks === null || planes.bias === 0
          ? null
          : // What the bias of the words adds; it may wrap, as the sums do.
            byChannel(`start ${i}`, (o) => {
              return -planes.bias * each.reduce((sum, { weightOf }) => sum + weightOf(o), 0);
            }),
    })),
    isNarrow: chunks !== null,
    blocks: [Math.floor(outputs[0] / width), Math.ceil(outputs[1] / width)],
    worth: worthOfShares(lowering, shares),
  };
}

/** Taps in runs none of which can come to a sum beyond 16 bits, whatever the words; null where one tap can. */
function chunksOf({ planes, taps, outputs }: TapsDrive): DrivenTap[][] | null {
  const chunks: DrivenTap[][] = [];
  const count = outputs[1] - outputs[0];
  const weightsOf = ({ weightOf }: DrivenTap): number[] =>
    Array.from({ length: count }, (_, i) => weightOf(outputs[0] + i));
  const limit = (2 ** 15 - 1) / planes.most;
  let sums = new Array<number>(count).fill(0);
  for (const tap of taps) {
    const weights = weightsOf(tap).map(Math.abs);
    if (weights.some((weight) => weight > limit)) return null;
    const together = sums.map((sum, i) => sum + (weights[i] ?? 0));
    const last = chunks.at(-1);
    if (last !== undefined && together.every((sum) => sum <= limit)) {
      last.push(tap);
      sums = together;
    } else {
      chunks.push([tap]);
      sums = weights;
    }
  }
  return chunks;
}
