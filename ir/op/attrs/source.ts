/** Attributes of the ops that values come from. */
import type { TensorRef } from "../../tensor.ts";
import type { Domain } from "../../type.ts";

export interface SourceOps {
  /** A value that the caller gives, the same at every timestep. Its type is the one that is written. */
  "ann.input": { readonly name: string };
  "ann.constant": { readonly value: TensorRef };
  /**
   * A value that the caller gives as frames, [F, …shape]: x[t] is frame t, which counts from 1, and 0 for
   * t > F: nothing arrives any more. F is the sample's. The type, without the axis of the frames, is
   * the one that is written: `spike` where every element that is not 0 is a spike from outside,
   * `current` for what neurons integrate, `real` for values that are read as they are.
   */
  "snn.input": { readonly name: string };
  /**
   * The value of the timestep before: y[t] = v[t−1], where v is the value that is carried here by the
   * module's carry (`snn.carry(v, y)`), and y[1] = initial. Its type is that of v: `initial` has its
   * element type and its shape, `domain` its domain. A delay of several timesteps is a chain of these.
   */
  "snn.previous": { readonly initial: TensorRef; readonly domain: Domain };
}
