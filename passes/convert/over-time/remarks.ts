/** What is said of a network that has just been converted: what in it is no work of spikes. */
import { accountOf } from "../../../ir/account/account.ts";
import type { Diagnostic } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import { diagnose } from "../../diagnostics.ts";
import { decodedOps } from "../spiking-form.ts";

/** The layers whose weights meet currents, and what that costs at every timestep; none where all meet spikes. */
export function realLayers(converted: Module): readonly Diagnostic[] {
  const account = accountOf(converted);
  if (account.realLayers.length === 0) return [];
  const layers = account.realLayers.map(({ loc }) => shortName(loc));
  return [diagnose("real-layers", null, { layers, products: account.currentProducts })];
}

/** All that is said of what a code made of `module` that computes on decoded values. */
export function remarksOn(module: Module, converted: Module): readonly Diagnostic[] {
  const ops = decodedOps(module, converted);
  const decoded = ops.length === 0 ? [] : [diagnose("decoded-inside", null, { ops })];
  return [...decoded, ...realLayers(converted)];
}
