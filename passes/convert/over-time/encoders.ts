/**
 * How a value that stays the same is sent by encoders, and what is read of them: which codes can read which
 * encoder, the op that sends, and the decoder behind the weights in codes whose neurons take increments.
 */
import { type Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import { fusedLoc } from "../../../ir/loc.ts";
import { type SpikingCode, codeTraits } from "../../../ir/module.ts";
import type { EncoderSign } from "../../../ir/op/attrs/encoders.ts";
import type { Op, ValueId } from "../../../ir/op/op.ts";
import { type Tensor, scalar, tensorOf } from "../../../ir/tensor.ts";
import { channelBias, withoutBias } from "./increments.ts";

export const encoders = ["poisson", "latency", "phase", "delta"] as const;
export type EncoderName = (typeof encoders)[number];

/** Why a code cannot read an encoder; null where it can. */
export function unreadable(encoder: EncoderName, code: SpikingCode): string | null {
  switch (codeTraits[code].decoder) {
    case "frame":
      return "its neurons receive whole frames, of which an encoder would send only single timesteps";
    case "mean":
      if (encoder === "latency") {
        return "it reads means over the timesteps, and the mean of one spike is the same whenever it comes";
      }
      if (encoder === "delta") {
        return "it reads means over the timesteps, and changes stop once the value is reached, so that their mean goes to 0";
      }
      return null;
    case "sum":
      return null;
  }
}

/** How values are to be sent. */
export interface Encoding {
  readonly encoder: EncoderName;
  /** The largest magnitude that is sent; broadcasts to the value. Above 0. */
  readonly range: Tensor;
  readonly sign: EncoderSign;
  readonly seed: number;
  /** Binary digits of `phase`. */
  readonly bits: number;
  /** Timesteps of a period of `latency`; steps from 0 to the range of `delta`. */
  readonly steps: number;
}

/**
 * Adds the encoder of `value`; its draws depend on what is in `key`. Over a period the spikes have the mean
 * that the value is, but for those of `latency`, whose time is read, and of `delta`, whose sum is.
 */
export function encoded(
  value: ValueId,
  key: ValueId,
  { encoder, range, sign, seed, bits, steps }: Encoding,
  pass: string,
  builder: Builder,
): ValueId {
  const op = builder.opOf(value);
  const loc = fusedLoc(pass, [op.loc]);
  const put = (part: string, of: (x: number) => number): string =>
    builder.tensor(part, tensorOf("f32", range.shape, Array.from(range.data, of)));
  const gain = put("gain", (x) => 1 / x);
  const size = (factor: number): { gain: string; amplitude: string; sign: EncoderSign } => ({
    gain,
    amplitude: put("range", (x) => x * factor),
    sign,
  });
  switch (encoder) {
    case "poisson":
      return builder.add("snn.poisson-encode", [value, key], { ...size(1), seed }, loc);
    case "latency": {
      // Values nearer to 0 than to the smallest that a spike can tell send none.
      const attrs = { ...size(1), steps, threshold: Math.fround(1 / (2 * steps)) };
      return builder.add("snn.latency-encode", [value], attrs, loc);
    }
    case "phase":
      return builder.add("snn.phase-encode", [value], { ...size(bits), bits }, loc);
    case "delta": {
      const threshold = put("step", (x) => x / steps);
      return builder.add("snn.delta-encode", [value], { threshold, amplitude: threshold }, loc);
    }
  }
}

/**
 * The synapse `op` on the spikes of an encoder, with its value decoded at each timestep, for codes whose
 * neurons take what a real value changes by.
 *
 *     poisson, phase:  mean of W·y + b               delta:  Σ W·y + b
 *     latency:         mean of c + b, where the current c = Σ W·y lasts from a spike to the end
 *
 * The decoded value has the id of the op.
 */
export function decodedSynapse(
  op: Op,
  inputs: readonly ValueId[],
  encoder: EncoderName,
  pass: string,
  builder: Builder,
): ValueId {
  const loc = fusedLoc(pass, [op.loc]);
  if (encoder === "poisson" || encoder === "phase") {
    const current = builder.add(op.kind, inputs, op.attrs, op.loc);
    return builder.add("snn.readout", [current], { start: 0 }, loc, op.result);
  }
  const plain = withoutBias(op, builder);
  const bias = channelBias(op, builder);
  const result = bias === null ? op.result : undefined;
  const current = builder.add(plain.kind, inputs, plain.attrs, op.loc);
  const held = encoder === "delta" ? result : undefined;
  const sum = builder.add("snn.accumulate", [current], {}, loc, held);
  const decoded =
    encoder === "delta" ? sum : builder.add("snn.readout", [sum], { start: 0 }, loc, result);
  if (bias === null) return decoded;
  const scale = builder.tensor("unit", scalar("f32", 1));
  const shift = builder.tensor("offset", bias);
  return builder.add("ann.affine", [decoded], { scale, shift }, loc, op.result);
}

/** The largest number of binary digits up to `most` whose periods fill `timesteps`. */
export function digitsFor(timesteps: number, most: number): number {
  const divisors = Array.from({ length: most }, (_, i) => most - i).filter(
    (bits) => timesteps % bits === 0,
  );
  return known(divisors[0], "1 divides every number");
}
