/**
 * The only place that writes to the terminal: results to stdout, everything else to stderr.
 * Progress and colour are for people, so both need a terminal, and `NO_COLOR` is honoured. Whatever
 * a text holds, a terminal gets lines and colours: every other command to it is made visible.
 */
import { writeSync } from "node:fs";
import { Writable } from "node:stream";
import { isatty } from "node:tty";
import cliProgress from "cli-progress";
import { fail } from "../../ir/diagnostic.ts";
import { printable, printableLines } from "../../ir/text/printable.ts";
import { diagnose } from "../diagnostics.ts";
import { errorCode } from "./error-code.ts";

export interface Terminal {
  /** Whether results may be coloured. */
  readonly color: boolean;
  /** Whether messages may be. */
  readonly alertColor: boolean;
  /** Columns to lay text out for. */
  readonly width: number;
  /** A result, to stdout; fails with a diagnostic where stdout cannot be written. */
  out(text: string): void;
  /** A result for programs, to stdout: one object on one line. */
  json(value: object): void;
  /** A message about the work, to stderr; nothing with `--quiet`. */
  note(text: string): void;
  /** An error or a warning, to stderr, also with `--quiet`. */
  alert(text: string): void;
  /** Draws progress of something with `total` parts until `stop`. */
  progress(label: string, total: number): Progress;
  /** Stops whatever is still being drawn. */
  close(): void;
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
  const drawsProgress = isatty(2) && !quiet;
  const color = wantsColor(1) && !json;
  const alertColor = wantsColor(2);
  const drawn = new Set<Progress>();
  const alert = (text: string): void => {
    try {
      write(2, `${shown(text, alertColor)}\n`);
    } catch {
      // There is no other place to say that messages cannot be written.
    }
  };
  return {
    color,
    alertColor,
    width: Math.min(columns(), 120),
    out: (text) => result(`${shown(text, color)}\n`),
    json: (value) => result(`${printable(JSON.stringify(value))}\n`),
    note: (text) => {
      if (!quiet && !json) alert(text);
    },
    alert,
    progress(label, total) {
      if (!drawsProgress || total <= 1) return silent;
      const inner = bar(printable(label), total);
      const progress: Progress = {
        update: (done) => inner.update(done),
        stop() {
          if (drawn.delete(progress)) inner.stop();
        },
      };
      drawn.add(progress);
      return progress;
    },
    close() {
      for (const progress of drawn) progress.stop();
    },
  };
}

/** Colours are for terminals that can show them, and for whoever insists (https://force-color.org). */
function wantsColor(descriptor: 1 | 2): boolean {
  const { NO_COLOR: no = "", FORCE_COLOR: force = "", TERM: term } = process.env;
  if (no !== "") return false;
  return (force !== "" && force !== "0") || (isatty(descriptor) && term !== "dumb");
}

/** Of the terminal that results go to; where they go elsewhere, as many as people read well. */
function columns(): number {
  const known = process.stdout.columns ?? Number(process.env["COLUMNS"] ?? "");
  return isatty(1) && known > 0 ? known : 100;
}

/** Stderr as a stream that has written when it says so, as all else here does. */
function drawingStream(): Writable {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: unknown, _encoding, done) {
      try {
        write(2, String(chunk));
      } catch {
        // Progress that cannot be seen is no reason to stop.
      }
      done();
    },
  });
  return Object.assign(stream, { isTTY: true, columns: columns() });
}

/** What picocolors writes: colours and weights of text, nothing that moves or asks. */
const style = /(\u001b\[\d{1,2}m)/;

/** `text` for a terminal: line breaks stay, and so do styles where there are any of ours. */
function shown(text: string, colored: boolean): string {
  if (!colored) return printableLines(text);
  const parts = text.split(style);
  return parts.map((part, i) => (i % 2 === 1 ? part : printableLines(part))).join("");
}

/** Writes a result; fails with a diagnostic where there is no room for it. */
function result(text: string): void {
  try {
    write(1, text);
  } catch (error) {
    fail(diagnose("cannot-print", null, { code: errorCode(error) }));
  }
}

/** Writes all of it before returning, whatever the descriptor is: a pipe would cut output at exit. */
function write(descriptor: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      const code = errorCode(error);
      // A closed pipe: nobody listens any more. A full one: its reader is slow; try again.
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullPipeMilliseconds);
    }
  }
}

/** Short beside what a reader takes for 64 kB, long beside asking. */
const fullPipeMilliseconds = 2;

function bar(label: string, total: number): Progress {
  const drawn = new cliProgress.SingleBar(
    {
      format: `${label.padEnd(28)} {bar} {value}/{total}  {eta_formatted} left`,
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      stream: drawingStream(),
      etaBuffer: 50,
    },
    cliProgress.Presets.rect,
  );
  drawn.start(total, 0);
  return { update: (done) => drawn.update(done), stop: () => drawn.stop() };
}
