/** Neurons of rate code over time, two to a vector: the plain loop is passes/fit/response.ts's. */
import { known } from "../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../assembler/code.ts";
import type { Expr } from "../assembler/types.ts";

/** Neurons that are computed side by side: vectors enough to hide how long each operation takes. */
export const neuronsTogether = 8;
/** Doubles in front of all else: step, its reciprocal, bias, the largest and the least spike. */
export const ruleBytes = 64;

/**
 * Writes the function of the parameters: where the currents of the first neuron are (f32), bytes from one
 * timestep to the next, timesteps, where units go (f64), and a count that is a multiple of `neuronsTogether`.
 */
export function writeRateNeurons(code: FunctionWriter, retracts: boolean): void {
  const { i32, v128, f64x2, f64 } = code.wasm;
  const currents = code.parameter(0);
  const stride = code.parameter(1);
  const timesteps = code.parameter(2);
  const out = code.parameter(3);
  const count = code.parameter(4);
  const scalar = (index: number): Local =>
    code.define("v128", f64x2.splat(f64.load(8 * index, 8, code.int(0))));
  const step = scalar(0);
  const inverse = scalar(1);
  const bias = scalar(2);
  const most = scalar(3);
  const least = scalar(4);
  const half = code.define("v128", f64x2.splat(f64.const(0.5)));
  const pairs = neuronsTogether / 2;
  const v = code.several(pairs, "v128");
  const units = code.several(pairs, "v128");
  const k = code.local("v128");
  const at = code.local("i32");
  const left = code.local("i32");
  const zeros = (): Expr => v128.const(new Array<number>(16).fill(0));
  code.while(
    () => i32.gt_s(count.get(), code.int(0)),
    () => {
      for (const each of [...v, ...units]) each.set(zeros());
      at.set(currents.get());
      left.set(timesteps.get());
      code.while(
        () => left.get(),
        () => {
          v.forEach((potential, i) => {
            const sent = known(units[i], "what was sent");
            const pair = f64x2.promote_low_f32x4(v128.load64_zero(8 * i, 4, at.get()));
            potential.set(f64x2.add(potential.get(), f64x2.add(pair, bias.get())));
            const back = (): Expr => f64x2.neg(f64x2.mul(sent.get(), step.get()));
            // pmax(a, b) is a < b ? b : a, and pmin(a, b) is b < a ? b : a.
            const reached = retracts ? f64x2.pmax(potential.get(), back()) : potential.get();
            const wanted = f64x2.floor(f64x2.add(f64x2.mul(reached, inverse.get()), half.get()));
            k.set(f64x2.pmax(f64x2.pmin(wanted, most.get()), least.get()));
            potential.set(f64x2.sub(potential.get(), f64x2.mul(k.get(), step.get())));
            sent.set(f64x2.add(sent.get(), k.get()));
          });
          at.advance(stride.get());
          left.step(-1);
        },
      );
      units.forEach((sent, i) => {
        code.push(v128.store(16 * i, 8, out.get(), sent.get()));
      });
      currents.step(4 * neuronsTogether);
      out.step(8 * neuronsTogether);
      count.step(-neuronsTogether);
    },
  );
}
