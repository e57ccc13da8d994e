/** The typed-array engine on all cores, by Node's worker threads. What it computes is in single.ts. */
import { createPool } from "./workers.ts";
import { createTypedEngine } from "./single.ts";

/** The engine that commands use unless told otherwise. */
export const typedEngine = createTypedEngine(createPool);
