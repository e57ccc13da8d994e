/**
 * Makes modules: from nothing (`Builder`, for frontends and tests) and from another module
 * (`rewrite`, for passes). Both infer types, so an ill-typed op cannot be built.
 */
import { type Result, invariant, known } from "./diagnostic.ts";
import type { Loc } from "./loc.ts";
import type { Carry, Code, Module, Output, Property } from "./module.ts";
import { type Op, type OpAttrs, type OpKind, type ValueId, isInput } from "./op/op.ts";
import { inferType, tensorRefsOf } from "./op/table.ts";
import { type Tensor, type TensorRef, fingerprint, sameTensor } from "./tensor.ts";
import type { Type } from "./type.ts";

/** Brands a number as a value id; for readers of text and makers of modules only. */
export function valueIdOf(id: number): ValueId {
  // The one place where the brand is put on.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
  return id as ValueId;
}

/** Pairs a kind with its attributes as an `Op`. */
export function makeOp<K extends OpKind>(
  kind: K,
  result: ValueId,
  inputs: readonly ValueId[],
  attrs: OpAttrs[K],
  type: Type,
  loc: Loc,
): Op {
  // TypeScript does not see that { kind: K, attrs: OpAttrs[K] } is a member of the union over K.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
  return { kind, result, inputs, attrs, type, loc } as unknown as Op;
}

/** A growing list of ops. Mutable; lives inside one function. */
export class Builder {
  readonly ops: Op[] = [];
  readonly tensors: Map<TensorRef, Tensor>;
  private readonly byValue = new Map<ValueId, Op>();
  private readonly refsByFingerprint = new Map<string, TensorRef[]>();
  private readonly given: ReadonlyMap<TensorRef, Tensor>;
  /** Where to go on numbering tensors of one name: counting from 1 each time is quadratic. */
  private readonly lastSuffix = new Map<string, number>();
  private nextId: number;

  constructor(options: { tensors?: ReadonlyMap<TensorRef, Tensor>; firstId?: number } = {}) {
    this.given = options.tensors ?? new Map<TensorRef, Tensor>();
    this.tensors = new Map(this.given);
    this.nextId = options.firstId ?? 0;
  }

  /** Adds an op, or says why its operands do not fit. `result` reuses an id that is free here. */
  tryAdd<K extends OpKind>(
    kind: K,
    inputs: readonly ValueId[],
    attrs: OpAttrs[K],
    loc: Loc,
    result?: ValueId,
  ): Result<ValueId> {
    const types = inputs.map((value) => this.opOf(value).type);
    const id = result ?? valueIdOf(this.nextId++);
    const draft = makeOp(kind, id, inputs, attrs, { domain: "real", dtype: "f32", shape: [] }, loc);
    const type = inferType(draft, types, (ref) => this.tensorAt(ref));
    if (!type.ok) return type;
    this.push({ ...draft, type: type.value });
    return { ok: true, value: id };
  }

  /** Adds an op whose operands are known to fit. */
  add<K extends OpKind>(
    kind: K,
    inputs: readonly ValueId[],
    attrs: OpAttrs[K],
    loc: Loc,
    result?: ValueId,
  ): ValueId {
    const added = this.tryAdd(kind, inputs, attrs, loc, result);
    if (!added.ok) invariant(false, `cannot build ${kind}: ${added.reason}`);
    return added.value;
  }

  /** Adds an input of this type. */
  input(name: string, type: Type, loc: Loc, result?: ValueId): ValueId {
    const id = result ?? valueIdOf(this.nextId++);
    this.push(makeOp("ann.input", id, [], { name }, type, loc));
    return id;
  }

  /** Adds an input that has a frame of this type for each timestep. */
  inputOverTime(name: string, type: Type, loc: Loc, result?: ValueId): ValueId {
    const id = result ?? valueIdOf(this.nextId++);
    this.push(makeOp("snn.input", id, [], { name }, type, loc));
    return id;
  }

  /** Adds a constant that holds `value`. */
  constant(hint: string, value: Tensor, loc: Loc): ValueId {
    return this.add("ann.constant", [], { value: this.tensor(hint, value) }, loc);
  }

  /** Puts a tensor into the table under `hint` or a name like it; an equal one is shared. */
  tensor(hint: string, value: Tensor): TensorRef {
    const mark = fingerprint(value);
    const alike = this.refsByFingerprint.get(mark) ?? [];
    const shared = alike.find((ref) => sameTensor(this.tensorAt(ref), value));
    if (shared !== undefined) return shared;
    const base = hint.replace(/[^A-Za-z0-9_./-]+/g, "_").replace(/^[./-]+/, "") || "t";
    let ref = base;
    let suffix = 0;
    // Tensors that were there from the start have no fingerprint: they are compared by name.
    for (; this.given.has(ref); ref = `${base}.${++suffix}`) {
      if (sameTensor(this.tensorAt(ref), value)) break;
    }
    if (!this.given.has(ref)) {
      suffix = Math.max(suffix, this.lastSuffix.get(base) ?? 0);
      while (this.tensors.has(ref)) ref = `${base}.${++suffix}`;
      this.lastSuffix.set(base, suffix);
    }
    this.tensors.set(ref, value);
    this.refsByFingerprint.set(mark, [...alike, ref]);
    return ref;
  }

  tensorAt(ref: TensorRef): Tensor {
    return known(this.tensors.get(ref), `tensor @${ref}`);
  }

  opOf(value: ValueId): Op {
    return known(this.byValue.get(value), `the op that makes %${value}`);
  }

  typeOf(value: ValueId): Type {
    return this.opOf(value).type;
  }

  push(op: Op): void {
    invariant(!this.byValue.has(op.result), `value %${op.result} is made twice`);
    this.ops.push(op);
    this.byValue.set(op.result, op);
  }

  /** The module of all ops so far; tensors that no op names are left out. */
  finish(options: {
    name: string;
    outputs: readonly Output[];
    carries?: readonly Carry[];
    code?: Code;
    timesteps?: number;
    properties?: ReadonlySet<Property>;
    /** Those of synapses that are left out of the module are too. */
    weightBits?: ReadonlyMap<ValueId, number>;
  }): Module {
    const tensors = new Map<TensorRef, Tensor>();
    for (const op of this.ops) {
      for (const { ref } of tensorRefsOf(op)) tensors.set(ref, this.tensorAt(ref));
    }
    const kept = [...(options.weightBits ?? [])].filter(([value]) => this.byValue.has(value));
    return {
      name: options.name,
      code: options.code ?? "none",
      timesteps: options.timesteps ?? 1,
      ops: this.ops,
      outputs: options.outputs,
      carries: options.carries ?? [],
      tensors,
      properties: options.properties ?? new Set(),
      ...(kept.length > 0 ? { weightBits: new Map(kept) } : {}),
    };
  }
}

/** A builder without ops that holds the tensors of `module`, and gives ids that none of its ops has. */
export function builderBeside(module: Module): Builder {
  return new Builder({ tensors: module.tensors, firstId: firstFreeId(module) });
}

/** A builder that already holds every op and tensor of `module`, to add more behind them. */
export function builderOn(module: Module): Builder {
  const builder = builderBeside(module);
  for (const op of module.ops) builder.push(op);
  return builder;
}

/** The least id that is above those of all ops. */
export function firstFreeId(module: Module): number {
  return 1 + module.ops.reduce((max, op) => Math.max(max, op.result), -1);
}

/**
 * Rebuilds a module op by op, in order. `transform` sees each op with its operands already
 * renamed to what replaced them. It returns null to keep the op as it is, or the value that stands
 * for the op's result from here on, made with `builder` (whose `add` takes the old result id where
 * the new op should keep it, as statistics and probes go by id). Types are inferred anew all the
 * way down. When nothing changed the same module comes back.
 */
export function rewrite(
  module: Module,
  transform: (op: Op, builder: Builder) => ValueId | null,
): Module {
  const builder = builderBeside(module);
  const renamed = new Map<ValueId, ValueId>();
  const rename = (value: ValueId): ValueId => renamed.get(value) ?? value;
  let changed = false;
  for (const original of module.ops) {
    const inputs = original.inputs.map(rename);
    const moved = inputs.some((value, i) => value !== original.inputs[i]);
    const op: Op = moved ? { ...original, inputs } : original;
    const before = builder.ops.length;
    const replacement = transform(op, builder);
    if (replacement !== null) {
      // What it gives is not a function of operands, so nothing can stand for it.
      invariant(original.kind !== "snn.previous", "transform replaced a value that comes back");
      changed = true;
      if (replacement !== original.result) renamed.set(original.result, replacement);
      continue;
    }
    invariant(before === builder.ops.length, "transform added ops but kept the original");
    if (isInput(op)) builder.push(op);
    else builder.add(op.kind, op.inputs, op.attrs, op.loc, op.result);
  }
  if (!changed) return module;
  const outputs = module.outputs.map((o) => ({ name: o.name, value: rename(o.value) }));
  const carries = module.carries.map((carry) => ({ ...carry, value: rename(carry.value) }));
  return builder.finish({ ...module, outputs, carries });
}
