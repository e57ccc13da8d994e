/** Books what neurons demand of the unit of their current, and what their spikes stand for. */
import { type Grid, combine } from "../grid.ts";
import type { UnitTable, Units } from "../units/table.ts";
import type { NeuronForm } from "./form.ts";

/** The units of the spikes of neurons that take a current of units `x`. */
export function bookNeurons(form: NeuronForm, x: Units, table: UnitTable): Units {
  const { step, fine, largest, start, worth, sent } = form;
  const parts = [x.ids, x.factors, step, fine, largest, start, worth];
  combine(parts, ([id = -1, factor = 0, min = Infinity, unit = 0, max = 0, vInit = 0]) => {
    if (factor !== 0) table.demand(id, { min, max, vInit: Math.abs(vInit), fine: unit });
    return 0;
  });
  // What a spike stands for is known to the last digit only when the threshold has been rounded, so
  // that spikes of any two thresholds or units count as different.
  const factors = combine([x.ids, x.factors, step, fine, worth], (all) => all.at(-1) ?? 1);
  const ids = { shape: factors.shape, data: factors.data.map(() => table.distinct()) };
  if (sent === null) return { ids, factors };
  let found: Grid | null = null;
  ids.data.forEach((id, k) => {
    table.derive(id, (unitOf) => {
      const units = (): Grid =>
        combine([x.ids, x.factors], ([of = -1, factor = 0]) => (factor === 0 ? 0 : unitOf(of)));
      found ??= combine([sent(units()), factors], ([unit = 0, planned = 0]) =>
        planned === 0 ? 1 : unit / planned,
      );
      return found.data[k] ?? 1;
    });
  });
  return { ids, factors };
}
