/** A whole program: the parts of a module in order, their memory, and what goes in and out. */
import { shortName } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import { type ValueId, isOp } from "../../../ir/op/op.ts";
import { type Shape, elementCount } from "../../../ir/type.ts";
import { nestOver } from "../text/nest.ts";
import type { CType } from "../text/types.ts";
import { type CArray, type ConstantArray, type MemoryPlan, planMemory } from "./arrays.ts";
import { type LowerOptions, Lowering } from "./lowering.ts";
import { materialise } from "./materialise.ts";
import type { Part } from "./part.ts";
import { type ReadOut, isReadOut, sumsOf } from "./readouts.ts";
import { type Held, type View, viewOf } from "./views.ts";

/** Something that the caller gives or gets: an array of elements, row-major. */
export interface Port {
  readonly name: string;
  readonly identifier: string;
  readonly type: CType;
  readonly shape: Shape;
}

export interface InputPort extends Port {
  readonly value: ValueId;
}

export interface OutputPort extends Port {
  /** The read-out whose sums are given as they are; null where decoded values are. */
  readonly sums: ReadOut | null;
}

export interface Program {
  readonly lowering: Lowering;
  readonly parts: readonly Part[];
  readonly constants: readonly ConstantArray[];
  readonly memory: MemoryPlan;
  readonly inputs: readonly InputPort[];
  readonly outputs: readonly OutputPort[];
  readonly isFramed: boolean;
}

export interface ProgramOptions extends LowerOptions {
  readonly output: "floats" | "sums";
}

/** Lowers a module that `refusalsOf` has nothing against. */
export function lowerProgram(module: Module, options: ProgramOptions): Program {
  const lowering = new Lowering(module, options, materialise);
  const outputs =
    options.output === "sums"
      ? readOutsOf(lowering).map((op) => sumsPort(lowering, op))
      : module.outputs.map(({ name, value }) => valuePort(lowering, name, lowering.valueOf(value)));
  const parts = lowering.parts;
  const uses = parts.map(({ phase, arrays }) => ({ phase, arrays }));
  return {
    lowering,
    parts,
    constants: lowering.constants,
    memory: planMemory(uses),
    inputs: lowering.given.map(({ op, array }) => ({
      name: isOp(op, "ann.input") ? op.attrs.name : shortName(op.loc),
      identifier: array.name,
      type: array.type,
      shape: op.type.shape,
      value: op.result,
    })),
    outputs,
    isFramed: lowering.isFramed,
  };
}

/** The read-outs of a module in order. */
function readOutsOf(lowering: Lowering): readonly ReadOut[] {
  return lowering.module.ops.filter(isReadOut);
}

function sumsPort(lowering: Lowering, op: ReadOut): OutputPort {
  const { total, early } = sumsOf(lowering, op);
  const { type } = total.array;
  const port = portOf(lowering, shortName(op.loc), type, total.shape);
  const part = lowering.part();
  part.uses(total, early);
  const target = given(port, total.shape);
  if (early === null) copied(part, target, total);
  else {
    const start = isOp(op, "snn.readout") ? op.attrs.start : 0;
    part.usesTime = true;
    const nest = nestOver([target, total, early]);
    const late = `${nest.at(total)} - (t < ${2 * start} ? 0 : ${nest.at(early)})`;
    part.add(nest.around(`${nest.at(target)} = ${late};`));
  }
  lowering.emit(
    `${shortName(op.loc)}_out`,
    "output",
    [`${shortName(op.loc)}: sums as they are.`],
    part,
  );
  return { ...port, sums: op };
}

function valuePort(lowering: Lowering, name: string, held: Held): OutputPort {
  const port = portOf(lowering, name, held.array.type, held.shape);
  const view = viewOf(held);
  const part = lowering.part();
  const target = given(port, held.shape);
  part.uses(held.array);
  if (view === null) {
    held.places.forEach((place, i) => {
      part.add(`${port.identifier}[${i}] = ${place < 0 ? "0" : `${held.array.name}[${place}]`};`);
    });
  } else copied(part, target, view);
  lowering.emit(`${name}_out`, "output", [`Output "${name}".`], part);
  return { ...port, sums: null };
}

function portOf(lowering: Lowering, name: string, type: CType, shape: Shape): Port {
  return { name, identifier: lowering.names.claim(name), type, shape };
}

/** A row-major view of what the caller gives. */
function given({ identifier: name, type }: Port, shape: Shape): View {
  const array: CArray = { name, type, length: elementCount(shape), kind: "given", what: "output" };
  let size = 1;
  const strides = shape.map(() => 0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = size;
    size *= shape[axis] ?? 1;
  }
  return { array, shape, strides, offset: 0 };
}

function copied(part: ReturnType<Lowering["part"]>, target: View, source: View): void {
  const nest = nestOver([target, source]);
  part.add(nest.around(`${nest.at(target)} = ${nest.at(source)};`));
}
