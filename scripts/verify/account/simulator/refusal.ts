/**
 * How the simulator says no: whatever it does not know ends the run. Nothing here may import the
 * project, not even its errors, or the two would no longer be two witnesses.
 */
class Refusal extends Error {}

export function refuse(text: string): never {
  throw new Refusal(text);
}
