/**
 * The only place that writes to the terminal: results to stdout, everything else to stderr.
 * Progress and colour are for people, so both need a terminal, and `NO_COLOR` is honoured.
 */
import { writeSync } from "node:fs";
import cliProgress from "cli-progress";
import pc from "picocolors";

export interface Terminal {
  /** Whether results may be coloured. */
  readonly color: boolean;
  /** Whether messages may be. */
  readonly alertColor: boolean;
  /** Columns to lay text out for. */
  readonly width: number;
  /** A result, to stdout. */
  out(text: string): void;
  /** A message about the work, to stderr; nothing with `--quiet`. */
  note(text: string): void;
  /** An error or a warning, to stderr, also with `--quiet`. */
  alert(text: string): void;
  /** Draws progress of something with `total` parts until `stop`. */
  progress(label: string, total: number): Progress;
}

export interface Progress {
  update(done: number): void;
  stop(): void;
}

const silent: Progress = { update: () => undefined, stop: () => undefined };

/** A terminal for one command; `json` and `quiet` as given on the command line. */
export function createTerminal(options: {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}): Terminal {
  const json = options.json === true;
  const quiet = options.quiet === true;
  const drawsProgress = isTerminal(process.stderr) && !quiet;
  return {
    color: pc.isColorSupported && isTerminal(process.stdout) && !json,
    alertColor: pc.isColorSupported && isTerminal(process.stderr),
    width: Math.min(process.stdout.columns ?? 100, 120),
    out: (text) => write(1, `${text}\n`),
    note: (text) => {
      if (!quiet && !json) write(2, `${text}\n`);
    },
    alert: (text) => write(2, `${text}\n`),
    progress: (label, total) => (drawsProgress && total > 1 ? bar(label, total) : silent),
  };
}

/** `isTTY` is missing where there is no terminal, whatever its type says. */
function isTerminal(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true;
}

/** Writes all of it before returning, whatever the descriptor is: a pipe would cut output at exit. */
function write(descriptor: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : null;
      // A full pipe: its reader is slow; try again. A closed one: nobody listens any more.
      if (code === "EAGAIN") continue;
      if (code === "EPIPE") return;
      throw error;
    }
  }
}

function bar(label: string, total: number): Progress {
  const drawn = new cliProgress.SingleBar(
    {
      format: `${label.padEnd(28)} {bar} {value}/{total}  {eta_formatted} left`,
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
      etaBuffer: 50,
    },
    cliProgress.Presets.rect,
  );
  drawn.start(total, 0);
  return { update: (done) => drawn.update(done), stop: () => drawn.stop() };
}
