/** One line on stderr that says what is being measured, for people who wait. */

export interface Status {
  /** Replaces the line; nothing where stderr is no terminal. */
  readonly show: (text: string) => void;
  readonly clear: () => void;
}

export function createStatus(): Status {
  // `isTTY` is missing where there is no terminal, whatever its type says.
  const stream: { readonly isTTY?: boolean } = process.stderr;
  const isTerminal = stream.isTTY === true;
  const write = (text: string): void => {
    if (isTerminal) process.stderr.write(`\r\x1b[2K${text}`);
  };
  return {
    show: (text) => write(text.slice(0, (process.stderr.columns ?? 80) - 1)),
    clear: () => write(""),
  };
}
