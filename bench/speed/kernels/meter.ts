/** A piece of work that is repeated to see how fast the machine does it. */
import { quantile } from "../statistics.ts";

export interface Meter {
  /** Work of one call, in the unit that the meter is about; a call takes about a millisecond. */
  readonly work: number;
  /** Does it. Throws if the result is wrong: work that was optimised away would be infinitely fast. */
  run(): void;
}

/** Work per second: that of the median call, over about `seconds`. */
export function rateOf(meter: Meter, seconds: number): number {
  const begin = performance.now();
  const each: number[] = [];
  do {
    const before = performance.now();
    meter.run();
    each.push(performance.now() - before);
  } while (performance.now() - begin < seconds * 1000);
  return (meter.work / quantile(each, 0.5)) * 1000;
}
