/** What integers stand for the values that come into a network: their unit, type and limits. */
import { known } from "../../../ir/diagnostic.ts";
import type { Module } from "../../../ir/module.ts";
import { type ValueId, isOp } from "../../../ir/op/op.ts";
import { diagnose } from "../../diagnostics.ts";
import type { PassContext } from "../../pass.ts";
import type { InputEncoding } from "../emit.ts";
import type { Seen } from "../moments.ts";
import { sharedUnit } from "./own-grid.ts";

type EncodingContext = Pick<
  PassContext<{ readonly input: number }>,
  "options" | "watch" | "report"
>;

/**
 * Units of the values to be quantised: those of the model's own quantiser, those that all values of the
 * calibration set are whole multiples of already, or those that cover what calibration saw in `input` bits.
 */
export async function encodingsOf(
  module: Module,
  values: readonly ValueId[],
  seen: ReadonlyMap<ValueId, Seen>,
  context: EncodingContext,
): Promise<ReadonlyMap<ValueId, InputEncoding>> {
  const { input } = context.options;
  const owned = new Map(values.map((value) => [value, ownEncoding(module, value, input)]));
  // Only bits that are more than a byte's can be too many.
  const free = input > byteBits ? values.filter((value) => owned.get(value) === null) : [];
  const whole = await wholeEncodings(module, free, seen, context);
  return new Map(
    values.map((value) => {
      const { min, max } = known(seen.get(value), `statistics of %${value}`);
      const encoding = owned.get(value) ?? whole.get(value) ?? encodingOf(min, max, input);
      return [value, encoding];
    }),
  );
}

const byteBits = 8;
/** Samples that are looked at for a unit: all values of that many images show whether they have one. */
const mostSamples = 128;
/** Fewer different values than these may be multiples of one unit by chance. */
const leastDifferent = 8;

/** Encodings in bytes of those values that lose nothing by it, as those of images without an offset. */
async function wholeEncodings(
  module: Module,
  values: readonly ValueId[],
  seen: ReadonlyMap<ValueId, Seen>,
  { watch, report }: EncodingContext,
): Promise<ReadonlyMap<ValueId, InputEncoding>> {
  if (values.length === 0) return new Map();
  const different = values.map(() => new Set<number>());
  const probes = values.map((value) => ({ value, keep: "mean" as const }));
  await watch(module, probes, { timesteps: 1, samples: mostSamples }, (all) => {
    for (const [i, found] of different.entries()) addDifferent(found, known(all[i], "a value"));
  });
  const ops = new Map(module.ops.map((op) => [op.result, op]));
  return new Map(
    values.flatMap((value, i) => {
      const found = [...known(different[i], "what was seen")];
      const { min, max } = known(seen.get(value), `statistics of %${value}`);
      const high = min < 0 ? 2 ** (byteBits - 1) - 1 : 2 ** byteBits - 1;
      const unit = found.length < leastDifferent ? null : sharedUnit([...found, min, max], high);
      if (unit === null) return [];
      const op = known(ops.get(value), `op %${value}`);
      report(diagnose("input-in-bytes", op.loc, { steps: Math.round(Math.max(max, -min) / unit) }));
      const dtype = min < 0 ? "i8" : "u8";
      return [[value, { unit: Math.fround(unit), dtype, low: min < 0 ? -high : 0, high }]];
    }),
  );
}

/** Adds what differs, up to more than a byte can tell apart. */
function addDifferent(found: Set<number>, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length && found.size <= 2 ** byteBits; i++) found.add(values[i] ?? 0);
}

/** A unit that covers a range. */
function encodingOf(min: number, max: number, bits: number): InputEncoding {
  const isSigned = min < 0;
  const high = isSigned ? 2 ** (bits - 1) - 1 : Math.min(2 ** 15, 2 ** bits) - 1;
  const dtype = bits > 8 ? "i32" : isSigned ? "i8" : "u8";
  const largest = Math.max(Math.abs(min), Math.abs(max));
  // All zeros fit any unit; the op divides by it in float32.
  const unit = largest > 0 ? Math.fround(largest / high) : 1;
  return { unit, dtype, low: isSigned ? -high : 0, high };
}

/**
 * The step of the model's own quantiser, where nothing but moves lies behind it and its integers have no
 * more bits: then they are the integers that come in. Less their zero point they may need nine.
 */
function ownEncoding(module: Module, value: ValueId, bits: number): InputEncoding | null {
  const ops = new Map(module.ops.map((op) => [op.result, op]));
  let op = ops.get(value);
  while (
    op !== undefined &&
    isOp(op, "ann.reshape", "ann.transpose", "ann.slice", "ann.max-pool")
  ) {
    op = ops.get(op.inputs[0] ?? value);
  }
  if (op === undefined || !isOp(op, "ann.fake-quantize")) return null;
  const { step, low, high } = op.attrs;
  if (!(high - low < 2 ** bits)) return null;
  const fits = (least: number, most: number): boolean => low >= least && high <= most;
  const dtype = fits(0, 255) ? "u8" : fits(-128, 127) ? "i8" : "i32";
  if (dtype === "i32" && !fits(-(2 ** 15), 2 ** 15 - 1)) return null;
  return { unit: Math.fround(step), dtype, low, high };
}
