/**
 * Takes positive scales right before and behind integrate-and-fire neurons into the neurons, so that no
 * integer has to be multiplied for them: with s > 0, a ≥ 0
 *
 *     a · IF(s · x; θ, v0, A) = IF(x; θ/s, v0/s, a·A)
 *
 * because an IF neuron does not change when its current, threshold and potential are scaled together.
 */
import { rewrite } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import type { Shape } from "../../ir/type.ts";
import { consumers, isOutput, producers } from "../../ir/analysis/walk.ts";
import { spread } from "../fuse/affine.ts";
import { withoutDead } from "../graph.ts";

/** The module without such scales; the same object where there are none. */
export function withScalesInNeurons(module: Module): Module {
  const makers = producers(module);
  const users = consumers(module);
  const only = (value: ValueId): Op | null => {
    const [user, ...others] = users.get(value) ?? [];
    return others.length > 0 || isOutput(module, value) ? null : (user ?? null);
  };
  /** By what the scale behind neurons makes: the neurons, to be replaced there. */
  const before = new Map<ValueId, OpOf<"ann.affine">>();
  const behind = new Map<ValueId, OpOf<"ann.affine">>();
  for (const op of module.ops) {
    if (!isOp(op, "snn.if")) continue;
    const user = only(op.result);
    const last = user !== null && isScale(user, module) ? user : null;
    if (last !== null) behind.set(op.result, last);
    const driver = known(makers.get(known(op.inputs[0], "a current")), "the op that makes it");
    if (only(driver.result) === null || !isScale(driver, module)) continue;
    // Spikes need something between them and the neurons, as these take currents.
    const driven = known(makers.get(known(driver.inputs[0], "an operand")), "the op that makes it");
    if (driven.type.domain === "spike") continue;
    if (isIdleWhere(driver, last, op.type.shape, module)) before.set(op.result, driver);
  }
  if (before.size + behind.size === 0) return module;
  const taken = new Map([...behind].map(([neuron, scale]) => [scale.result, neuron]));
  return withoutDead(
    rewrite(module, (op, builder) => {
      if (isOp(op, "snn.if") && (before.has(op.result) || behind.has(op.result))) {
        const [first, last] = [before.get(op.result), behind.get(op.result)];
        const { shape } = op.type;
        const scaleOf = (scale: OpOf<"ann.affine"> | undefined): Tensor | null =>
          scale === undefined ? null : builder.tensorAt(scale.attrs.scale);
        const [start, end] = [scaleOf(first), scaleOf(last)];
        const divisor = start === null ? null : withoutZeros(start);
        const by = (ref: string, scale: Tensor | null, f: Combine): string => {
          if (scale === null) return ref;
          const made = combined(builder.tensorAt(ref), scale, shape, f);
          return builder.tensor(`${shortName(op.loc)}.scaled`, made);
        };
        const attrs = {
          ...op.attrs,
          threshold: by(op.attrs.threshold, divisor, (x, s) => x / s),
          vInit: by(op.attrs.vInit, divisor, (x, s) => x / s),
          amplitude: by(op.attrs.amplitude, end, (x, s) => x * s),
        };
        const inputs = first?.inputs ?? op.inputs;
        return builder.add("snn.if", inputs, attrs, op.loc, op.result);
      }
      return taken.get(op.result) ?? null;
    }),
  );
}

/** A product with numbers that are not negative. */
function isScale(op: Op, module: Module): op is OpOf<"ann.affine"> {
  if (!isOp(op, "ann.affine")) return false;
  const isIdle = tensorAt(module, op.attrs.shift).data.every((x) => x === 0);
  return isIdle && tensorAt(module, op.attrs.scale).data.every((x) => x >= 0);
}

/** Whether the scale before neurons is 0 only where nothing of them is seen behind. */
function isIdleWhere(
  before: OpOf<"ann.affine">,
  behind: OpOf<"ann.affine"> | null,
  shape: Shape,
  module: Module,
): boolean {
  const at = (op: OpOf<"ann.affine">): Tensor["data"] =>
    spread(tensorAt(module, op.attrs.scale), shape).data;
  const seen = behind === null ? null : at(behind);
  const scales = at(before);
  return scales.some((s) => s > 0) && scales.every((s, i) => s > 0 || seen?.[i] === 0);
}

/**
 * The scale with something in place of 0: there nothing that is sent counts, so it is to be little, and
 * thresholds are to be no larger than integers hold.
 */
function withoutZeros({ dtype, shape, data }: Tensor): Tensor {
  let least = Infinity;
  for (const s of data) if (s > 0) least = Math.min(least, s);
  const idle = least / 256;
  return tensorOf(
    dtype,
    shape,
    Array.from(data, (s) => (s > 0 ? s : idle)),
  );
}

type Combine = (parameter: number, scale: number) => number;

/** f of two tensors that broadcast to `shape`, in the larger of their shapes. */
function combined(parameter: Tensor, scale: Tensor, shape: Shape, f: Combine): Tensor {
  const one = parameter.shape.length === 0 ? scale.shape : parameter.shape;
  const alike = scale.shape.length === 0 || String(scale.shape) === String(one);
  const to = alike ? one : shape;
  const [x, s] = [spread(parameter, to).data, spread(scale, to).data];
  return tensorOf(
    "f32",
    to,
    x.map((value, i) => f(value, s[i] ?? 1)),
  );
}
