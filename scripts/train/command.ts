/** What the commands that train have in common. */
import { Option } from "@commander-js/extra-typings";
import { wholeNumber } from "../../cli/options/options.ts";

/** An option that takes a whole number. */
export function count<F extends string>(flags: F, what: string, value: number) {
  return new Option(flags, what).default(value).argParser(wholeNumber(0, 10_000_000));
}
