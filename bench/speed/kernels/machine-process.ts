/** A process that measures the machine's limits, and kernels beside them. Runs no network. */
import { supportHere } from "../../../backends/wasm/runtime/support.ts";
import { invariant, known } from "../../../ir/diagnostic.ts";
import { kernelCasesOf } from "../suites/kernel.ts";
import { createLimit, limitNames } from "./limit-modules.ts";
import { type Meter, rateOf } from "./meter.ts";
import { type Served, serve } from "../processes/serve.ts";

const { relaxed } = supportHere();
const meters = new Map<string, Meter>();

serve(async (): Promise<Served> => ({
  loaded: { versions: {}, seconds: {}, remarks: [], relaxed },
  async answers() {
    invariant(false, "the machine has no answers");
  },
  async measure(measurement) {
    invariant(measurement.mode === "machine", "the machine runs no images");
    const { name, seconds } = measurement;
    const meter = meters.get(name) ?? (await create(name));
    meters.set(name, meter);
    return rateOf(meter, seconds);
  },
}));

function create(name: string): Promise<Meter> {
  const limit = limitNames.find((each) => each === name);
  if (limit !== undefined) return createLimit(limit);
  const kernel = kernelCasesOf(relaxed).find((each) => each.name === name);
  return known(kernel, `a kernel named ${name}`).prepare();
}
