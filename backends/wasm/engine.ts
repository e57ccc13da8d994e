/** The WebAssembly engine on all cores, by Node's worker threads. What it computes is single.ts's. */
import { typedEngine } from "../typed/engine.ts";
import { createTeam } from "./runtime/node-workers.ts";
import { createWasmEngine } from "./runtime/single.ts";

/** The engine that commands use unless told otherwise. */
export const wasmEngine = createWasmEngine({ createTeam, fallback: typedEngine });
