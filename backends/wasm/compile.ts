/**
 * Compiles a module to a program: lowers it to steps, gives every buffer its address, writes one
 * function for each step, and joins them to one function that runs them all.
 */
import { arrivalsOf } from "../../ir/account/arrivals.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Module, inputsOf, isFramed, tensorAt } from "../../ir/module.ts";
import { areOverTime } from "../../ir/run/frames.ts";
import { tensorRefsOf } from "../../ir/op/table.ts";
import type { Tensor, TensorRef } from "../../ir/tensor.ts";
import { type Assembler, openAssembler } from "./assembler/assembler.ts";
import { barrierBytes, freeOffset, waitForAll } from "./assembler/barrier.ts";
import { connectionsOf } from "./lower/counts.ts";
import type { Lowering, Step } from "./lower/lowering.ts";
import { type LowerOptions, type SpikePlace, lowerNetwork, stepsIn } from "./lower/network.ts";
import { type Lifetime, aligned, planMemory } from "./memory/arena.ts";
import { maskBuffers } from "./memory/spikes.ts";
import type { Buffer } from "./memory/view.ts";
import { type HostTask, type ProgramStep, type Program, type SpikesAt, locate } from "./program.ts";

export interface CompileOptions extends LowerOptions {
  /** Whether several threads are to work in one memory. */
  readonly shared: boolean;
  /** Threads that work on one sample together, with a barrier between steps; 1 for none. */
  readonly tiles: number;
  /** Spend time on smaller code. */
  readonly optimise: boolean;
}

/** Ops without a kernel become tasks of the host: see `Program.tasks`. */
export async function compileProgram(module: Module, options: CompileOptions): Promise<Program> {
  const lowered = lowerNetwork(module, options);
  const { lowering, outputs, kept, averages, counted, inputs, recorded, given, needed } = lowered;
  const barrier = options.tiles > 1 ? lowering.buffer("state", "barrier", barrierBytes) : null;

  const begin = stepsIn(lowering, "begin");
  const each = stepsIn(lowering, "each");
  const count = stepsIn(lowering, "count");
  const lasting = [
    ...outputs.map(({ view }) => view.buffer),
    ...kept.map(([, view]) => view.buffer),
    ...averages.map(([, average]) => average.view.buffer),
    ...[...lowering.traces.values()].map((view) => view.buffer),
    ...recorded.flatMap(([, place]) => buffersOf(place)),
    ...(counted === null ? [] : [counted.view.buffer]),
    ...(barrier === null ? [] : [barrier]),
  ];
  const plan = placeBuffers(
    lowering,
    begin,
    [...each, ...count],
    [...inputs.map((view) => view.buffer), ...given.flatMap(([, place]) => buffersOf(place))],
    lasting,
  );
  const assembler = await openAssembler({
    shared: options.shared,
    relaxed: options.relaxed ?? false,
  });
  const tasks: HostTask[] = [];
  const tiled = barrier !== null;
  if (tiled) {
    assembler.define(syncName, 3, (code) => {
      waitForAll(code, barrier);
    });
  }
  const parts = {
    begin: writePhase(assembler, "begin", begin, tasks, lowering, tiled),
    each: writePhase(assembler, "each", each, tasks, lowering, tiled),
    count: writePhase(assembler, "count", count, tasks, lowering, tiled),
  };
  const math = assembler.importedFunctions();
  const binary = new Uint8Array(assembler.finish(options.optimise));
  return {
    binary,
    math,
    constants: lowering
      .allConstants()
      .flatMap(({ address, data }) => (data === null ? [] : [{ address, data }])),
    tables: lowering.allTables(),
    constantBytes: plan.constantBytes,
    arenaBytes: plan.arenaBytes,
    shared: options.shared,
    sync: tiled ? { call: syncName, address: barrier.address + freeOffset } : null,
    frameTicks: isFramed(module.code) ? module.timesteps : 1,
    functions: [...math, ...assembler.definedFunctions()],
    steps: options.steps,
    ...parts,
    tasks,
    tensors: tensorsOf(module, tasks),
    inputs: inputs.map(locate),
    overTime: areOverTime(module),
    arrivals: options.count === true ? arrivalsIn(module) : [],
    outputs: outputs.map(({ name, value, view }) => ({ name, value, at: locate(view) })),
    kept: new Map(kept.map(([value, view]) => [value, locate(view)])),
    averages: new Map(
      averages.map(([value, average]) => [
        value,
        { at: locate(average.view), summed: average.summed },
      ]),
    ),
    traces: new Map([...lowering.traces].map(([value, view]) => [value, locate(view)])),
    recorded: new Map(recorded.map(([value, place]) => [value, spikesAt(place)])),
    given: new Map(given.map(([value, place]) => [value, spikesAt(place)])),
    counts: counted === null ? null : { at: locate(counted.view), rows: counted.rows },
    connections: connectionsOf(lowering, needed),
  };
}

function buffersOf(place: SpikePlace): readonly Buffer[] {
  return "masks" in place ? maskBuffers(place.masks) : [place.buffer];
}

function spikesAt(place: SpikePlace): SpikesAt {
  if (!("masks" in place)) return { kind: "values", at: locate(place) };
  const { masks, image } = place;
  const { grid, halo, steps, maskBytes } = masks;
  const planes = maskBuffers(masks).map(({ address }) => address);
  return { kind: "masks", planes, shape: { grid, halo, steps, maskBytes }, image };
}

/** Lifetimes from the order of the steps; inputs are there before, what lasts is there after. */
function placeBuffers(
  lowering: Lowering,
  begin: readonly Step[],
  each: readonly Step[],
  inputs: readonly Buffer[],
  lasting: readonly Buffer[],
): { readonly constantBytes: number; readonly arenaBytes: number } {
  const steps = [...begin, ...each];
  const spans = new Map<Buffer, { first: number; last: number }>();
  const touch = (buffer: Buffer, at: number): void => {
    const span = spans.get(buffer);
    if (span === undefined) spans.set(buffer, { first: at, last: at });
    else {
      span.first = Math.min(span.first, at);
      span.last = Math.max(span.last, at);
    }
  };
  for (const buffer of inputs) touch(buffer, -1);
  steps.forEach((step, at) => {
    for (const buffer of [...step.reads, ...step.writes]) touch(buffer, at);
  });
  for (const buffer of lasting) touch(buffer, steps.length);
  const states: Buffer[] = [];
  const scratch: Lifetime[] = [];
  for (const [buffer, { first, last }] of spans) {
    if (buffer.kind === "state") states.push(buffer);
    if (buffer.kind !== "scratch") continue;
    // What is made before the first chunk must still be there for the last.
    const outlives = first < begin.length && last >= begin.length && lowering.options.chunked;
    scratch.push({ buffer, first, last: outlives ? steps.length : last });
  }
  return planMemory(lowering.allConstants(), states, scratch);
}

/** The function at which threads that share a sample wait for each other. */
const syncName = "sync";

/**
 * One function per step, and one for each run of steps between two tasks of the host. `tiled`: parts
 * wait for each other before a step that touches what steps since the last wait have written.
 */
function writePhase(
  assembler: Assembler,
  phase: string,
  steps: readonly Step[],
  tasks: HostTask[],
  lowering: Lowering,
  tiled: boolean,
): ProgramStep[] {
  const parts: ProgramStep[] = [];
  let names: string[] = [];
  let together: Step[] = [];
  const close = (): void => {
    if (names.length === 0) return;
    const calls = names;
    const call = `${phase}${parts.length}`;
    assembler.define(call, 3, (code) => {
      for (const name of calls) {
        const operands = [0, 1, 2].map((i) => code.parameter(i).get());
        code.push(assembler.call(name, operands));
      }
    });
    parts.push({ call });
    names = [];
  };
  steps.forEach((step, index) => {
    const { emit, host } = step;
    if (emit !== null) {
      const name = `${phase} ${index}: ${step.name}`;
      assembler.define(name, 3, emit);
      if (tiled && together.some((other) => mustFollow(step, other))) {
        names.push(syncName);
        together = [];
      }
      together.push(step);
      names.push(name);
    }
    if (host === null) return;
    close();
    parts.push({ task: tasks.length });
    tasks.push({
      op: host.op,
      operands: host.operands.map((view, i) => {
        const value = lowering.operandOf(host.op, i);
        return { type: lowering.opOf(value).type, at: locate(view) };
      }),
      result: locate(host.result),
      steps: host.steps,
    });
  });
  close();
  return parts;
}

/** Whether one of two steps writes where the other reads or writes; buffers may share bytes. */
function mustFollow(step: Step, before: Step): boolean {
  const meet = (a: readonly Buffer[], b: readonly Buffer[]): boolean =>
    a.some((x) => b.some((y) => overlap(x, y)));
  const touched = [...step.reads, ...step.writes];
  return meet(before.writes, touched) || meet(before.reads, step.writes);
}

function overlap(a: Buffer, b: Buffer): boolean {
  if (a.kind === "constant" || b.kind === "constant") return false;
  const [endOfA, endOfB] = [a.address + aligned(a.bytes), b.address + aligned(b.bytes)];
  return a.address < endOfB && b.address < endOfA;
}

function arrivalsIn(module: Module): Program["arrivals"] {
  const numbers = new Map(inputsOf(module).map((op, input) => [op.result, input]));
  return arrivalsOf(module).map(({ op, delay, fanOut }) => ({
    input: known(numbers.get(op.result), "an input's number"),
    delay,
    fanOut,
  }));
}

function tensorsOf(module: Module, tasks: readonly HostTask[]): Map<TensorRef, Tensor> {
  const tensors = new Map<TensorRef, Tensor>();
  for (const { op } of tasks) {
    for (const { ref } of tensorRefsOf(op)) tensors.set(ref, tensorAt(module, ref));
  }
  return tensors;
}
