/** What every peer offers once it has opened a model, whatever it calls it. */
import type { PeerSpec } from "./protocol.ts";

export interface OpenedPeer {
  readonly version: string;
  /** Seconds of each part of opening. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly remarks: readonly string[];
  /** Makes `batch` samples, one after another in the model's own layout, ready; the result runs them. */
  feed(data: Float32Array, batch: number): () => Promise<Float32Array>;
}

export type OpenPeer = (spec: PeerSpec) => Promise<OpenedPeer>;
