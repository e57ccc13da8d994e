/**
 * What holds of every module, whichever pass made it:
 *
 *  1. Every operand is the result of an earlier op.
 *  2. Results are unique, and whole numbers that are not negative.
 *  3. An op has as many operands as its spec says.
 *  4. The type of an op is the one that its spec infers; inputs are real, but for those over time.
 *  5. Every attribute is of its declared kind, and whole numbers in it fit 32 bits.
 *  6. Every tensor that is named exists, has its shape's number of elements, and holds values of
 *     its element type; those that are not constants hold neither NaN nor infinity.
 *  7. Thresholds are > 0; those of few-spikes neurons may be any.
 *  8. Timesteps is a whole number from 1 to 1,000,000, and 1 where nothing is over time.
 *  9. There is an output; outputs exist; no two outputs share a name, nor do two inputs.
 * 10. Every op is an input or something an output depends on.
 * 11. Every tensor in the table is named by an op.
 * 12. Where the code is "none" there are no spiking ops, and what comes in or back over time is real.
 * 13. Framed neurons stand in modules of their code, in which nothing is added at each timestep and
 *     nothing reads means.
 * 14. Ops that start anew after a rehearsal do so at the same time, before the last timestep, and
 *     nothing comes back in such a network.
 * 15. Each `snn.previous` has one carry, which brings it a value of its type; carries go nowhere else.
 *
 * Domains are part of 4. What holds at some stage only (no activations after conversion) is for the
 * checkers of properties in `passes/`. Other faults are never repaired here, only told.
 */
import {
  isFramedNeuron,
  isNeuron,
  variesByItself,
  isWeighted,
  traitsOf,
  isSourceOverTime,
} from "./op/known.ts";
import { attributesOf, describeKind, fitsKind, formatRef, formatString } from "./op/attribute.ts";
import { known } from "./diagnostic.ts";
import {
  type Module,
  inputsOf,
  isFramed,
  isOverTime,
  maxTimesteps,
  opsOf,
  rehearsalOf,
} from "./module.ts";
import { formatNumber } from "./text/number.ts";
import { type Op, type ValueId, isInput, isOp, isRehearsed } from "./op/op.ts";
import { rangeOf } from "./analysis/range.ts";
import { inferType, specOf, tensorRefsOf } from "./op/table.ts";
import { type Tensor, bytesMadeOf, storedAs } from "./tensor.ts";
import { type Type, elementCount, formatType, sameType } from "./type.ts";
import { reachable } from "./analysis/walk.ts";

export interface Violation {
  /** The number in the list above. */
  readonly invariant: number;
  /** The op at fault, of a carry the one that it goes to; null where it is the module. */
  readonly op: Op | null;
  /** One sentence without final stop. */
  readonly message: string;
}

/** Every violation: those of ops in the order of the ops, then those of the module. */
export function verify(module: Module): readonly Violation[] {
  const violations: Violation[] = [];
  const earlier = new Map<ValueId, Op>();
  const needed = reachable(module);
  for (const op of module.ops) {
    for (const [invariant, message] of faultsOf(op, module, earlier, needed)) {
      violations.push({ invariant, op, message });
    }
    if (!earlier.has(op.result)) earlier.set(op.result, op);
  }
  for (const [invariant, message, op = null] of moduleFaults(module, earlier)) {
    violations.push({ invariant, op, message });
  }
  return violations;
}

type Fault = readonly [invariant: number, message: string, op?: Op | null];

function* faultsOf(
  op: Op,
  module: Module,
  earlier: ReadonlyMap<ValueId, Op>,
  needed: ReadonlySet<ValueId>,
): Generator<Fault> {
  const types: Type[] = [];
  for (const input of op.inputs) {
    const producer = earlier.get(input);
    if (producer === undefined) yield [1, `${op.kind} uses %${input}, which no earlier op makes`];
    else types.push(producer.type);
  }
  if (earlier.has(op.result)) yield [2, `%${op.result} is made twice`];
  if (!Number.isSafeInteger(op.result) || op.result < 0) {
    yield [2, `%${op.result} is not a whole number that is not negative`];
  }
  const { arity } = specOf(op.kind);
  const count = op.inputs.length;
  const arityFits = typeof arity === "number" ? count === arity : count >= arity.atLeast;
  if (!arityFits) {
    const wanted = typeof arity === "number" ? arity : `at least ${arity.atLeast}`;
    yield [3, `${op.kind} takes ${wanted} operands, not ${count}`];
  }
  const unfit = attributesOf(op).filter(({ kind, value }) => !fitsKind(kind, value));
  for (const { name, kind } of unfit) {
    yield [5, `attribute ${name} of ${op.kind} is not ${describeKind(kind)}`];
  }
  const tooLarge = unfit.length > 0 ? [] : [...beyond32Bits(op)];
  for (const { name, value } of tooLarge) {
    yield [5, `attribute ${name} of ${op.kind} holds ${formatNumber(value)}, beyond 32 bits`];
  }
  // An op whose parts are at fault would only be reported again for its type.
  let sound = arityFits && unfit.length === 0 && tooLarge.length === 0 && types.length === count;
  if (unfit.length === 0) {
    for (const { attribute, ref } of tensorRefsOf(op)) {
      const there = module.tensors.get(ref);
      const fault =
        there === undefined
          ? "is not in the table"
          : tensorFault(there, op.kind === "ann.constant");
      if (fault !== null) yield [6, `${attribute} ${formatRef(ref)} ${fault}`];
      sound &&= there !== undefined;
    }
  }
  if (sound) {
    const fault = typeFault(op, types, module);
    if (fault !== null) yield [4, fault];
    if (isNeuron(op) && op.kind !== "snn.few-spikes") {
      const { min } = rangeOf(known(module.tensors.get(op.attrs.threshold), "the threshold"));
      const name = formatRef(op.attrs.threshold);
      if (min <= 0) yield [7, `threshold ${name} holds ${formatNumber(min)}, which is not above 0`];
    }
  }
  if (!needed.has(op.result) && !isInput(op)) {
    yield [10, `no output depends on this ${op.kind}`];
  }
  if (module.code === "none" && variesByItself(op)) {
    const isSource = isSourceOverTime(op);
    if (!isSource || op.type.domain !== "real") {
      const what = isSource ? `${op.kind} of domain ${op.type.domain}` : op.kind;
      yield [12, `${what} stands in a network whose code is "none"`];
    }
  }
  const misfit = frameFault(op, types, module);
  if (misfit !== null) yield [13, misfit];
}

/** The whole numbers of an op that kernels, which compute with 32 bits, would cut off; the first of a list. */
function* beyond32Bits(op: Op): Generator<{ readonly name: string; readonly value: number }> {
  for (const { name, kind, value } of attributesOf(op)) {
    if (kind !== "int" && kind !== "ints") continue;
    const numbers: readonly unknown[] = Array.isArray(value) ? value : [value];
    const large = numbers.find((each) => typeof each === "number" && (each | 0) !== each);
    if (typeof large === "number") yield { name, value: large };
  }
}

/**
 * Why an op does not go with the frames of the module's code: what is added at each timestep of a frame
 * would be added T times, and an op that reads means finds sums.
 */
function frameFault(op: Op, types: readonly Type[], { code, tensors }: Module): string | null {
  if (!isFramed(code)) {
    return isFramedNeuron(op) ? `${op.kind} stands in a network whose code is "${code}"` : null;
  }
  const { time } = traitsOf(op);
  if (time === "steps" || time === "given" || time === "before") {
    return `${op.kind} stands in a network whose code is "${code}"`;
  }
  const overTime = types.some(({ domain }) => domain !== "real");
  if (!overTime) return null;
  const isBiased =
    (isWeighted(op) && op.attrs.bias !== null) ||
    (isOp(op, "ann.affine") && (tensors.get(op.attrs.shift)?.data ?? []).some((x) => x !== 0));
  if (isBiased) return `${op.kind} adds a bias at each timestep of a frame`;
  const isMixed = types.some(({ domain }) => domain === "real");
  return traitsOf(op).linear === "all" && isMixed
    ? `${op.kind} adds a real value at each timestep of a frame`
    : null;
}

function tensorFault(value: Tensor, mayBeInfinite: boolean): string | null {
  const wanted = elementCount(value.shape);
  // Packed bytes are those of the shape, whoever made them; nothing is unpacked to look.
  if (bytesMadeOf(value) === null && value.data.length !== wanted) {
    return `has ${value.data.length} elements, but its shape [${value.shape.join(", ")}] ${wanted}`;
  }
  const { unfit, notFinite } = rangeOf(value);
  if (unfit !== null)
    return `holds ${formatNumber(unfit, value.dtype)}, which is no ${storedAs(value)}`;
  if (notFinite !== null && !mayBeInfinite) return `holds ${formatNumber(notFinite)}`;
  return null;
}

function typeFault(op: Op, types: readonly Type[], module: Module): string | null {
  if (isInput(op)) {
    const { domain, shape } = op.type;
    if (domain !== "real" && op.kind === "ann.input")
      return `input ${formatString(op.attrs.name)} is of domain ${domain}`;
    return shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)
      ? null
      : `input ${formatString(op.attrs.name)} has shape [${shape.join(", ")}]`;
  }
  const inferred = inferType(op, types, (ref) => known(module.tensors.get(ref), `tensor @${ref}`));
  if (!inferred.ok) return inferred.reason;
  return sameType(inferred.value, op.type)
    ? null
    : `${op.kind} makes ${formatType(inferred.value)}, but its type says ${formatType(op.type)}`;
}

function* moduleFaults(module: Module, made: ReadonlyMap<ValueId, Op>): Generator<Fault> {
  const { timesteps } = module;
  if (!Number.isSafeInteger(timesteps) || timesteps < 1) {
    yield [8, `the network runs for ${formatNumber(timesteps)} timesteps`];
  } else if (timesteps > maxTimesteps) {
    yield [
      8,
      `the network runs for ${formatNumber(timesteps)} timesteps; the limit is ${maxTimesteps}`,
    ];
  } else if (!isOverTime(module) && timesteps !== 1) {
    yield [8, `the code is "none", but the network runs for ${timesteps} timesteps`];
  }
  yield* rehearsalFaults(module);
  yield* carryFaults(module, made);
  if (module.outputs.length === 0) yield [9, "the network has no output"];
  for (const { name, value } of module.outputs) {
    if (!made.has(value)) yield [9, `output ${formatString(name)} is %${value}, which no op makes`];
  }
  for (const name of repeated(module.outputs.map((output) => output.name))) {
    yield [9, `two outputs are called ${formatString(name)}`];
  }
  for (const name of repeated(inputsOf(module).map((input) => input.attrs.name))) {
    yield [9, `two inputs are called ${formatString(name)}`];
  }
  const used = new Set(module.ops.flatMap((op) => tensorRefsOf(op).map(({ ref }) => ref)));
  for (const ref of module.tensors.keys()) {
    if (!used.has(ref)) yield [11, `no op names tensor ${formatRef(ref)}`];
  }
}

function* rehearsalFaults(module: Module): Generator<Fault> {
  const rehearsals = new Set(module.ops.filter(isRehearsed).map(({ attrs }) => attrs.rehearsal));
  if (rehearsals.size > 1) {
    yield [14, `ops rehearse for ${[...rehearsals].join(" and ")} timesteps, not for as many`];
  }
  const longest = rehearsalOf(module);
  if (longest > 0 && longest >= module.timesteps) {
    const run = formatNumber(module.timesteps);
    yield [14, `ops rehearse for ${longest} timesteps, and the network runs for ${run}`];
  }
  if (longest > 0 && module.carries.length > 0) {
    yield [14, "ops rehearse in a network in which values come back"];
  }
}

function* carryFaults(module: Module, made: ReadonlyMap<ValueId, Op>): Generator<Fault> {
  const sources = new Set<ValueId>();
  for (const { value, source } of module.carries) {
    const [from, to] = [made.get(value), made.get(source)];
    if (from === undefined) yield [15, `%${value} is carried, which no op makes`, to ?? null];
    if (to?.kind !== "snn.previous") {
      const message = `a value is carried to %${source}, which is not an snn.previous`;
      yield [15, message, to ?? from ?? null];
      continue;
    }
    if (sources.has(source)) yield [15, `two values are carried to %${source}`, to];
    sources.add(source);
    if (from !== undefined && !sameType(from.type, to.type)) {
      const [carried, wanted] = [formatType(from.type), formatType(to.type)];
      yield [15, `${carried} is carried to %${source}, which is ${wanted}`, to];
    }
  }
  for (const op of opsOf(module, "snn.previous")) {
    if (!sources.has(op.result)) yield [15, `nothing is carried to %${op.result}`, op];
  }
}

function repeated(names: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const again = new Set<string>();
  for (const name of names) (seen.has(name) ? again : seen).add(name);
  return again;
}
