/** Names for what a built network shows: its layers of neurons, and the values that are probed. */
import { neuronsOf } from "../../../ir/op/known.ts";
import { fail } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import { type Module } from "../../../ir/module.ts";
import { type NeuronKind, type Op, type OpOf } from "../../../ir/op/op.ts";
import { opNamed } from "../../../ir/analysis/walk.ts";
import { diagnose } from "./diagnostics.ts";

/** A layer of neurons under a name that no other layer has. */
export interface Layer {
  readonly name: string;
  readonly op: OpOf<NeuronKind>;
}

/** A value to keep observable. */
export interface BuildProbe {
  readonly name: string;
  readonly op: Op;
  readonly keeps: "spikes" | "membrane" | "values";
}

/** The layers in the order of the module; a name that several share gets a number from the second on. */
export function layersOf(module: Module): readonly Layer[] {
  const taken = new Set<string>();
  return neuronsOf(module).map((op) => {
    const base = shortName(op.loc);
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}#${n}`;
    taken.add(name);
    return { name, op };
  });
}

/** What stands for all layers where names of values are asked for. */
const all = "all";

/**
 * The values of `names` at each timestep, and the potentials of the layers `membranes`; `all` is
 * every layer. A name is a layer's, or the source node's of any op. Fails on names of nothing.
 */
export function probesOf(
  module: Module,
  names: readonly string[],
  membranes: readonly string[],
): readonly BuildProbe[] {
  const layers = layersOf(module);
  const probes = new Map<string, BuildProbe>();
  for (const name of names) {
    const found = name === all ? layers : layers.filter((layer) => layer.name === name);
    for (const { name: own, op } of found) probes.set(own, { name: own, op, keeps: "spikes" });
    if (found.length > 0 || name === all) continue;
    const op = opNamed(module, name);
    const near = [...new Set(module.ops.map((each) => shortName(each.loc)))].slice(0, 12);
    if (op === undefined) fail(diagnose("probe-unknown", null, { name, near }));
    probes.set(name, { name, op, keeps: "values" });
  }
  for (const name of membranes) {
    const found = name === all ? layers : layers.filter((layer) => layer.name === name);
    const near = layers.map((layer) => layer.name);
    if (found.length === 0) fail(diagnose("probe-not-a-layer", null, { name, near }));
    for (const layer of found) {
      const own = `${layer.name}.membrane`;
      probes.set(own, { name: own, op: layer.op, keeps: "membrane" });
    }
  }
  return [...probes.values()];
}
