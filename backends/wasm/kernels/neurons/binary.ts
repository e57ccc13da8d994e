/** What neurons whose spikes have one size give at each timestep, beside the population kernel's. */
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";

export interface BinaryForm {
  /** Whether potentials are an output of their own. */
  readonly traced: boolean;
  /** Whether spikes are an output of their own, 1 each. */
  readonly counted: boolean;
}

/** The values of four neurons; all bits of `fires` are set where one fires. */
export function binaryOutputs(
  code: FunctionWriter,
  form: BinaryForm,
  { amplitude, fires, v }: { readonly amplitude: Local; readonly fires: Local; readonly v: Local },
): readonly (() => Expr)[] {
  const { f32x4, f32, v128 } = code.wasm;
  return [
    () => v128.and(amplitude.get(), fires.get()),
    ...(form.traced ? [() => v.get()] : []),
    ...(form.counted ? [() => v128.and(f32x4.splat(f32.const(1)), fires.get())] : []),
  ];
}
