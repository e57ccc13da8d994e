/** Max-pools of spikes that stay spikes, so that the synapses behind them go on by events. */
import { type Op, isOp } from "../../../ir/op.ts";
import { elementCount } from "../../../ir/type.ts";
import { onFirstThread, spaceOf } from "../assembler/memory.ts";
import { clearMaskHalo } from "../kernels/halo.ts";
import {
  type SpikePool,
  countBytes,
  mostNarrowSteps,
  mostPoolTaps,
  poolSpikes,
} from "../kernels/pool-spikes.ts";
import { type SpikeMasks, masksBytes } from "../memory/spikes.ts";
import type { Buffer } from "../memory/view.ts";
import { gridOf, haloOf } from "./grid.ts";
import type { Lowering, Spikes } from "./lowering.ts";

/** The spikes of a max-pool of spikes that are all worth the same within a channel. */
export function lowerSpikePool(lowering: Lowering, op: Op): Spikes | null {
  if (!isOp(op, "snn.max-pool")) return null;
  const operand = lowering.operandOf(op);
  const { images } = lowering.layouts;
  if (!images.has(op.result) || !images.has(operand)) return null;
  if (elementCount(op.attrs.kernel) > mostPoolTaps) return null;
  const source = lowering.spikesOf(lowering.opOf(operand));
  // Sums fall where spikes are worth less than nothing, and differ where they are not worth the same.
  if (source === null || !("perChannel" in source.amplitude)) return null;
  if (source.amplitude.perChannel.some((worth) => !(worth > 0))) return null;
  const from = source.masks;
  const { steps, chunked } = lowering.options;
  const shape = {
    grid: gridOf(op.type.shape, true),
    halo: haloOf(lowering, op.result, true),
    steps,
    maskBytes: from.maskBytes,
  };
  const buffer = lowering.buffer("scratch", `%${op.result} spikes`, masksBytes(shape));
  const masks: SpikeMasks = { ...shape, buffer };
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
  const counts = wide ? emitCounts(lowering, op, countBytes(plain)) : null;
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

/** Room for the counts that are carried over, zero at the start of a sample. */
function emitCounts(lowering: Lowering, op: Op, bytes: number): Buffer {
  const buffer = lowering.buffer("state", `%${op.result} counts`, bytes);
  lowering.emit({
    name: `%${op.result} start`,
    phase: "begin",
    reads: [],
    writes: [buffer],
    emit(code) {
      const { i32, memory } = code.wasm;
      onFirstThread(code, () => {
        const at = i32.add(spaceOf(code, buffer), code.int(buffer.address));
        code.push(memory.fill(at, code.int(0), code.int(bytes)));
      });
    },
  });
  return buffer;
}
