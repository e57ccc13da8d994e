/** Neurons that send words, a timestep at a time, two to a vector: the plain loop is passes/fit/trial.ts's. */
import type { FunctionWriter, Local } from "../assembler/code.ts";
import type { Expr } from "../assembler/types.ts";

/** What is there before: a step (none at the first timestep), and limits. */
export interface WordForm {
  readonly sends: boolean;
  readonly retracts: boolean;
  readonly bounded: boolean;
}

export function nameOf({ sends, retracts, bounded }: WordForm): string {
  return `words${sends ? " send" : ""}${retracts ? " retract" : ""}${bounded ? " bounded" : ""}`;
}

/** Doubles in front of all else: what a call is given, and where it leaves what it found. */
export const wordPlaces = {
  before: 0,
  most: 8,
  least: 16,
  ceiling: 24,
  floor: 32,
  furthest: 40,
  seen: 48,
} as const;

export function errorNameOf({ retracts, bounded }: Omit<WordForm, "sends">): string {
  return `error${retracts ? " retract" : ""}${bounded ? " bounded" : ""}`;
}

/** Doubles in front of neurons whose error is looked for; `error` is what there is of it before and after. */
export const errorPlaces = {
  step: 0,
  most: 8,
  least: 16,
  ceiling: 24,
  weight: 32,
  limit: 40,
  error: 48,
} as const;

/** What a pair of neurons sends by, each as vectors of two doubles. */
interface SpikeOf {
  readonly step: Local;
  readonly most: Local;
  readonly least: Local;
  readonly ceiling: Local;
  /** A half, to round by. */
  readonly half: Local;
}

/** What a pair that holds `held` and has sent `gone` sends next, by way of `k`. */
function writeSpike(
  code: FunctionWriter,
  { step, most, least, ceiling, half }: SpikeOf,
  { retracts, bounded }: Omit<WordForm, "sends">,
  { held, gone, k }: { readonly held: () => Expr; readonly gone: Local; readonly k: Local },
): Expr {
  const { f64x2 } = code.wasm;
  const nearest = (value: Expr): Expr =>
    f64x2.floor(f64x2.add(f64x2.div(value, step.get()), half.get()));
  // pmax(a, b) is a < b ? b : a, and pmin(a, b) is b < a ? b : a.
  const reached = retracts ? f64x2.pmax(held(), f64x2.neg(gone.get())) : held();
  k.set(f64x2.pmin(nearest(reached), most.get()));
  if (bounded) k.set(f64x2.pmin(k.get(), nearest(f64x2.sub(ceiling.get(), gone.get()))));
  return f64x2.mul(step.get(), f64x2.pmax(k.get(), least.get()));
}

/**
 * Writes the function of the parameters: where potentials are, what was sent and what is missing (f64), and how
 * many pairs of neurons. Ends with the first pair that brings the error to the limit.
 */
export function writeWordError(code: FunctionWriter, form: Omit<WordForm, "sends">): void {
  const { i32, v128, f64x2, f64 } = code.wasm;
  const { retracts, bounded } = form;
  const v = code.parameter(0);
  const sent = code.parameter(1);
  const missing = code.parameter(2);
  const pairs = code.parameter(3);
  const load = (place: number): Expr => f64.load(place, 8, code.int(0));
  const given = (place: number): Local => code.define("v128", f64x2.splat(load(place)));
  const step = given(errorPlaces.step);
  const most = given(errorPlaces.most);
  const least = given(errorPlaces.least);
  const ceiling = given(errorPlaces.ceiling);
  const weight = given(errorPlaces.weight);
  const half = code.define("v128", f64x2.splat(f64.const(0.5)));
  const limit = code.define("f64", load(errorPlaces.limit));
  const error = code.define("f64", load(errorPlaces.error));
  const gone = code.local("v128");
  const left = code.local("v128");
  const rule = { step, most, least, ceiling, half };
  code.while(
    () => i32.and(i32.ne(pairs.get(), code.int(0)), f64.lt(error.get(), limit.get())),
    () => {
      if (retracts || bounded) gone.set(v128.load(0, 8, sent.get()));
      const held = (): Expr => v128.load(0, 8, v.get());
      const sends = writeSpike(code, rule, form, { held, gone, k: left });
      left.set(f64x2.sub(v128.load(0, 8, missing.get()), sends));
      left.set(f64x2.mul(f64x2.mul(weight.get(), left.get()), left.get()));
      // One after the other, as the plain loop has them.
      error.set(f64.add(error.get(), f64x2.extract_lane(left.get(), 0)));
      error.set(f64.add(error.get(), f64x2.extract_lane(left.get(), 1)));
      for (const pointer of [v, sent, missing]) pointer.step(16);
      pairs.step(-1);
    },
  );
  code.push(f64.store(errorPlaces.error, 8, code.int(0), error.get()));
}

/**
 * Writes the function of the parameters: where potentials are, what was sent, what is missing (f64) and currents
 * (f32), and how many pairs of neurons.
 */
export function writeWords(code: FunctionWriter, form: WordForm): void {
  const { i64, v128, f64x2, i64x2, f64 } = code.wasm;
  const { sends, retracts, bounded } = form;
  const v = code.parameter(0);
  const sent = code.parameter(1);
  const missing = code.parameter(2);
  const currents = code.parameter(3);
  const pairs = code.parameter(4);
  const given = (place: number): Local =>
    code.define("v128", f64x2.splat(f64.load(place, 8, code.int(0))));
  const step = given(wordPlaces.before);
  const most = given(wordPlaces.most);
  const least = given(wordPlaces.least);
  const ceiling = given(wordPlaces.ceiling);
  const floor = given(wordPlaces.floor);
  const half = code.define("v128", f64x2.splat(f64.const(0.5)));
  const zeros = (): Expr => v128.const(new Array<number>(16).fill(0));
  const furthest = code.define("v128", zeros());
  const seen = code.define("v128", zeros());
  const held = code.local("v128");
  const gone = code.local("v128");
  const k = code.local("v128");
  const rule = { step, most, least, ceiling, half };
  const room = (): Expr => f64x2.sub(ceiling.get(), gone.get());
  const back = (): Expr => f64x2.neg(gone.get());
  code.while(
    () => pairs.get(),
    () => {
      held.set(v128.load(0, 8, v.get()));
      gone.set(v128.load(0, 8, sent.get()));
      if (sends) {
        k.set(writeSpike(code, rule, form, { held: () => held.get(), gone, k }));
        held.set(f64x2.sub(held.get(), k.get()));
        gone.set(f64x2.add(gone.get(), k.get()));
        code.push(v128.store(0, 8, sent.get(), gone.get()));
      }
      held.set(
        f64x2.add(held.get(), f64x2.promote_low_f32x4(v128.load64_zero(0, 4, currents.get()))),
      );
      code.push(v128.store(0, 8, v.get(), held.get()));
      if (bounded) held.set(f64x2.pmin(held.get(), room()));
      held.set(f64x2.pmax(held.get(), retracts ? back() : floor.get()));
      code.push(v128.store(0, 8, missing.get(), held.get()));
      furthest.set(f64x2.pmax(furthest.get(), f64x2.abs(held.get())));
      seen.set(i64x2.sub(seen.get(), f64x2.ne(held.get(), zeros())));
      for (const pointer of [v, sent, missing]) pointer.step(16);
      currents.step(8);
      pairs.step(-1);
    },
  );
  const larger = f64.max(
    f64x2.extract_lane(furthest.get(), 0),
    f64x2.extract_lane(furthest.get(), 1),
  );
  const all = i64.add(i64x2.extract_lane(seen.get(), 0), i64x2.extract_lane(seen.get(), 1));
  code.push(f64.store(wordPlaces.furthest, 8, code.int(0), larger));
  code.push(f64.store(wordPlaces.seen, 8, code.int(0), f64.convert_s.i64(all)));
}
