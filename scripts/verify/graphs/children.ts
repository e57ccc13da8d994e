/**
 * Runs shared out among child processes: each is given the number of the next run when it has answered
 * the last one. A child that dies is a finding of that run. What comes of a run depends on nothing but its
 * number, so that the report is the same whatever the number of children.
 */
import { type ChildProcess, fork } from "node:child_process";

export interface Given {
  readonly first: number;
  readonly runs: number;
  readonly jobs: number;
  /** Answers runs with `answerParent` when it is started with these arguments. */
  readonly script: string;
  readonly args: readonly string[];
}

/** Gives every run to a child; `onAnswer` gets what it answered, null where it died. */
export async function shareOut<A>(
  { first, runs, jobs, script, args }: Given,
  isAnswer: (message: unknown) => message is A,
  onAnswer: (run: number, answer: A | null) => void,
): Promise<void> {
  let next = first;
  const work = async (): Promise<void> => {
    let child: ChildProcess | null = null;
    while (next < first + runs) {
      const run = next++;
      child ??= fork(script, args);
      const answer = await ask(child, run, isAnswer);
      if (answer === null) child = null;
      onAnswer(run, answer);
    }
    child?.disconnect();
  };
  await Promise.all(Array.from({ length: Math.min(jobs, runs) }, work));
}

function ask<A>(
  child: ChildProcess,
  run: number,
  isAnswer: (message: unknown) => message is A,
): Promise<A | null> {
  return new Promise((resolve) => {
    const settle = (answer: A | null): void => {
      child.removeAllListeners();
      resolve(answer);
    };
    child.on("message", (message) => {
      if (isAnswer(message)) settle(message);
    });
    child.on("exit", () => settle(null));
    child.on("error", () => settle(null));
    child.send(run);
  });
}

/** In a child: answers each run that the parent asks for, until it asks for no more. */
export function answerParent(answer: (run: number) => Promise<object>): Promise<void> {
  return new Promise((resolve, reject) => {
    process.on("disconnect", resolve);
    process.on("message", (run) => {
      answer(Number(run)).then((done) => process.send?.(done), reject);
    });
  });
}
