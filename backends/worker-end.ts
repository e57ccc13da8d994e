/** The end of a worker that others wait for, whatever made it end, as an error that says so. */
import { DiagnosticError } from "../ir/diagnostic.ts";
import { isOutOfMemory } from "../ir/run/memory.ts";
import { diagnose } from "./diagnostics.ts";

/** Why a worker has ended. */
export class WorkerEnd extends DiagnosticError {
  readonly reason: string;
  readonly outOfMemory: boolean;
  constructor(reason: string, outOfMemory: boolean) {
    const code = outOfMemory ? "worker-out-of-memory" : "worker-ended";
    super([diagnose(code, null, { reason })]);
    this.name = "WorkerEnd";
    this.reason = reason;
    this.outOfMemory = outOfMemory;
  }
}

/** The end of a worker by an error that nothing in it caught. */
export function endBy(error: unknown): WorkerEnd {
  if (error instanceof WorkerEnd) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new WorkerEnd(message === "" ? "no reason given" : message, isOutOfMemory(error));
}

/** What a worker says of an error that it caught: a fault of ours, or memory that it could not have. */
export interface Failed {
  readonly kind: "failed";
  readonly message: string;
  readonly outOfMemory: boolean;
}

export function failedBy(error: unknown): Failed {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "failed", message, outOfMemory: isOutOfMemory(error) };
}
