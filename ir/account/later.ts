/** Events of words that meet weights timesteps after they were sent, as they come back by a carry. */

/** What words do where they meet weights. */
export interface Met {
  events: number;
  plainEvents: number;
  eventBits: number;
}

export function noneMet(): Met {
  return { events: 0, plainEvents: 0, eventBits: 0 };
}

/** Adds the second to the first. */
export function addMet(to: Met, { events, plainEvents, eventBits }: Readonly<Met>): void {
  to.events += events;
  to.plainEvents += plainEvents;
  to.eventBits += eventBits;
}

/** What is still to be counted in a run, by its timestep. */
export class LaterEvents {
  private readonly due = new Map<number, Met>();

  /** Where `met` is to be added for timestep `t`. */
  at(t: number): Met {
    const there = this.due.get(t) ?? noneMet();
    this.due.set(t, there);
    return there;
  }

  /** What is due at timestep `t`, once. */
  take(t: number): Met {
    const met = this.due.get(t) ?? noneMet();
    this.due.delete(t);
    return met;
  }

  /** Forgets what an earlier run left. */
  clear(): void {
    this.due.clear();
  }
}
