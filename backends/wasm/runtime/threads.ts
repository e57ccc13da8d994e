/** An executable's threads: borrowed when first needed, given back when it closes. */
import { InvariantError } from "../../../ir/diagnostic.ts";
import type { LoadOptions } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { endBy } from "../../worker-end.ts";
import { diagnose } from "../diagnostics.ts";
import type { Prepared } from "../prepare.ts";
import { type CreateTeam, type Remote, type Team, openOn } from "./team.ts";

export class Threads {
  readonly count: number;
  private readonly createTeam: CreateTeam;
  private readonly onDiagnostic: LoadOptions["onDiagnostic"];
  private team: Team | null = null;
  private unavailable = false;

  constructor(count: number, createTeam: CreateTeam, onDiagnostic: LoadOptions["onDiagnostic"]) {
    this.count = count;
    this.createTeam = createTeam;
    this.onDiagnostic = onDiagnostic;
  }

  /** Opens a program on every thread; null where threads cannot be had, which is told once. */
  async open(module: Module, prepared: Prepared): Promise<readonly Remote[] | null> {
    if (this.unavailable) return null;
    const { program, compiled, memory, arenas } = prepared;
    const bare: Module = { ...module, tensors: new Map() };
    const parts = program.sync === null ? 1 : this.count;
    try {
      this.team ??= this.createTeam(this.count);
      return await Promise.all(
        this.team.threads.slice(0, arenas * parts).map((thread, i) => {
          const place = parts === 1 ? { arena: i, part: 0, parts } : { arena: 0, part: i, parts };
          return openOn(thread, { module: bare, program, compiled, memory, place });
        }),
      );
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      // What one thread has no memory for another would not have either.
      const end = endBy(error);
      if (end.outOfMemory) {
        await this.release();
        throw end;
      }
      this.unavailable = true;
      const { reason } = end;
      this.onDiagnostic?.(diagnose("no-threads", null, { threads: this.count, reason }));
      await this.release();
      return null;
    }
  }

  async release(): Promise<void> {
    await this.team?.release();
    this.team = null;
  }
}
