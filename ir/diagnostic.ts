/**
 * How anything goes wrong here.
 *
 * Three kinds of failure take three paths. What the user gave is wrong: a `Diagnostic` of cause
 * "input" (exit code 1). The machine failed us: cause "environment" (exit code 2). We are wrong:
 * `invariant` throws an `InvariantError` (exit code 70), or, where there are numbers to report, a
 * `Diagnostic` is of cause "fault" (70 too). Each folder declares its messages once,
 * with `catalogue`; the code of a message is stable and documented. Nothing is printed here.
 */
import type { Loc } from "./loc.ts";

export type Severity = "error" | "warning" | "info";

export interface Diagnostic {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly severity: Severity;
  readonly cause: "input" | "environment" | "fault";
  /** What is wrong, in the user's terms, with the numbers. One sentence, no final stop. */
  readonly message: string;
  readonly loc: Loc | null;
  /** More facts, one sentence each. */
  readonly notes: readonly string[];
  /** The way out. */
  readonly help: string | null;
}

/** One row of a catalogue: how a code's message is made from its parameters. */
export interface DiagnosticSpec<P> {
  readonly severity: Severity;
  /** "input" unless said otherwise. */
  readonly cause?: "environment" | "fault";
  readonly message: (params: P) => string;
  readonly help?: string | ((params: P) => string);
}

export interface Diagnose<P> {
  <K extends keyof P & string>(
    code: K,
    loc: Loc | null,
    params: P[K],
    notes?: readonly string[],
  ): Diagnostic;
  /** The rows themselves, for the documentation and for tests. */
  readonly specs: { readonly [K in keyof P]: DiagnosticSpec<P[K]> };
}

/**
 * Declares a folder's messages: `message` annotates its parameters, `help` may use the same. The
 * result makes diagnostics, with parameters checked against the code's row.
 */
export function catalogue<P>(specs: {
  readonly [K in keyof P]: DiagnosticSpec<P[K]>;
}): Diagnose<P> {
  const make = <K extends keyof P & string>(
    code: K,
    loc: Loc | null,
    params: P[K],
    notes: readonly string[] = [],
  ): Diagnostic => {
    const spec = specs[code];
    const help = typeof spec.help === "function" ? spec.help(params) : (spec.help ?? null);
    return {
      code,
      severity: spec.severity,
      cause: spec.cause ?? "input",
      message: spec.message(params),
      loc,
      notes,
      help,
    };
  };
  return Object.assign(make, { specs });
}

/** Carries diagnostics to whoever asked for the work; at least one of them is an error. */
export class DiagnosticError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => d.message).join("; "));
    this.name = "DiagnosticError";
    this.diagnostics = diagnostics;
  }
}

/** Ends the current work with these errors. */
export function fail(...diagnostics: readonly Diagnostic[]): never {
  throw new DiagnosticError(diagnostics);
}

/** The same for a list of any length: as arguments, a hundred thousand overflow the stack. */
export function failAll(diagnostics: readonly Diagnostic[]): never {
  throw new DiagnosticError(diagnostics);
}

/** A promise of ours that was broken: always our bug, never the user's. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InvariantError";
  }
}

/** Throws an `InvariantError` unless `condition` holds. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The value, which is known to be there; for look-ups whose success an invariant guarantees. */
export function known<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new InvariantError(`missing: ${what}`);
  return value;
}

/** Ends an exhaustive `switch`: does not compile while a case is missing. */
export function assertNever(value: never): never {
  throw new InvariantError(`unexpected value: ${JSON.stringify(value)}`);
}

/** A result or the reason there is none. */
export type Result<T> = { readonly ok: true; readonly value: T } | Failure;
export interface Failure {
  readonly ok: false;
  /** One sentence without final stop. */
  readonly reason: string;
}

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function no(reason: string): Failure {
  return { ok: false, reason };
}
