/** Max-pools of spikes that stay spikes, so that the synapses behind them go on by events. */
import { type Op, isOp } from "../../../../ir/op/op.ts";
import { elementCount } from "../../../../ir/type.ts";
import { clearMaskHalo } from "../../kernels/synapses/halo.ts";
import {
  type SpikePool,
  countBytes,
  mostNarrowSteps,
  mostPoolTaps,
  poolSpikes,
} from "../../kernels/synapses/pool-spikes.ts";
import { type SpikeMasks, masksBytes } from "../../memory/spikes.ts";
import { pixelGridOf, haloOf } from "../grid.ts";
import type { Lowering, Spikes } from "../lowering.ts";
import { zeroState } from "../scratch.ts";

/** The spikes of a max-pool of spikes that are all worth the same within a channel. */
export function lowerSpikePool(lowering: Lowering, op: Op): Spikes | null {
  if (!isOp(op, "snn.max-pool")) return null;
  const operand = lowering.operandOf(op);
  const { images } = lowering.layouts;
  if (!images.has(op.result) || !images.has(operand)) return null;
  if (elementCount(op.attrs.kernel) > mostPoolTaps) return null;
  const source = lowering.spikesOf(lowering.opOf(operand));
  // Sums fall where spikes have signs or are worth less than nothing, and differ where they are not worth the same.
  if (source === null || !("perChannel" in source.amplitude)) return null;
  if (source.amplitude.perChannel.some((worth) => !(worth > 0))) return null;
  const from = source.masks;
  if (from.minus !== null) return null;
  const { steps, chunked } = lowering.options;
  const shape = {
    grid: pixelGridOf(op.type.shape, true),
    halo: haloOf(lowering, op.result, true),
    steps,
    maskBytes: from.maskBytes,
  };
  const buffer = lowering.buffer("scratch", `%${op.result} spikes`, masksBytes(shape));
  const masks: SpikeMasks = { ...shape, buffer, minus: null };
  const pads = pair(op.attrs.padsBegin, 0);
  const plain: Omit<SpikePool, "counts"> = {
    from,
    to: masks,
    kernel: pair(op.attrs.kernel, 1),
    dilation: pair(op.attrs.dilations, 1),
    stride: pair(op.attrs.strides, 1),
    origin: [-pads[0], -pads[1]],
  };
  const wide = chunked || steps > mostNarrowSteps;
  const counts = wide ? zeroState(lowering, op, "counts", countBytes(plain)) : null;
  lowering.emit({
    name: `%${op.result} ${op.kind} of spikes`,
    phase: "each",
    reads: [from.buffer],
    writes: [masks.buffer, ...(counts === null ? [] : [counts])],
    emit(code) {
      clearMaskHalo(code, masks);
      poolSpikes(code, { ...plain, counts });
    },
  });
  return { masks, amplitude: source.amplitude, op };
}

/** Two numbers per window attribute, rows first; one-dimensional windows have one row. */
function pair(values: readonly number[], missing: number): readonly [number, number] {
  const [first = missing, second] = values;
  return second === undefined ? [missing, first] : [first, second];
}
