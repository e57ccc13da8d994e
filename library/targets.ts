/**
 * What networks can be built for: the one list of targets that the command line, the library and
 * the documentation read. docs/adding-a-backend.md says how to add one.
 */
import { cBackend } from "../backends/c/backend.ts";
import { wasmBackend } from "../backends/wasm/emit/backend.ts";
import type { AnyBackend } from "../ir/backend.ts";
import { type Diagnostic, fail } from "../ir/diagnostic.ts";
import { type OptionTaker, type Options, readItems, resolveText } from "../ir/options.ts";
import { diagnose } from "./diagnostics.ts";

export const targets: readonly AnyBackend[] = [wasmBackend, cBackend];

/** What is built for unless said otherwise. */
export const defaultTarget = wasmBackend.name;

/** What is planned, in the words of its diagnostic. */
const planned: ReadonlyMap<string, string> = new Map([
  ["emulator", "a program for a many-core machine"],
  ["hdl", "a hardware description in Verilog"],
  ["nir", "an exchange file in NIR"],
]);

/** A target with its options, every one of them resolved. */
export interface Target {
  readonly backend: AnyBackend;
  readonly options: Options;
}

/**
 * Reads a target: `wasm`, or `wasm{chunk=8}`. `given` are options that were not written with it. Fails
 * where there is no such target, or not yet, and on every wrong option at once.
 */
export function parseTarget(
  text: string,
  given: Options = {},
  registry: readonly AnyBackend[] = targets,
): Target {
  const [item, ...others] = readItems(text, "target", "target");
  const name = item !== undefined && others.length === 0 ? item.name : text;
  const backend = registry.find((each) => each.name === name);
  if (item === undefined || backend === undefined) {
    const what = planned.get(name);
    const known = registry.map((each) => each.name);
    return fail(
      what === undefined
        ? diagnose("target-unknown", null, { target: name, known })
        : diagnose("target-not-there-yet", null, { target: name, what, known }),
    );
  }
  const written = [
    ...item.options,
    ...Object.entries(given).map(([key, value]) => ({ key, value: String(value) })),
  ];
  const { options, errors } = resolveText(takerOf(backend), written);
  if (errors.length > 0) fail(...errors);
  return { backend, options };
}

function takerOf({ name, options }: AnyBackend): OptionTaker {
  return { what: `target ${name}`, options };
}

/** Fails on each of `materials` that the target makes no use of. */
export function refuseUnused({ name, takes }: AnyBackend, given: readonly string[]): void {
  const unused = given.filter((each) => !takes.some((material) => material === each));
  const found: Diagnostic[] = unused.map((what) =>
    diagnose("target-takes-no", null, { target: name, what, takes }),
  );
  if (found.length > 0) fail(...found);
}
